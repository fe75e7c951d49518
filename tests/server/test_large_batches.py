"""Batches and replies above the message limit: one batch stays one batch, and no reply is too large to be had."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

import vecdb
from tests.server.raw_client import RawClient, bytes_of, error_in, normal, upsert_request
from tests.server.server_process import ServerProcess, wait_until
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.v1 import points_pb2, types_pb2
from vecdb.server import Server, ServerSettings

MESSAGE_BYTES, BATCH_BYTES = 256 << 10, 4 << 20
DIMENSION = 64
ROWS = 3_000  # 768 kB: three messages and more
REF = types_pb2.CollectionRef(name="docs")
KILLS = int(os.environ.get("VECDB_TEST_SERVER_KILLS", "5"))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(
        ServerSettings(data=":memory:", port=0, message_bytes=MESSAGE_BYTES, batch_bytes=BATCH_BYTES)
    ) as server:
        yield server
        assert wait_until(lambda: not server._admission.in_flight.taken, 5)
        assert wait_until(lambda: not server._admission.stream.taken, 5)


@pytest.fixture
def raw(server: Server) -> Iterator[RawClient]:
    with RawClient(f"127.0.0.1:{server.port}") as client:
        client.create("docs", DIMENSION)
        yield client


@pytest.fixture
def docs(server: Server, raw: RawClient) -> Iterator[Any]:
    with vecdb.connect(f"grpc://127.0.0.1:{server.port}") as db:
        yield db["docs"]


def parts(X: Any, rows: int = 500, end: bool = True) -> list[points_pb2.WriteRequest]:
    """One batch with ids from 0 on, in messages of so many rows; without its `end` all of them say that more comes."""
    firsts = range(0, len(X), rows)
    return [
        points_pb2.WriteRequest(
            upsert=upsert_request(REF, range(first, min(first + rows, len(X))), X[first : first + rows]),
            more=first != firsts[-1] or not end,
        )
        for first in firsts
    ]


def test_parts_are_one_batch(server: Server, raw: RawClient) -> None:
    X = normal(ROWS, DIMENSION)
    assert len(parts(X)) == 6
    replies = list(raw.stream("Write", parts(X)))
    assert len(replies) == 1
    result = points_pb2.WriteAcknowledgement.FromString(replies[0]).result
    assert result.count == ROWS
    records = server.database["docs"].get(list(range(ROWS)), with_vectors=True)
    assert all(
        np.array_equal(record.vectors[""], row) for record, row in zip(records, X, strict=True) if record.vectors
    )
    again = points_pb2.WriteAcknowledgement.FromString(next(raw.stream("Write", parts(X)))).result
    assert again.sequence == result.sequence + 1, "one batch is one step of the sequence"


def test_parts_take_their_bytes_out_of_the_budget_once() -> None:
    """A batch that fills the budget to three quarters, whose messages fill a quarter each, has room."""
    budget = 1 << 20
    settings = ServerSettings(
        data=":memory:", port=0, message_bytes=budget, batch_bytes=budget, in_flight_bytes=budget, timeout_seconds=10
    )
    X = normal(3_600, DIMENSION)
    messages = parts(X, rows=1_200)
    sizes = [message.ByteSize() for message in messages]
    assert sum(sizes) < budget < sum(sizes) + sizes[-1]
    with Server(settings) as server, RawClient(f"127.0.0.1:{server.port}") as raw:
        raw.create("docs", DIMENSION)
        assert len(list(raw.stream("Write", messages))) == 1
        assert server.database["docs"].count() == len(X)
        in_flight = server._admission.in_flight
        assert wait_until(lambda: not in_flight.taken, 5)
        # What is above the budget by itself is no overload: nobody should try it again.
        outcome = raw.attempt_path(
            "/vecdb.v1.Points/Write", [bytes_of(each) for each in parts(normal(4_800, DIMENSION), 1_200)], 10
        )
        assert isinstance(outcome.error, vecdb.LimitExceeded), outcome
        assert (outcome.error.limit, outcome.error.maximum) == ("BATCH_BYTES", budget)
        assert wait_until(lambda: not in_flight.taken, 5)
        assert server.database["docs"].count() == len(X)


def test_parts_of_many_ids_or_matrices_are_refused_as_they_come(server: Server, raw: RawClient) -> None:
    """They take more memory than their bytes, and would be counted only at the end."""
    ids = ids_to_message(np.zeros(25_000, np.int64))
    part = points_pb2.WriteRequest(upsert=points_pb2.UpsertRequest(collection=REF, ids=ids), more=True)
    outcome = raw.attempt_path("/vecdb.v1.Points/Write", [bytes_of(part)] * 5, 10)
    assert isinstance(outcome.error, vecdb.LimitExceeded), outcome
    assert (outcome.error.limit, outcome.error.received) == ("BATCH_ROWS", 125_000)
    wide = points_pb2.WriteRequest(upsert=points_pb2.UpsertRequest(collection=REF), more=True)
    wide.upsert.vectors.extend([types_pb2.NamedMatrix()] * 17)
    outcome = raw.attempt_path("/vecdb.v1.Points/Write", [bytes_of(wide)], 10)
    assert isinstance(outcome.error, vecdb.LimitExceeded), outcome
    assert outcome.error.limit == "VECTORS_MAXIMUM"
    assert wait_until(lambda: not server._admission.in_flight.taken, 5)


@pytest.mark.parametrize("row", [0, 1_234, ROWS - 1])
def test_a_bad_row_in_any_part_leaves_nothing(server: Server, raw: RawClient, row: int) -> None:
    X = normal(ROWS, DIMENSION)
    X[row, 3] = np.nan
    call = raw.stream("Write", parts(X))
    with pytest.raises(grpc.RpcError) as failed:
        list(call)
    refused: Any = failed.value
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"row {row}" in refused.details()
    assert server.database["docs"].count() == 0


BROKEN: dict[str, list[points_pb2.WriteRequest]] = {
    "no end": parts(normal(ROWS, DIMENSION), end=False),
    "an update between": [
        *parts(normal(500, DIMENSION), end=False),
        points_pb2.WriteRequest(update=points_pb2.UpdateRequest(collection=REF)),
    ],
    "another dimension": [*parts(normal(500, DIMENSION), end=False), *parts(normal(500, 32))],
    "an id twice": [*parts(normal(500, DIMENSION), end=False), *parts(normal(500, DIMENSION))],
    "another collection": [
        *parts(normal(500, DIMENSION), end=False),
        points_pb2.WriteRequest(
            upsert=upsert_request(types_pb2.CollectionRef(name="other"), [1_000], normal(1, DIMENSION))
        ),
    ],
}


@pytest.mark.parametrize("kind", BROKEN)
def test_parts_that_are_no_batch_leave_nothing(server: Server, raw: RawClient, kind: str) -> None:
    raw.create("other", DIMENSION)
    with pytest.raises(grpc.RpcError) as failed:
        list(raw.stream("Write", BROKEN[kind]))
    refused: Any = failed.value
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert server.database["docs"].count() == server.database["other"].count() == 0


def test_a_batch_that_is_given_up_leaves_nothing(server: Server, raw: RawClient) -> None:
    never = threading.Event()

    def begun() -> Iterator[points_pb2.WriteRequest]:
        yield from parts(normal(ROWS, DIMENSION), end=False)
        never.wait(20)

    call = raw.stream("Write", begun())
    assert wait_until(lambda: server._admission.in_flight.taken > ROWS * DIMENSION * 4, 5), "all parts have come"
    call.cancel()
    never.set()
    assert wait_until(lambda: not server._admission.in_flight.taken, 5)
    assert server.database["docs"].count() == 0


def test_a_batch_above_the_bound_is_refused_by_name(server: Server, raw: RawClient, docs: Any) -> None:
    X = normal(BATCH_BYTES // (4 * DIMENSION) + 1, DIMENSION)
    with pytest.raises(vecdb.LimitExceeded) as refused:
        docs.upsert(range(len(X)), X)
    assert (refused.value.limit, refused.value.maximum) == ("BATCH_BYTES", BATCH_BYTES)
    assert server.database["docs"].count() == 0
    assert docs.upsert(range(len(X) - 1), X[:-1]).count == len(X) - 1


def test_the_client_writes_and_reads_beyond_the_limit(server: Server, docs: Any) -> None:
    X = normal(ROWS, DIMENSION)
    payloads = [{"n": n, "text": chr(97 + n % 26) * (n % 700)} for n in range(ROWS)]
    assert docs.upsert(np.arange(ROWS), X, payloads).count == ROWS
    there = server.database["docs"]
    everything = list(range(ROWS))
    assert bits(docs.get(everything, with_vectors=True)) == bits(there.get(everything, with_vectors=True))
    for with_vectors in (False, True):
        found = bits(docs.scan(batch=10_000, with_vectors=with_vectors))
        assert sorted(found) == sorted(bits(there.scan(with_vectors=with_vectors)))
    queries = normal(600, DIMENSION, seed=9)
    every, expected = docs.search(queries, 20, exact=True), there.search(queries, 20, exact=True)
    assert [hits.ids for hits in every] == [hits.ids for hits in expected]
    assert [hits.payloads for hits in every] == [hits.payloads for hits in expected]


def bits(records: Iterable[vecdb.Record]) -> list[tuple[Any, str, bytes]]:
    """Records as values that compare in all they hold."""
    return [(each.id, repr(each.payload), each.vectors[""].tobytes() if each.vectors else b"") for each in records]


def test_a_reply_that_cannot_be_split_is_refused_by_name(server: Server, docs: Any) -> None:
    large = {"text": "x" * (MESSAGE_BYTES - 20_000)}
    docs.upsert([1], normal(1, DIMENSION), [large])
    docs.update([1], set={"more": "y" * 30_000})
    for attempt in (
        lambda: docs.get([1]),
        lambda: docs.search(normal(1, DIMENSION)[0], 5),
        lambda: list(docs.scan()),
    ):
        with pytest.raises(vecdb.LimitExceeded) as refused:
            attempt()
        assert refused.value.limit == "MESSAGE_BYTES"
    assert docs.search(normal(1, DIMENSION)[0], 5, select=["none"]).payloads == [{}]
    assert docs.search(normal(1, DIMENSION)[0], 5, select=[]).ids == [1]


def test_a_message_just_above_the_limit(server: Server, raw: RawClient) -> None:
    padding = 0
    for _ in range(5):  # the length of the padding takes bytes too
        size = len(sized(padding))
        padding += MESSAGE_BYTES - size
    assert len(sized(padding)) == MESSAGE_BYTES
    assert raw.attempt("Upsert", sized(padding)).code is grpc.StatusCode.OK
    outcome = raw.attempt("Upsert", sized(padding + 1))
    assert outcome.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert f"({MESSAGE_BYTES + 1} vs. {MESSAGE_BYTES})" in outcome.message
    assert raw.attempt("Upsert", sized(0)).code is grpc.StatusCode.OK


def sized(padding: int) -> bytes:
    return upsert_request(REF, [1], normal(1, DIMENSION), [{"a": "x" * padding}]).SerializeToString()


@pytest.mark.slow
def test_kills_in_the_middle_of_a_batch_leave_all_or_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**31)))
    choose = random.Random(seed)
    X = normal(20_000, DIMENSION)
    for kill in range(KILLS):
        path = tmp_path / f"db{kill}"
        with ServerProcess(path, "--message-bytes", str(MESSAGE_BYTES)) as server, RawClient(server.target) as client:
            client.create("docs", DIMENSION)
            complete = kill % 2 == 1
            begun, never = threading.Event(), threading.Event()
            call = client.stream("Write", sent(X, complete, begun, never), None)
            answer: list[bytes] = []
            reader = threading.Thread(target=read_into, args=(call, answer), daemon=True)
            reader.start()
            assert begun.wait(20)
            time.sleep(choose.uniform(0, 0.4 if complete else 0.1))
            server.kill()
            never.set()
            reader.join(10)
        with vecdb.connect(str(path)) as db:
            rows = db["docs"].count()
            assert rows in ((len(X), 0) if complete else (0,)), f"VECDB_TEST_SEED={seed}, kill {kill}: {rows} rows"
            assert rows == len(X) or not answer, f"VECDB_TEST_SEED={seed}, kill {kill}: acknowledged and lost"
            assert db["docs"].verify().ok


def sent(X: Any, end: bool, begun: threading.Event, never: threading.Event) -> Iterator[points_pb2.WriteRequest]:
    messages = parts(X, rows=900, end=end)
    yield from messages[:-1]
    begun.set()
    yield messages[-1]
    never.wait(30)


def read_into(call: Any, answers: list[bytes]) -> None:
    with contextlib.suppress(grpc.RpcError):
        answers.extend(call)


def test_parts_that_hold_nothing_are_bounded_too() -> None:
    """A part takes a hundred times the memory of its nine bytes."""
    with (
        Server(ServerSettings(data=":memory:", port=0, batch_rows=50)) as server,
        RawClient(f"127.0.0.1:{server.port}") as raw,
    ):
        raw.create("docs", DIMENSION)
        empty = points_pb2.WriteRequest(upsert=points_pb2.UpsertRequest(collection=REF), more=True)
        last = points_pb2.WriteRequest(upsert=points_pb2.UpsertRequest(collection=REF))
        kinds = []
        for count in (49, 50):
            call = raw.stream("Write", [*[empty] * count, last])
            with pytest.raises(grpc.RpcError):
                list(call)
            kinds.append(error_in(call))
        assert isinstance(kinds[0], vecdb.InvalidValue)  # all of them together are no batch
        assert isinstance(kinds[1], vecdb.LimitExceeded)
        assert (kinds[1].limit, kinds[1].received) == ("BATCH_ROWS", 51)
        assert wait_until(lambda: not server._admission.in_flight.taken, 5)


def test_one_small_request_that_names_much_is_refused_before_it_is_read() -> None:
    with Server(ServerSettings(data=":memory:", port=0, message_bytes=1 << 20)) as server:
        docs = server.database.create_collection("docs", dimension=2)
        docs.upsert([1], np.ones((1, 2), np.float32), [{"text": "x" * 100_000}])
        read = 0
        store = docs._state.key_value
        get_many = store.get_many

        def counted(keys: list[bytes]) -> list[bytes | None]:
            nonlocal read
            found = get_many(keys)
            read += sum(len(value) for value in found if value is not None)
            return found

        with RawClient(f"127.0.0.1:{server.port}") as client, pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "get_many", counted)
            request = points_pb2.GetRequest(ids=ids_to_message([1] * 20_000))
            request.collection.name = "docs"
            outcome = client.attempt_path("/vecdb.v1.Points/Get", [request.SerializeToString()], 10, ())
        assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT
        assert 1 << 20 < read < 20 << 20  # of 2 GB that the request names
