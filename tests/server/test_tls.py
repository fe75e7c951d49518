"""TLS: real handshakes against a gRPC server with certificates made here; renewal; files that do not fit."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.server.certificates import Authority, Pem
from tests.server.signed_tokens import EC_KEY, private_pem
from vecdb.errors import InvalidValue
from vecdb.server import tls
from vecdb.server.settings import ServerSettings
from vecdb.server.tls import CertificateFiles, server_credentials


def settings(folder: Path, server: Pem, client_ca: bytes | None = None) -> ServerSettings:
    certificate, key = server.write(folder, "server")
    given: dict[str, Any] = {"tls_certificate": str(certificate), "tls_key": str(key)}
    if client_ca is not None:
        (folder / "ca.pem").write_bytes(client_ca)
        given["tls_client_ca"] = str(folder / "ca.pem")
    return ServerSettings(data=":memory:", **given)


@contextmanager
def serving(credentials: grpc.ServerCredentials) -> Iterator[int]:
    """A server that answers every call with the names in the caller's certificate."""

    def names(request: bytes, context: grpc.ServicerContext) -> bytes:
        return b"|".join(map(bytes, context.auth_context().get("x509_common_name", ())))

    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:  # noqa: ARG002
            return grpc.unary_unary_rpc_method_handler(names)

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


def call(port: int, ca: bytes, client: Pem | None = None) -> bytes:
    """The certificate names that the server saw. grpc.RpcError if there was no handshake."""
    pair = (client.key, client.certificate) if client else (None, None)
    credentials = grpc.ssl_channel_credentials(ca, *pair)
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        ask: Any = channel.unary_unary("/a/b")
        answer: bytes = ask(b"", timeout=10)
    return answer


def served_serial(port: int) -> int:
    """The serial number of the certificate that the server shows, by the standard library."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as wrapped:
        shown = wrapped.getpeercert(binary_form=True)
    assert shown is not None
    from cryptography.x509 import load_der_x509_certificate

    return load_der_x509_certificate(shown).serial_number


def test_no_tls_is_no_credentials() -> None:
    assert server_credentials(ServerSettings(data=":memory:")) is None


def test_a_client_that_trusts_the_authority_gets_in(tmp_path: Path) -> None:
    authority = Authority()
    credentials = server_credentials(settings(tmp_path, authority.issue("server")))
    assert credentials is not None
    with serving(credentials) as port:
        assert call(port, authority.pem) == b""
        with pytest.raises(grpc.RpcError):
            call(port, Authority("another").pem)


def test_mutual_tls_lets_in_whom_the_authority_signed(tmp_path: Path) -> None:
    authority, clients, others = Authority(), Authority("clients"), Authority("others")
    credentials = server_credentials(settings(tmp_path, authority.issue("server"), clients.pem))
    assert credentials is not None
    with serving(credentials) as port:
        assert call(port, authority.pem, clients.issue("backup")) == b"backup"
        for nobody in (None, others.issue("backup"), authority.issue("backup")):
            with pytest.raises(grpc.RpcError):
                call(port, authority.pem, nobody)


def test_renewed_files_are_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_CHECK_SECONDS", 0.0)
    authority = Authority()
    made = [authority.issue("server") for _ in range(2)]
    credentials = server_credentials(settings(tmp_path, made[0]))
    assert credentials is not None
    with serving(credentials) as port:
        first = served_serial(port)
        assert call(port, authority.pem) == b""
        made[1].write(tmp_path, "server")
        assert served_serial(port) == first + 1
        (tmp_path / "server.key").write_bytes(b"garbage")
        assert served_serial(port) == first + 1
        assert call(port, authority.pem) == b""


def test_half_of_a_renewal_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = Authority()
    certificate, key = authority.issue("server").write(tmp_path, "server")
    files = CertificateFiles(certificate, key, None, check_seconds=0)
    assert files.renewed() is None
    new = authority.issue("server")
    certificate.write_bytes(new.certificate)
    with caplog.at_level(logging.INFO, "vecdb.server"):
        assert files.renewed() is None
        assert files.renewed() is None
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        key.write_bytes(new.key)
        assert files.renewed() is not None
        assert files.renewed() is None
    assert "PRIVATE" not in caplog.text


def test_the_files_are_looked_at_once_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = Authority().issue("server").write(tmp_path, "server")
    files = CertificateFiles(certificate, key, None, check_seconds=1)
    looked: list[object] = []
    monkeypatch.setattr("vecdb.server.tls.os.stat", looked.append)
    assert [files.renewed() for _ in range(100)] == [None] * 100
    assert looked == []


def write_mismatch(folder: Path) -> None:
    (folder / "server.key").write_bytes(private_pem(EC_KEY))


def write_locked(folder: Path) -> None:
    (folder / "server.key").write_bytes(private_pem(EC_KEY, b"password"))


def write_garbage(folder: Path) -> None:
    (folder / "server.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def write_garbage_ca(folder: Path) -> None:
    (folder / "ca.pem").write_bytes(b"garbage")


def remove_key(folder: Path) -> None:
    (folder / "server.key").unlink()


def remove_ca(folder: Path) -> None:
    (folder / "ca.pem").unlink()


@pytest.mark.parametrize(
    ("damage", "argument"),
    [
        (write_mismatch, "tls_key"),
        (write_locked, "tls_key"),
        (write_garbage, "tls_key"),
        (write_garbage_ca, "tls_client_ca"),
        (remove_key, "tls_key"),
        (remove_ca, "tls_client_ca"),
    ],
)
def test_files_that_do_not_fit_are_refused_at_start(
    damage: Callable[[Path], None], argument: str, tmp_path: Path
) -> None:
    authority = Authority()
    given = settings(tmp_path, authority.issue("server"), authority.pem)
    assert server_credentials(given) is not None
    damage(tmp_path)
    with pytest.raises(InvalidValue) as caught:
        server_credentials(given)
    assert caught.value.argument == argument
    assert os.fspath(tmp_path) in str(caught.value.received)
