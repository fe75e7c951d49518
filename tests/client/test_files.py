"""Rows and snapshots of a server as files here."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.client.rows import DIMENSION, FIELDS, mixed_ids, payloads, vectors
from tests.client.served import connected, remote, scripted, served
from vecdb.proto.convert.matrices import fill_matrix
from vecdb.proto.v1 import admin_pb2, points_pb2, types_pb2

ROWS = 2500


def contents(docs: Any) -> list[Any]:
    """Every row with its vector, in an order of its own."""
    rows = [(repr(each.id), each.payload, (each.vectors or {})[""].tolist()) for each in docs.scan(with_vectors=True)]
    return sorted(rows, key=lambda row: row[0])


@pytest.mark.parametrize("suffix", [".jsonl", ".npy", ".parquet"])
def test_rows_go_out_and_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION, fields=FIELDS, metric="l2")
        docs.upsert(mixed_ids(ROWS), vectors(ROWS), payloads(ROWS))
        seen: list[tuple[int, int]] = []
        assert docs.export(path, progress=lambda *now: seen.append(now)) == ROWS
        assert seen[-1] == (ROWS, ROWS)
        other = db.create_collection("other", dimension=DIMENSION, fields=FIELDS, metric="l2")
        seen.clear()
        result = other.import_(path, progress=lambda *now: seen.append(now))
        assert (result.count, result.sequence) == (ROWS, database["other"].upsert([], vectors(0)).sequence)
        assert seen == [(1000, ROWS), (2000, ROWS), (ROWS, ROWS)]
        assert contents(database["other"]) == contents(database["docs"])
        embedded = tmp_path / f"embedded{suffix}"
        database["docs"].export(embedded)
        assert embedded.read_bytes() == path.read_bytes()


def test_rows_go_through_an_event_loop_too(tmp_path: Path) -> None:
    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            docs = await db.create_collection("docs", DIMENSION)
            await docs.upsert(range(50), vectors(50))
            assert await docs.export(tmp_path / "rows.jsonl") == 50
            other = await db.create_collection("other", DIMENSION)
            assert (await other.import_(tmp_path / "rows.jsonl", batch=7)).count == 50
            assert await other.count() == 50
            with pytest.raises(vecdb.InvalidValue):
                await docs.export(tmp_path / "rows.txt")

    with served() as there:
        asyncio.run(run(there.address))


def test_an_empty_collection_is_an_empty_file(tmp_path: Path) -> None:
    with connected() as (db, _):
        docs = db.create_collection("docs", dimension=DIMENSION)
        assert docs.export(tmp_path / "rows.jsonl") == 0
        assert docs.import_(tmp_path / "rows.jsonl").count == 0


def test_a_refused_row_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [f'{{"id": {number}, "vector": [1, {number}]}}\n' for number in range(3000)]
    lines[2345] = '{"id": 2345, "vector": [0, 0]}\n'
    path.write_text("".join(lines))
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=2)
        with pytest.raises(vecdb.InvalidVector) as refused:
            docs.import_(path, batch=100)
        assert refused.value.row == 2345
        assert str(path) in refused.value.reason
        assert database["docs"].count() == 2300


@pytest.mark.parametrize("batch", [0, True, "7", 10**9])
def test_arguments_are_those_of_the_embedded_database(tmp_path: Path, batch: Any) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    errors = []
    with connected() as (db, database):
        for each in (db.create_collection("docs", dimension=2), database["docs"]):
            with pytest.raises(vecdb.InvalidArgument) as refused:
                each.import_(tmp_path / "rows.jsonl", batch=batch)
            errors.append(refused.value)
    assert type(errors[0]) is type(errors[1])
    assert str(errors[0]) == str(errors[1])


def test_a_snapshot_is_what_the_server_holds(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_text("an old one")
    with connected(data=str(tmp_path / "db")) as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(mixed_ids(ROWS), vectors(ROWS), payloads(ROWS))
        seen: list[tuple[int, int]] = []
        report = db.snapshot(path, progress=lambda *now: seen.append(now))
        expected = contents(database["docs"])
        assert report.sequence == database.stats().sequence
    assert (report.collections, report.bytes) == (1, path.stat().st_size)
    assert seen[-1] == (report.bytes, report.bytes)
    vecdb.restore(path, tmp_path / "restored")  # type: ignore[attr-defined, unused-ignore]
    with vecdb.connect(tmp_path / "restored") as restored:
        assert contents(restored["docs"]) == expected
    assert sorted(each.name for each in tmp_path.iterdir()) == ["db", "restored", "snapshot"]


def test_a_snapshot_through_an_event_loop(tmp_path: Path) -> None:
    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            await db.create_collection("docs", DIMENSION)
            report = await db.snapshot(tmp_path / "snapshot")
            assert report.bytes == (tmp_path / "snapshot").stat().st_size

    with served(data=str(tmp_path / "db")) as there:
        asyncio.run(run(there.address))


def test_a_snapshot_into_nowhere_is_refused_before_it_begins(tmp_path: Path) -> None:
    with scripted({}) as address, remote(address) as db:
        for path in (tmp_path / "no" / "folder", tmp_path, 7):
            with pytest.raises(vecdb.InvalidArgument):
                db.snapshot(path)  # type: ignore[arg-type]


def parts(*messages: Any) -> Any:
    def answer(_request: Any, _context: Any) -> Iterator[Any]:
        for message in messages:
            if isinstance(message, Exception):
                raise message
            yield message

    return answer


REPORT = admin_pb2.SnapshotPart(report=admin_pb2.SnapshotReport(bytes=10))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [admin_pb2.SnapshotPart(data=b"x" * 10)],
        [REPORT, admin_pb2.SnapshotPart(data=b"x" * 9)],
        [REPORT, admin_pb2.SnapshotPart(data=b"x" * 11)],
        [REPORT, admin_pb2.SnapshotPart(data=b"x"), vecdb.ServerFailed(reason="half way")],
        [REPORT, vecdb.Timeout(seconds=1.0)],
    ],
)
def test_a_snapshot_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, messages: list[Any]) -> None:
    path = tmp_path / "snapshot"
    path.write_text("an old one")
    failures = pytest.raises((vecdb.ServerFailed, vecdb.Timeout))
    with scripted({"Snapshot": parts(*messages)}) as address, remote(address) as db, failures:
        db.snapshot(path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("snapshot", "an old one")]


def test_an_export_without_its_number_of_rows_is_the_servers_fault(tmp_path: Path) -> None:
    page = types_pb2.Records(ids=types_pb2.Ids(integers=bytes(8)))
    with scripted({"Scan": parts(page)}) as address, remote(address) as db, pytest.raises(vecdb.ServerFailed):
        db["docs"].export(tmp_path / "rows.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_cancelling_a_file_verb_leaves_nothing(tmp_path: Path) -> None:
    begun = threading.Event()

    def slow(_request: Any, context: Any) -> Iterator[Any]:
        yield REPORT
        yield admin_pb2.SnapshotPart(data=b"x")
        begun.set()
        while context.is_active():
            threading.Event().wait(0.01)

    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            task = asyncio.ensure_future(db.snapshot(tmp_path / "snapshot"))
            assert await asyncio.to_thread(begun.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert list(tmp_path.iterdir()) == []

    with scripted({"Snapshot": slow}) as address:
        asyncio.run(run(address))


def test_an_export_is_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """However many rows come meanwhile, the file holds as many as it says."""
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(range(3000), vectors(3000))
        over = threading.Event()

        def write() -> None:
            number = 10_000
            while not over.is_set():
                database["docs"].upsert([number], vectors(1))
                number += 1

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(3):
                count = docs.export(tmp_path / "rows.npy")
                assert len(np.load(tmp_path / "rows.npy")) == count >= 3000
        finally:
            over.set()
            thread.join()


def test_a_count_of_a_scan_is_not_needed_for_reading() -> None:
    page = types_pb2.Records(ids=types_pb2.Ids(integers=bytes(8)))
    answers = {"Scan": parts(page), "Count": lambda _request, _context: points_pb2.CountResponse(count=9)}
    with scripted(answers) as address, remote(address) as db:
        assert [record.id for record in db["docs"].scan()] == [0]
        assert len(db["docs"]) == 9


def page(total: int, ids: int = 2, name: str = "", rows: int = 2, dimension: int = 2) -> types_pb2.Records:
    found = types_pb2.Records(total=total, ids=types_pb2.Ids(integers=np.arange(ids, dtype="<i8").tobytes()))
    vectors = found.vectors.add(name=name)
    fill_matrix(vectors.matrix, np.ones((rows, dimension), np.float32))
    return found


@pytest.mark.parametrize("suffix", [".jsonl", ".npy", ".parquet"])
@pytest.mark.parametrize(
    "rows",
    [
        page(total=0),
        page(total=1),
        page(total=3),
        page(total=2**64 - 1),
        page(total=3, ids=3),
        page(total=2, dimension=3),
        page(total=2, name="other"),
    ],
)
def test_an_export_of_other_rows_than_were_said_leaves_nothing(tmp_path: Path, suffix: str, rows: Any) -> None:
    with scripted({"Scan": parts(rows)}) as address, remote(address) as db, pytest.raises(vecdb.ServerFailed):
        db["docs"].export(tmp_path / f"rows{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_that_goes_on_is_left_when_it_is_too_long(tmp_path: Path) -> None:
    sent: list[int] = []

    def endless(_request: Any, context: Any) -> Iterator[Any]:
        yield REPORT
        while context.is_active() and len(sent) < 1000:
            sent.append(1)
            yield admin_pb2.SnapshotPart(data=bytes(1 << 20))

    with scripted({"Snapshot": endless}) as address, remote(address) as db, pytest.raises(vecdb.ServerFailed):
        db.snapshot(tmp_path / "snapshot")
    assert len(sent) < 100
    assert list(tmp_path.iterdir()) == []
