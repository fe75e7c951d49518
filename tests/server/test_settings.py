"""ServerSettings: what is refused, and what reaches the network."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from vecdb import limits
from vecdb.errors import InvalidType, InvalidValue
from vecdb.server.settings import SETTINGS, ServerSettings, is_loopback

TLS = {"tls_certificate": "c.pem", "tls_key": "k.pem"}
JWT = {"jwt_key_file": "j.pem", "jwt_algorithm": "RS256"}


def settings(**given: Any) -> ServerSettings:
    return ServerSettings(**({"data": ":memory:"} | given))


def test_the_defaults_are_safe_and_complete() -> None:
    default = settings()
    assert default.address == "127.0.0.1:6339"
    assert not default.has_credentials
    assert not default.reflection
    assert default.metrics_port == 0
    assert default.search_workers >= 1
    assert [name for name in SETTINGS if not SETTINGS[name].optional and getattr(default, name) is None] == []
    with pytest.raises(FrozenInstanceError):
        default.port = 1  # type: ignore[misc]


def test_data_must_be_named() -> None:
    with pytest.raises(TypeError):
        ServerSettings()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("port", 65_536, InvalidValue),
        ("port", -1, InvalidValue),
        ("port", "6339", InvalidType),
        ("port", True, InvalidType),
        ("search_workers", 0, InvalidValue),
        ("search_workers", None, InvalidType),
        ("queue", -1, InvalidValue),
        ("durability", "maybe", InvalidValue),
        ("log", "ALL", InvalidValue),
        ("data", "", InvalidValue),
        ("data", "a\nb", InvalidValue),
        ("host", "a\0b", InvalidValue),
        ("host", b"localhost", InvalidType),
        ("insecure", 1, InvalidType),
        ("slow_seconds", float("nan"), InvalidValue),
        ("timeout_seconds", float("inf"), InvalidValue),
        ("timeout_seconds", limits.TIMEOUT_SECONDS + 1, InvalidValue),
        ("message_bytes", (1 << 30) + 1, InvalidValue),
        ("message_bytes", 64.0, InvalidType),
        ("jwt_algorithm", "none", InvalidValue),
        ("tls_client_role", "root", InvalidValue),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object, refusal: type[Exception]) -> None:
    with pytest.raises(refusal) as caught:
        settings(**{name: value})
    assert getattr(caught.value, "argument", None) == name


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("k_maximum", limits.K_MAXIMUM),
        ("ef_maximum", limits.EF_MAXIMUM),
        ("queries_maximum", limits.QUERIES_MAXIMUM),
        ("batch_rows", limits.BATCH_ROWS),
        ("batch_bytes", limits.BATCH_BYTES),
    ],
)
def test_limits_go_down_only(name: str, bound: int) -> None:
    assert getattr(settings(), name) == bound
    assert getattr(settings(**{name: bound // 2}), name) == bound // 2
    with pytest.raises(InvalidValue):
        settings(**{name: bound + 1})


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"tls_certificate": "c"}, "tls_key"),
        ({"tls_key": "k"}, "tls_certificate"),
        ({"tls_client_ca": "ca"}, "tls_certificate"),
        ({"jwt_key_file": "j"}, "jwt_algorithm"),
        ({"jwt_algorithm": "HS256"}, "jwt_key_file"),
        ({"jwt_issuer": "i"}, "jwt_key_file"),
        ({"jwt_audience": "a"}, "jwt_key_file"),
        ({"read_only": True}, "read_only"),
        ({"in_flight_bytes": 1 << 20, "batch_bytes": 1 << 20}, "in_flight_bytes"),
        ({"in_flight_bytes": (512 << 20) - 1}, "in_flight_bytes"),
        ({"metrics_port": 6339}, "metrics_port"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, object], argument: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        settings(**given)
    assert caught.value.argument == argument


def test_room_for_less_than_one_batch_is_refused_by_both_names() -> None:
    """Such a batch would be refused as Overloaded, and tried again, for ever."""
    for name, bound in (("batch_bytes", 4 << 20), ("message_bytes", 3 << 20)):
        given = {"batch_bytes": 1 << 20, "message_bytes": 1 << 20, name: bound}
        with pytest.raises(InvalidValue, match=f"at least {name}, {bound}") as caught:
            settings(in_flight_bytes=bound - 1, **given)
        assert caught.value.argument == "in_flight_bytes"
        assert settings(in_flight_bytes=bound, **given).in_flight_bytes == bound


NEAR = ["127.0.0.1", "127.8.9.10", "::1", "localhost", "unix:/run/vecdb.sock", "unix:vecdb.sock"]
FAR = [
    *("0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", "127.0.0.1.example.org", "2130706433"),
    *("0x7f000001", "127.1", "::ffff:10.0.0.1", "LOCALHOST.", "128.0.0.1", " 127.0.0.1", "127.0.0.1 "),
]


@pytest.mark.parametrize("host", NEAR)
def test_this_machine_alone_needs_no_credentials(host: str) -> None:
    assert is_loopback(host)
    assert settings(host=host).host == host


@pytest.mark.parametrize("host", FAR)
def test_beyond_this_machine_credentials_and_tls_are_needed(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(InvalidValue) as caught:
        settings(host=host)
    assert caught.value.argument == "host"
    with pytest.raises(InvalidValue):
        settings(host=host, **TLS)  # TLS hides what is said, not who says it
    for secrets in ({"api_keys": "k"}, JWT, {"api_keys": "k"} | JWT):
        with pytest.raises(InvalidValue) as caught:
            settings(host=host, **secrets)
        assert caught.value.argument == "tls_certificate"
        assert settings(host=host, **secrets, **TLS).has_credentials
        assert settings(host=host, **secrets, insecure=True).has_credentials
    assert settings(host=host, tls_client_ca="ca", **TLS).has_credentials
    assert not settings(host=host, insecure=True).has_credentials


@pytest.mark.parametrize("host", ["ipv4:0.0.0.0", "127.0.0.1:80", "[::1]", "dns:///x", "::1:x"])
def test_a_host_is_no_uri_and_has_no_port(host: str) -> None:
    with pytest.raises(InvalidValue):
        settings(host=host, insecure=True)


def test_the_address_is_what_grpc_reads() -> None:
    assert settings(host="::1", port=7).address == "[::1]:7"
    assert settings(host="localhost", port=7).address == "localhost:7"
    assert settings(host="unix:/a/b", port=7).address == "unix:/a/b"
