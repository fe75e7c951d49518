"""Address: where a server is, from "grpc://host:port", "grpcs://host:port" (TLS) or "grpc+unix:///path"."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from vecdb.errors import InvalidType, InvalidValue

PORT: Final = 6339
SCHEMES: Final = ("grpc://", "grpcs://", "grpc+unix://")

_EXPECTED: Final = "grpc://host:port, grpcs://host:port or grpc+unix:///path"
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server: `text` as it was given, `target` as gRPC names it; `loopback` if it is surely this machine."""

    text: str
    target: str
    tls: bool
    loopback: bool

    @staticmethod
    def parse(text: object) -> Address:
        """InvalidValue for anything but an address; the port is 6339 if it is not given."""
        if not isinstance(text, str):
            raise InvalidType(argument="address", expected=_EXPECTED, received=text)
        scheme, separator, rest = text.partition("://")
        if scheme + separator not in SCHEMES:
            raise InvalidValue(argument="address", expected=_EXPECTED, received=text)
        if scheme == "grpc+unix":
            if not rest.startswith("/") or "\0" in rest:
                raise InvalidValue(argument="address", expected="grpc+unix:///path of a socket", received=text)
            return Address(text=text, target=f"unix:{rest}", tls=False, loopback=True)
        match = _HOST_AND_PORT.fullmatch(rest)
        port = PORT if match is None or match[2] is None else int(match[2])
        if match is None or not 1 <= port <= 65_535:
            raise InvalidValue(argument="address", expected=_EXPECTED, received=text)
        return Address(
            text=text, target=f"dns:///{match[1]}:{port}", tls=scheme == "grpcs", loopback=_is_loopback(match[1])
        )


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
