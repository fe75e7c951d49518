"""connect() and connect_async(): which door an argument opens, and what only one of them takes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import vecdb
from tests.client.served import served
from vecdb import door
from vecdb.client import address


def test_a_folder_and_memory_are_embedded(tmp_path: Path) -> None:
    for path in (tmp_path / "db", str(tmp_path / "other"), ":memory:"):
        with vecdb.connect(path) as db:
            assert type(db) is vecdb.Database


def test_an_address_is_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VECDB_API_KEY", raising=False)
    with served() as there:
        with vecdb.connect(there.address, timeout=5, connect_timeout=5, retries=1, api_key="k") as db:
            assert type(db).__name__ == "RemoteDatabase"
            assert db.collections() == []

        async def run() -> None:
            async with vecdb.connect_async(there.address, timeout=5) as other:
                assert isinstance(other, vecdb.AsyncDatabase)
                assert await other.collections() == []

        asyncio.run(run())


@pytest.mark.parametrize("arguments", [{"durability": "async"}, {"read_only": True}, {"threads": 2}])
def test_what_is_for_a_folder_is_refused_for_an_address(arguments: dict[str, Any]) -> None:
    with pytest.raises(vecdb.InvalidValue) as refused:
        vecdb.connect("grpc://localhost:1", **arguments)
    assert [refused.value.argument] == list(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": "secret"},
        {"timeout": 1},
        {"connect_timeout": 1},
        {"retries": 0},
        {"tls_ca": b"x"},
        {"tls_certificate": b"x"},
        {"tls_key": b"x"},
        {"insecure": True},
    ],
)
def test_what_is_for_an_address_is_refused_for_a_folder(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(vecdb.InvalidValue) as refused:
        vecdb.connect(tmp_path / "db", **arguments)
    assert [refused.value.argument] == list(arguments)
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("path", ["http://localhost", "grpc//x", "GRPC://x", "s3://b", ""])
def test_other_schemes_are_refused(path: str) -> None:
    with pytest.raises(vecdb.InvalidValue):
        vecdb.connect(path) if path != "grpc//x" else vecdb.connect_async(path)


@pytest.mark.parametrize(
    "path", ["localhost:6339", "10.0.0.7:80", "db.example.com:6339/", "grpc:x", "grpcs:/x", "GRPC:x"]
)
def test_what_looks_like_an_address_makes_no_folder(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(vecdb.InvalidValue, match="grpc://host:port"):
        vecdb.connect(path)
    assert list(tmp_path.iterdir()) == []
    with vecdb.connect(f"./{path}") as db:  # said to be a folder, it is one
        assert len(db) == 0


@pytest.mark.parametrize("path", [":memory:", "folder", 7])
def test_asynchronous_is_for_servers(path: Any) -> None:
    with pytest.raises(vecdb.InvalidValue):
        vecdb.connect_async(path)


def test_unknown_keywords_are_type_errors() -> None:
    with pytest.raises(TypeError):
        vecdb.connect(":memory:", password="x")  # type: ignore[call-arg]


def test_the_door_knows_the_schemes_of_the_client() -> None:
    """It has a list of its own, so that a folder is opened without the client."""
    assert door._SCHEMES == address.SCHEMES
