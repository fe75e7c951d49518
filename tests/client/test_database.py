"""RemoteDatabase: the collections of a server, connecting and closing."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest

import vecdb
from tests.client.served import connected, remote, scripted, served
from vecdb.proto.v1 import admin_pb2


def test_collections() -> None:
    with connected() as (db, database):
        assert (db.collections(), len(db), bool(db), list(db)) == ([], 0, True, [])
        docs = db.create_collection("b", 3, metric="l2", index=vecdb.Flat(), fields={"year": "integer"})
        db.create_collection("a", vectors={"x": vecdb.Vector(2)})
        assert docs.schema == database["b"].schema
        assert db.collections() == list(db) == ["a", "b"]
        assert ("a" in db, "c" in db, 7 in db) == (True, False, False)
        assert db["a"].schema == database["a"].schema
        db.drop_collection("a")
        assert database.collections() == ["b"]
        docs.drop()
        assert len(db) == 0


def test_refusals_are_those_of_the_embedded_database() -> None:
    with connected() as (db, database):
        for each in (db, database):
            with pytest.raises(vecdb.CollectionNotFound):
                each["nobody"]
            with pytest.raises(vecdb.CollectionNotFound):
                each.drop_collection("nobody")
            with pytest.raises(vecdb.InvalidName):
                each["../etc"]
            with pytest.raises(vecdb.InvalidValue):
                each.create_collection("x")
            with pytest.raises(vecdb.InvalidSchema):
                each.create_collection("x", 2, metric="manhattan")  # type: ignore[arg-type]
        db.create_collection("x", 2)
        with pytest.raises(vecdb.CollectionExists) as refused:
            db.create_collection("x", 2)
        assert refused.value.name == "x"


def test_statistics_name_the_address(tmp_path: Path) -> None:
    with connected(data=str(tmp_path / "db")) as (db, database):
        db.create_collection("x", 2).upsert([1], [[1.0, 2.0]])
        found, there = db.stats(), database.stats()
        assert found.path == str(db).split("'")[1]
        assert str(tmp_path) not in repr(found)
        assert (found.collections, found.rows, found.sequence) == (there.collections, there.rows, there.sequence)


def test_closing() -> None:
    with served() as there:
        db = remote(there.address)
        docs = db.create_collection("x", 2)
        docs.upsert(range(10), np.ones((10, 2)))
        scan = docs.scan(batch=1)
        assert next(scan).id == 0
        db.close()
        db.close()
        with pytest.raises(vecdb.Closed):
            list(scan)
        for attempt in (db.collections, docs.count, lambda: docs.search([1.0, 2.0]), docs.scan, lambda: db["x"]):
            with pytest.raises(vecdb.Closed) as refused:
                attempt()
            assert refused.value.what == f"database '{there.address}'"
        with remote(there.address) as again:
            assert again.collections() == ["x"]
        with pytest.raises(vecdb.Closed):
            again.collections()


def test_calls_under_way_end_when_it_is_closed() -> None:
    entered = threading.Event()
    release = threading.Event()

    def slow(_request: object, _context: object) -> object:
        entered.set()
        release.wait(20)
        raise vecdb.ServerFailed(reason="too late")

    outcome: list[BaseException] = []
    with scripted({"ListCollections": slow}) as address:
        db = remote(address)

        def call() -> None:
            try:
                db.collections()
            except vecdb.Error as error:
                outcome.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        assert entered.wait(10)
        db.close()
        thread.join(10)
        release.set()
        assert [type(each) for each in outcome] == [vecdb.Closed]


def test_no_server_is_unavailable_soon() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"grpc://127.0.0.1:{taken.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(vecdb.Unavailable) as refused:
            remote(address)
        assert time.monotonic() - started < 5
        assert refused.value.target == address


def test_a_port_that_never_answers_is_unavailable_after_the_connect_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started = time.monotonic()
        with pytest.raises(vecdb.Unavailable):
            remote(f"grpc://127.0.0.1:{mute.getsockname()[1]}", connect_timeout=0.5)
        assert 0.4 < time.monotonic() - started < 5


def test_a_server_that_hangs_at_connect_is_unavailable() -> None:
    def hang(_request: object, context: grpc.ServicerContext) -> admin_pb2.Capabilities:
        while context.is_active():
            time.sleep(0.01)
        return admin_pb2.Capabilities()

    with scripted({"GetCapabilities": hang}) as address, pytest.raises(vecdb.Unavailable) as refused:
        remote(address, connect_timeout=0.3)
    assert "0.3 seconds" in refused.value.reason


@pytest.mark.parametrize("major", [0, 2])
def test_another_protocol_is_a_version_mismatch(major: int) -> None:
    answer = admin_pb2.Capabilities(protocol_major=major)
    answers = {"GetCapabilities": lambda _request, _context: answer}
    with scripted(answers) as address, pytest.raises(vecdb.VersionMismatch) as refused:
        remote(address)
    assert (refused.value.path, refused.value.found, refused.value.supported) == (address, major, 1)


def test_a_server_that_comes_back_is_found_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with served(port=port) as there:
        db = remote(there.address)
        assert db.collections() == []
    with pytest.raises(vecdb.Unavailable):
        db.collections()
    with served(port=port):
        deadline = time.monotonic() + 10
        while True:
            try:
                assert db.collections() == []
                break
            except vecdb.Unavailable:
                assert time.monotonic() < deadline
    db.close()


def test_threads_share_a_database() -> None:
    with connected() as (db, _):
        docs = db.create_collection("x", 4, metric="l2")
        rows = np.eye(4, dtype=np.float32)
        docs.upsert(range(4), rows)
        wrong: list[object] = []

        def run(number: int) -> None:
            try:
                for _ in range(50):
                    assert docs.search(rows[number], 1).ids == [number]
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=run, args=(number % 4,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
