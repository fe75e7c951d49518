"""ClientSettings: what is refused, and that a key neither travels in the clear nor shows up anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vecdb
from tests.server.certificates import Authority
from vecdb.client.settings import API_KEY_VARIABLE, ClientSettings

KEY = "vdb_1_secret"
CA = Authority()
OWN = CA.issue("client")


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(API_KEY_VARIABLE, raising=False)


def test_the_defaults_are_valid() -> None:
    settings = ClientSettings.of("grpc://localhost")
    assert (settings.timeout_seconds, settings.connect_timeout_seconds, settings.retries) == (60.0, 10.0, 3)
    assert settings.api_key is None


@pytest.mark.parametrize("address", ["grpc://localhost", "grpc://127.0.0.1:7", "grpc+unix:///s", "grpcs://far.example"])
def test_a_key_goes_where_nobody_listens(address: str) -> None:
    assert ClientSettings.of(address, api_key=KEY).api_key == KEY


@pytest.mark.parametrize("source", ["argument", "environment"])
def test_a_key_does_not_travel_in_the_clear(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {"api_key": KEY} if source == "argument" else {}
    if source == "environment":
        monkeypatch.setenv(API_KEY_VARIABLE, KEY)
    with pytest.raises(vecdb.InvalidValue) as refused:
        ClientSettings.of("grpc://10.1.2.3", **arguments)
    assert refused.value.argument == "address"
    assert KEY not in str(refused.value)
    assert ClientSettings.of("grpc://10.1.2.3", insecure=True, **arguments).api_key == KEY


def test_the_environment_has_a_key_and_the_argument_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY_VARIABLE, "from-outside")
    assert ClientSettings.of("grpc://localhost").api_key == "from-outside"
    assert ClientSettings.of("grpc://localhost", api_key=KEY).api_key == KEY
    monkeypatch.setenv(API_KEY_VARIABLE, "")
    assert ClientSettings.of("grpc://localhost").api_key is None


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "ä" + KEY, KEY + "\0", "x" * 4097, 7, KEY.encode()])
def test_a_key_that_is_no_header_is_refused_and_not_shown(key: Any) -> None:
    with pytest.raises((vecdb.InvalidValue, vecdb.InvalidType)) as refused:
        ClientSettings.of("grpc://localhost", api_key=key)
    assert not isinstance(key, str) or len(key) < 4 or key[:4] not in str(refused.value)
    assert KEY not in str(refused.value)


def test_secrets_are_not_in_the_text() -> None:
    settings = ClientSettings.of(
        "grpcs://localhost", api_key=KEY, tls_ca=CA.pem, tls_certificate=OWN.certificate, tls_key=OWN.key
    )
    assert (settings.tls_ca, settings.tls_certificate, settings.tls_key) == (CA.pem, OWN.certificate, OWN.key)
    assert "secret" not in repr(settings)
    assert "-----" not in repr(settings)


@pytest.mark.parametrize(
    ("arguments", "error", "argument"),
    [
        ({"timeout": 0}, vecdb.InvalidValue, "timeout"),
        ({"timeout": float("nan")}, vecdb.InvalidValue, "timeout"),
        ({"timeout": 3601}, vecdb.InvalidValue, "timeout"),
        ({"timeout": "60"}, vecdb.InvalidType, "timeout"),
        ({"timeout": True}, vecdb.InvalidType, "timeout"),
        ({"connect_timeout": -1}, vecdb.InvalidValue, "connect_timeout"),
        ({"retries": -1}, vecdb.InvalidValue, "retries"),
        ({"retries": 11}, vecdb.InvalidValue, "retries"),
        ({"retries": 1.0}, vecdb.InvalidType, "retries"),
        ({"insecure": 1}, vecdb.InvalidType, "insecure"),
        ({"tls_ca": b"x"}, vecdb.InvalidValue, "tls_ca"),
        ({"tls_ca": 7, "address": "grpcs://h"}, vecdb.InvalidType, "tls_ca"),
        ({"tls_ca": "/no/such/file.pem", "address": "grpcs://h"}, vecdb.InvalidValue, "tls_ca"),
        ({"tls_ca": "a\0b", "address": "grpcs://h"}, vecdb.InvalidValue, "tls_ca"),
        ({"tls_key": b"k", "address": "grpcs://h"}, vecdb.InvalidValue, "tls_certificate"),
        ({"tls_certificate": b"c", "address": "grpcs://h"}, vecdb.InvalidValue, "tls_certificate"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], error: type[Exception], argument: str) -> None:
    with pytest.raises(error) as refused:
        ClientSettings.of(**{"address": "grpc://localhost", **arguments})
    assert getattr(refused.value, "argument", None) == argument


def test_certificates_are_files_or_bytes(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(CA.pem)
    for given in (path, str(path), CA.pem):
        assert ClientSettings.of("grpcs://h", tls_ca=given).tls_ca == CA.pem


@pytest.mark.parametrize("length", [100, 10_000])
def test_a_key_in_the_place_of_its_path_is_not_shown(length: int) -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{'SECRET' * length}\n-----END PRIVATE KEY-----\n"
    with pytest.raises(vecdb.InvalidValue) as refused:
        ClientSettings.of("grpcs://h", tls_certificate=b"c", tls_key=key)
    assert refused.value.argument == "tls_key"
    assert "SECRET" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
