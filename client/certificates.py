"""Whether certificates and keys can be used, by the standard library: of those that cannot gRPC says nearly nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vecdb.errors import InvalidValue


def check_authorities(pem: bytes, shown: str) -> None:
    """InvalidValue(argument="tls_ca", received=shown) unless there are certificates in it."""
    import ssl  # 10 ms that only grpcs:// takes

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii", "ignore"))
    except (OSError, ValueError):
        raise InvalidValue(argument="tls_ca", expected="certificates in PEM", received=shown) from None


def check_pair(certificate: bytes, key: bytes, shown: str) -> None:
    """InvalidValue(argument="tls_certificate", received=shown) unless they are a certificate and its private key."""
    import ssl

    with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
        if certificate_file is None or key_file is None:
            return
        try:
            # A password, though a wrong one, so that nobody is asked for it on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate_file, key_file, password="")
        except (OSError, ValueError):
            expected = "a certificate in PEM, and as tls_key its private key in PEM without a password"
            raise InvalidValue(argument="tls_certificate", expected=expected, received=shown) from None


@contextmanager
def _as_file(content: bytes) -> Iterator[str | None]:
    """A path that it can be read from, and that is in memory only: it may be a key. None where the system has none."""
    if not hasattr(os, "memfd_create"):
        yield None
        return
    descriptor = os.memfd_create("pem")
    with open(descriptor, "wb", buffering=0) as file:
        file.write(content)
        path = f"/proc/self/fd/{descriptor}"
        yield path if os.path.exists(path) else None
