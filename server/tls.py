"""TLS of the server: certificate files into gRPC credentials that follow them, so that renewed files are taken up."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from vecdb.client.grpc_module import grpc
from vecdb.errors import InvalidValue
from vecdb.server.request_log import log_event
from vecdb.server.settings import ServerSettings

_CHECK_SECONDS = 1.0


def server_credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    """gRPC credentials for these settings; None if they ask for no TLS. InvalidValue for files that do not fit.

    With tls_client_ca every client must show a certificate that it signed. Connections made after the files have been
    renewed use the new ones.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    ca = None if settings.tls_client_ca is None else Path(settings.tls_client_ca)
    files = CertificateFiles(Path(settings.tls_certificate), Path(settings.tls_key), ca, _CHECK_SECONDS)
    # The stubs do not know that None stands for no change.
    return grpc.dynamic_ssl_server_credentials(files.current(), files.renewed, ca is not None)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Pem:
    key: bytes
    certificate: bytes
    client_ca: bytes | None


class CertificateFiles:
    """A server's certificate, key and client authority, looked at again every `check_seconds`. InvalidValue."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None, check_seconds: float) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self._check_seconds = check_seconds
        self._reading = threading.Lock()
        self._stamp = self._current_stamp()
        self._pem = self._read()
        self._check_next = time.monotonic() + check_seconds

    def current(self) -> grpc.ServerCertificateConfiguration:
        """What was read last."""
        return grpc.ssl_server_certificate_configuration([(self._pem.key, self._pem.certificate)], self._pem.client_ca)

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """The configuration if the files have changed since it was asked last, else None; called at each handshake.

        Files that do not fit together, as in the middle of a renewal, change nothing.
        """
        if time.monotonic() < self._check_next or not self._reading.acquire(blocking=False):
            return None
        try:
            self._check_next = time.monotonic() + self._check_seconds
            stamp = self._current_stamp()
            if stamp == self._stamp:
                return None
            self._stamp = stamp
            pem = self._read()
            if self._current_stamp() != stamp:
                return None  # they change while they are read: next time
            self._pem = pem
            log_event("certificate read again", {"path": str(self._certificate)})
            return self.current()
        except InvalidValue as error:
            facts = {"path": str(error.received), "detail": f"expected {error.expected}"}
            log_event("certificate does not fit, the last one stays", facts, logging.ERROR)
            return None
        finally:
            self._reading.release()

    def _read(self) -> _Pem:
        # gRPC says little about files that do not fit; the standard library says it before gRPC sees them.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate, key = _content("tls_certificate", self._certificate), _content("tls_key", self._key)
        try:
            # A password, though a wrong one, so that nobody is asked for it on the terminal.
            context.load_cert_chain(self._certificate, self._key, password="")
        except (OSError, ValueError) as error:
            expected = "a certificate and its private key, in PEM, without a password"
            raise InvalidValue(argument="tls_key", expected=expected, received=str(self._key)) from error
        if self._client_ca is None:
            return _Pem(key, certificate, None)
        client_ca = _content("tls_client_ca", self._client_ca)
        try:
            context.load_verify_locations(self._client_ca)
        except (OSError, ValueError) as error:
            expected = "certificates in PEM"
            raise InvalidValue(argument="tls_client_ca", expected=expected, received=str(self._client_ca)) from error
        return _Pem(key, certificate, client_ca)

    def _current_stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        paths = [self._certificate, self._key, *([] if self._client_ca is None else [self._client_ca])]
        return tuple(_stamp_of(path) for path in paths)


def _content(argument: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        expected = f"a file that can be read ({error.strerror})"
        raise InvalidValue(argument=argument, expected=expected, received=str(path)) from error


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
