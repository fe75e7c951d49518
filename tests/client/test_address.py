"""Addresses: what is read, what is refused, what counts as this machine."""

from __future__ import annotations

import pytest

import vecdb
from vecdb.client.address import Address


@pytest.mark.parametrize(
    ("text", "target", "tls", "loopback"),
    [
        ("grpc://localhost", "dns:///localhost:6339", False, True),
        ("grpc://localhost:1", "dns:///localhost:1", False, True),
        ("grpc://127.0.0.9:65535/", "dns:///127.0.0.9:65535", False, True),
        ("grpc://[::1]:70", "dns:///[::1]:70", False, True),
        ("grpc://[2001:db8::1]", "dns:///[2001:db8::1]:6339", False, False),
        ("grpc://10.0.0.1:70", "dns:///10.0.0.1:70", False, False),
        ("grpc://128.0.0.1", "dns:///128.0.0.1:6339", False, False),
        ("grpcs://db.example.com", "dns:///db.example.com:6339", True, False),
        ("grpcs://localhost:443", "dns:///localhost:443", True, True),
        ("grpc://localhost.example.com", "dns:///localhost.example.com:6339", False, False),
        ("grpc://unix:80", "dns:///unix:80", False, False),
        ("grpc+unix:///run/vecdb.sock", "unix:/run/vecdb.sock", False, True),
    ],
)
def test_addresses_are_read(text: str, target: str, tls: bool, loopback: bool) -> None:
    assert Address.parse(text) == Address(text=text, target=target, tls=tls, loopback=loopback)


@pytest.mark.parametrize(
    "text",
    [
        "grpc://",
        "grpc://:70",
        "grpc://host:0",
        "grpc://host:65536",
        "grpc://host:port",
        "grpc://host:1:2",
        "grpc://user@host",
        "grpc://host/path",
        "grpc://host?x=1",
        "grpc://ho st",
        "grpc://hÖst",
        "grpc://[::1",
        "grpc://::1",
        "http://host",
        "GRPC://host",
        "grpc:/host",
        "host:70",
        "",
        "grpc+unix://relative",
        "grpc+unix:///a\0b",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(vecdb.InvalidValue) as refused:
        Address.parse(text)
    assert refused.value.argument == "address"


@pytest.mark.parametrize("value", [None, 7, b"grpc://host"])
def test_it_is_a_text(value: object) -> None:
    with pytest.raises(vecdb.InvalidType):
        Address.parse(value)
