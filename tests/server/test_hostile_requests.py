"""Whatever bytes a request holds, it is refused soon, costs little, and leaves the server as it was."""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.server.hostile_messages import DIMENSION, REF, garbage, hostile_requests, valid_messages
from tests.server.raw_client import BY_NAME, RawClient, normal, upsert_request
from tests.server.server_process import ServerProcess
from vecdb.proto.v1 import points_pb2

Code = grpc.StatusCode
REFUSED = {
    Code.INVALID_ARGUMENT,
    Code.NOT_FOUND,
    Code.ALREADY_EXISTS,
    Code.FAILED_PRECONDITION,
    Code.RESOURCE_EXHAUSTED,
}
CALLS = int(os.environ.get("VECDB_TEST_FUZZ_CALLS", "60"))  # to each method
GROWTH_BYTES = 64 << 20
ROWS = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    # A connection has its own bounds; none of them is tried here.
    with ServerProcess(folder / "db", "--log", "all", "--message-bytes", str(32 << 20), metrics=True) as server:
        yield server
        assert server.idle()
        server.terminate()
        assert server.wait(15) == 0, server.errors
        assert "Traceback" not in server.errors
        assert "failed inside" not in server.errors


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[RawClient]:
    with RawClient(server.target) as client:
        client.create("docs", DIMENSION)
        client.call("Upsert", upsert_request(REF, list(range(ROWS)), normal(ROWS, DIMENSION)))
        yield client


@pytest.fixture(autouse=True)
def nothing_is_left(server: ServerProcess, client: RawClient, folder: Path) -> Iterator[None]:
    yield
    assert client.call("Count", points_pb2.CountRequest(collection=REF)).count >= ROWS, "rows are lost"
    assert [path.name for path in folder.iterdir()] == ["db"], "written outside of the data folder"


@pytest.mark.slow
def test_hostile_requests_are_refused(server: ServerProcess, client: RawClient) -> None:
    """The whole table, again and again: what is large takes the time that its bytes need, and no memory is kept."""
    seconds, resident = [], []
    for _ in range(24):
        for what, method, request in hostile_requests():
            outcome = client.attempt(method, request, 10)
            case = (method, what, outcome)
            assert outcome.code in REFUSED, case
            assert outcome.error is not None, case  # says why
            assert len(outcome.message) < 600, case  # and does not repeat what was sent
            seconds.append(outcome.seconds)
        resident.append(server.resident_bytes())
    assert len(seconds) > 250
    assert statistics.median(seconds) < 0.02
    assert max(seconds) < 1
    # What malloc holds back of messages of 10 MB goes up and down; one that is kept each time would be 120 MB more.
    assert min(resident[20:]) - max(resident[:8]) < GROWTH_BYTES, resident


@pytest.mark.slow
def test_garbage_to_every_method(server: ServerProcess, client: RawClient) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**31)))
    choose = random.Random(seed)
    valid = {name: message.SerializeToString() for name, message in valid_messages().items()}
    assert valid.keys() == BY_NAME.keys()
    before, refused, seconds = server.resident_bytes(), 0, []
    for turn in range(CALLS):
        for name, message in valid.items():
            if name in ("Verify", "Snapshot") and turn % 5:
                continue  # valid by chance they read everything
            request = garbage(choose, message)
            outcome = client.attempt(name, request, 20)
            what = f"VECDB_TEST_SEED={seed}, call {turn} to {name}: {request[:2_000].hex()}: {outcome}"
            assert outcome.code in REFUSED | {Code.OK}, what
            if outcome.code is not Code.OK:
                refused += 1
                seconds.append(outcome.seconds)
            if name == "DropCollection" and outcome.code is Code.OK:
                client.attempt("CreateCollection", valid["CreateCollection"], 10)
    assert refused > 5 * CALLS, f"seed {seed}: only {refused} were refused, most of it was no garbage"
    seconds.sort()
    assert seconds[len(seconds) * 99 // 100] < 0.1, f"seed {seed}: {seconds[-20:]}"
    assert server.resident_bytes() - before < GROWTH_BYTES


def test_valid_messages_are_accepted(client: RawClient) -> None:
    """What garbage is made from: else every method would refuse it for one and the same reason."""
    client.attempt("CreateCollection", valid_messages()["CreateCollection"])
    client.attempt("DropCollection", valid_messages()["DropCollection"])
    for name, message in valid_messages().items():
        assert client.attempt(name, message).code is Code.OK, name


def test_calls_without_a_request(client: RawClient) -> None:
    for method in BY_NAME.values():
        code = client.attempt_path(method.path, [], 10).code
        assert code is (Code.OK if method.client_streaming else Code.INVALID_ARGUMENT), method.name


@pytest.mark.slow
def test_a_message_that_unpacks_to_more_than_the_limit(server: ServerProcess) -> None:
    """A few hundred kilobytes on the wire, a gigabyte after gzip: refused, and never in memory as a whole."""
    with RawClient(server.target, options=[("grpc.default_compression_algorithm", 2)]) as client:
        before = server.resident_bytes()
        outcome = client.attempt("Upsert", bytes(400 << 20), 30)
        assert outcome.code in REFUSED, outcome
        assert server.resident_bytes() - before < 2 * GROWTH_BYTES


@pytest.mark.parametrize(("count", "size"), [(10, 4_000), (500, 100), (1, 200_000)])
def test_headers_without_end_are_refused(server: ServerProcess, count: int, size: int) -> None:
    metadata = tuple((f"x-{number}", "y" * size) for number in range(count))
    with RawClient(server.target) as client:
        outcome = client.attempt("Search", b"", 10, metadata)
        assert outcome.code in {Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE, Code.INTERNAL}, outcome
        assert client.attempt("ListCollections", b"", 10).code is Code.OK
