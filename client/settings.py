"""ClientSettings: what a connection needs to know, complete and valid once it exists."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vecdb import limits
from vecdb.client.address import Address
from vecdb.client.certificates import check_authorities, check_pair
from vecdb.errors import InvalidType, InvalidValue

API_KEY_VARIABLE: Final = "VECDB_API_KEY"
TIMEOUT_SECONDS: Final = 60.0
CONNECT_TIMEOUT_SECONDS: Final = 10.0
RETRIES: Final = 3
RETRIES_MAXIMUM: Final = 10

_API_KEY: Final = re.compile(r"[!-~]{1,4096}")  # what a header line holds as it is
_HIDDEN: Final = "a key that is not shown"

Pem = str | os.PathLike[str] | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Address, credentials and bounds of one connection. `of` makes them from the arguments of connect()."""

    address: Address
    timeout_seconds: float = TIMEOUT_SECONDS
    connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS
    retries: int = RETRIES
    api_key: str | None = field(default=None, repr=False)
    tls_ca: bytes | None = field(default=None, repr=False)
    tls_certificate: bytes | None = field(default=None, repr=False)
    tls_key: bytes | None = field(default=None, repr=False)

    @staticmethod
    def of(
        address: str,
        *,
        api_key: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        connect_timeout: float = CONNECT_TIMEOUT_SECONDS,
        retries: int = RETRIES,
        tls_ca: Pem | None = None,
        tls_certificate: Pem | None = None,
        tls_key: Pem | None = None,
        insecure: bool = False,
    ) -> ClientSettings:
        """InvalidValue or InvalidType for what makes no sense, and for a key that would travel in the clear.

        Certificates are read, and refused if they cannot be used.
        """
        place = Address.parse(address)
        if not isinstance(insecure, bool):
            raise InvalidType(argument="insecure", expected="a bool", received=insecure)
        if not place.tls and (tls_ca, tls_certificate, tls_key) != (None, None, None):
            raise InvalidValue(argument="tls_ca", expected="a grpcs:// address with certificates", received=address)
        if (tls_certificate is None) != (tls_key is None):
            raise InvalidValue(
                argument="tls_certificate", expected="tls_certificate and tls_key together", received="one of them"
            )
        ca, certificate, key = (
            _pem("tls_ca", tls_ca),
            _pem("tls_certificate", tls_certificate),
            _pem("tls_key", tls_key),
        )
        if ca is not None:
            check_authorities(ca, _shown(tls_ca))
        if certificate is not None and key is not None:
            check_pair(certificate, key, _shown(tls_certificate))
        return ClientSettings(
            address=place,
            timeout_seconds=_seconds("timeout", timeout),
            connect_timeout_seconds=_seconds("connect_timeout", connect_timeout),
            retries=_retries(retries),
            api_key=_api_key(api_key, place, insecure),
            tls_ca=ca,
            tls_certificate=certificate,
            tls_key=key,
        )


def _api_key(given: Any, address: Address, insecure: bool) -> str | None:
    key = os.environ.get(API_KEY_VARIABLE) or None if given is None else given
    if key is None:
        return None
    if not isinstance(key, str):
        raise InvalidType(argument="api_key", expected="a str", received=type(key).__name__)
    if _API_KEY.fullmatch(key) is None:
        raise InvalidValue(argument="api_key", expected="1 .. 4096 printable ASCII characters", received=_HIDDEN)
    if not (address.tls or address.loopback or insecure):
        expected = "a grpcs:// address for a key, or insecure=True to send it in the clear"
        raise InvalidValue(argument="address", expected=expected, received=address.text)
    return key


def _seconds(argument: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidType(argument=argument, expected="seconds", received=value)
    if not 0 < value <= limits.TIMEOUT_SECONDS:
        raise InvalidValue(argument=argument, expected=f"above 0, up to {limits.TIMEOUT_SECONDS:g}", received=value)
    return float(value)


def _retries(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidType(argument="retries", expected="an int", received=value)
    if not 0 <= value <= RETRIES_MAXIMUM:
        raise InvalidValue(argument="retries", expected=f"0 .. {RETRIES_MAXIMUM}", received=value)
    return value


def _pem(argument: str, value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if not isinstance(value, str | os.PathLike):
        raise InvalidType(argument=argument, expected="the path of a PEM file, or its bytes", received=value)
    try:
        return Path(value).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)  # without the path, which may be a key
        raise InvalidValue(argument=argument, expected=f"a PEM file ({reason})", received=_shown(value)) from None


def _shown(pem: Any) -> str:
    """What an error may say of it: a path, never what may be a key."""
    if isinstance(pem, bytes):
        return f"{len(pem)} bytes"
    return "PEM itself, as a str" if "-----BEGIN" in str(pem) else str(pem)
