"""Keys, certificates and sockets, against a server that asks for them."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

import vecdb
from tests.client.served import remote, served
from tests.server.certificates import Authority
from vecdb.server.api_keys import new_key
from vecdb.server.key_file import add_key
from vecdb.server.principal import Role


def key_file(folder: Path) -> tuple[Path, dict[str, str]]:
    """A file of one key a role, and the keys."""
    path, keys = folder / "keys", {}
    for role in Role:
        made, text = new_key(role, now=time.time())
        add_key(path, made)
        keys[role.text] = text
    return path, keys


def test_a_key_says_who_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, keys = key_file(tmp_path)
    with served(api_keys=str(path)) as there:
        with remote(there.address, api_key=keys["admin"]) as db:
            db.create_collection("docs", 2).upsert([1], [[1.0, 2.0]])
        with remote(there.address, api_key=keys["read"]) as db:
            docs = db["docs"]
            assert docs.search([1.0, 2.0]).ids == [1]
            for attempt in (
                lambda: docs.upsert([1], [[1.0, 2.0]]),
                lambda: docs.upsert([1], [[1.0, 2.0]], progress=True),
                lambda: db.drop_collection("docs"),
                docs.verify,
            ):
                with pytest.raises(vecdb.PermissionDenied) as refused:
                    attempt()
                assert refused.value.role == "read"
        for wrong in (keys["admin"][:-1] + "x", "nonsense"):
            with pytest.raises(vecdb.Unauthenticated) as unknown:
                remote(there.address, api_key=wrong)
            assert wrong not in str(unknown.value)
        monkeypatch.delenv("VECDB_API_KEY", raising=False)
        with pytest.raises(vecdb.Unauthenticated):
            remote(there.address)
        monkeypatch.setenv("VECDB_API_KEY", keys["read"])
        with remote(there.address) as db:
            assert db.collections() == ["docs"]

        async def run() -> None:
            async with vecdb.connect_async(there.address, api_key=keys["write"]) as other:
                with pytest.raises(vecdb.PermissionDenied):
                    await other.drop_collection("docs")

        asyncio.run(run())


def test_tls(tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority("stranger")
    certificate, key = authority.issue("server").write(tmp_path, "server")
    with served(tls_certificate=str(certificate), tls_key=str(key)) as there:
        address = there.address.replace("grpc://", "grpcs://")
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        for ca in (authority.pem, tmp_path / "ca.pem"):
            with remote(address, tls_ca=ca) as db:
                assert db.collections() == []
        for wrong in ({"tls_ca": stranger.pem}, {}):
            with pytest.raises(vecdb.Unavailable):
                remote(address, connect_timeout=2, **wrong)
        with pytest.raises(vecdb.Unavailable):
            remote(there.address, connect_timeout=2)

        async def run() -> list[str]:
            async with vecdb.connect_async(address, tls_ca=authority.pem) as other:
                return await other.collections()

        assert asyncio.run(run()) == []


def test_a_certificate_of_the_client(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue("server").write(tmp_path, "server")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    own = authority.issue("client")
    settings = {"tls_certificate": str(certificate), "tls_key": str(key), "tls_client_ca": str(tmp_path / "ca.pem")}
    with served(**settings) as there:
        address = there.address.replace("grpc://", "grpcs://")
        with remote(address, tls_ca=authority.pem, tls_certificate=own.certificate, tls_key=own.key) as db:
            assert db.collections() == []
            with pytest.raises(vecdb.PermissionDenied):
                db.create_collection("docs", 2)
        with pytest.raises(vecdb.Unavailable):
            remote(address, tls_ca=authority.pem, connect_timeout=2)


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with served(host=f"unix:{path}"), remote(f"grpc+unix://{path}") as db:
        assert db.create_collection("docs", 2).upsert([1], [[1.0, 2.0]]).count == 1


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_ipv6() -> None:
    """Where this machine has it; else that the address is understood, and nobody is there."""
    if _has_ipv6():
        with served(host="::1") as there, remote(there.address.replace("127.0.0.1", "[::1]")) as db:
            assert db.collections() == []
    else:
        started = time.monotonic()
        with pytest.raises(vecdb.Unavailable):
            remote("grpc://[::1]:1", connect_timeout=2)
        assert time.monotonic() - started < 10
