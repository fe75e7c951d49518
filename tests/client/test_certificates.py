"""Certificates that cannot be used are refused when a client is made, and what is no connection has a hint."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import vecdb
from tests.client.served import remote, served
from tests.server.certificates import Authority
from vecdb.client.settings import ClientSettings

CA, STRANGER = Authority(), Authority("stranger")
OWN, OTHER = CA.issue("client"), CA.issue("other")


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"tls_ca": b"junk"}, "tls_ca"),
        ({"tls_ca": b""}, "tls_ca"),
        ({"tls_ca": OWN.key}, "tls_ca"),
        ({"tls_ca": CA.pem.replace(b"M", b"N")}, "tls_ca"),
        ({"tls_certificate": OWN.certificate, "tls_key": OTHER.key}, "tls_certificate"),
        ({"tls_certificate": OWN.key, "tls_key": OWN.certificate}, "tls_certificate"),
        ({"tls_certificate": b"", "tls_key": b""}, "tls_certificate"),
    ],
)
@pytest.mark.parametrize("as_file", [False, True])
def test_what_is_no_certificate_is_refused_at_once(
    given: dict[str, bytes], argument: str, as_file: bool, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = dict(given)
    if as_file:
        for name, content in given.items():
            (tmp_path / name).write_bytes(content)
            arguments[name] = tmp_path / name
    with pytest.raises(vecdb.InvalidValue, match="PEM") as refused:
        ClientSettings.of("grpcs://localhost", **arguments)
    assert refused.value.argument == argument
    assert "-----" not in str(refused.value)
    assert refused.value.received == (str(tmp_path / argument) if as_file else f"{len(given[argument])} bytes")


def test_a_bundle_with_comments_is_taken() -> None:
    bundle = "Autorität\n".encode() + CA.pem + b"\n# another\n" + STRANGER.pem
    settings = ClientSettings.of(
        "grpcs://localhost", tls_ca=bundle, tls_certificate=OWN.certificate + CA.pem, tls_key=OWN.key
    )
    assert settings.tls_ca == bundle


def reasons(address: str, **arguments: Any) -> set[str]:
    """Why there is no connection, by both clients."""

    async def run() -> str:
        with pytest.raises(vecdb.Unavailable) as refused:
            await vecdb.connect_async(address, connect_timeout=5, **arguments)
        return refused.value.reason

    with pytest.raises(vecdb.Unavailable) as refused:
        remote(address, connect_timeout=5, **arguments)
    return {refused.value.reason.rpartition("; ")[2], asyncio.run(run()).rpartition("; ")[2]}


def test_no_connection_has_a_hint(tmp_path: Path) -> None:
    certificate, key = CA.issue("server").write(tmp_path, "server")
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    tls = {"tls_certificate": str(certificate), "tls_key": str(key)}
    with served(**tls) as there:
        assert reasons(there.address) == {"if the server uses TLS, its address begins with grpcs://"}
        secure = there.address.replace("grpc://", "grpcs://")
        expired = "the server's certificate is for another name, has expired, or was signed by"
        assert reasons(secure, tls_ca=STRANGER.pem) == {f"{expired} none of tls_ca"}
        assert {each[: len(expired)] for each in reasons(secure)} == {expired}
    with served() as there:
        secure = there.address.replace("grpc://", "grpcs://")
        assert reasons(secure, tls_ca=CA.pem) == {"the server does not use TLS, so its address begins with grpc://"}
    with served(**tls, tls_client_ca=str(tmp_path / "ca.pem")) as there:
        secure = there.address.replace("grpc://", "grpcs://")
        (missing,) = reasons(secure, tls_ca=CA.pem)
        assert "tls_certificate and tls_key" in missing
        theirs = STRANGER.issue("client")
        (unknown,) = reasons(secure, tls_ca=CA.pem, tls_certificate=theirs.certificate, tls_key=theirs.key)
        assert "an authority that it knows" in unknown


def test_a_server_that_is_not_there_has_none() -> None:
    for address in ("grpc://127.0.0.1:1", "grpcs://127.0.0.1:1"):
        (reason,) = reasons(address)
        assert "refused" in reason
        assert "TLS" not in reason
