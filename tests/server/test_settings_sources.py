"""Flags, environment and TOML: one table, one precedence, and each refusal names its place."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from vecdb.errors import InvalidType, InvalidValue
from vecdb.server.setting import Switch
from vecdb.server.settings import SETTINGS, ServerSettings
from vecdb.server.settings_sources import add_flags, read_settings

# A value that is not the default, for each setting: as text, and what it means.
OTHERS: dict[str, tuple[str, object]] = {
    "data": ("./d", "./d"),
    "read_only": ("true", True),
    "durability": ("async", "async"),
    "threads": ("3", 3),
    "host": ("localhost", "localhost"),
    "port": ("0", 0),
    "connections": ("7", 7),
    "insecure": ("yes", True),
    "tls_certificate": ("c.pem", "c.pem"),
    "tls_key": ("k.pem", "k.pem"),
    "tls_client_ca": ("ca.pem", "ca.pem"),
    "tls_client_role": ("admin", "admin"),
    "api_keys": ("keys", "keys"),
    "jwt_key_file": ("j.pem", "j.pem"),
    "jwt_algorithm": ("EdDSA", "EdDSA"),
    "jwt_issuer": ("me", "me"),
    "jwt_audience": ("you", "you"),
    "search_workers": ("9", 9),
    "write_workers": ("5", 5),
    "streams": ("6", 6),
    "queue": ("0", 0),
    "queue_seconds": ("2.5", 2.5),
    "in_flight_bytes": ("2GiB", 2 << 30),
    "message_bytes": ("1MiB", 1 << 20),
    "k_maximum": ("100", 100),
    "ef_maximum": ("200", 200),
    "queries_maximum": ("300", 300),
    "batch_rows": ("400", 400),
    "batch_bytes": ("64KiB", 1 << 16),
    "timeout_seconds": ("2.5", 2.5),
    "keepalive_seconds": ("30", 30.0),
    "idle_seconds": ("40", 40.0),
    "stream_idle_seconds": ("50", 50.0),
    "drain_seconds": ("0", 0.0),
    "reflection": ("on", True),
    "metrics_port": ("9100", 9_100),
    "log": ("all", "all"),
    "slow_seconds": ("0.25", 0.25),
}


def flags_of(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_flags(parser)
    return vars(parser.parse_args(arguments))


def toml(tmp_path: Path, text: str) -> str:
    path = tmp_path / "vecdb.toml"
    path.write_text(text)
    return str(path)


def test_every_setting_comes_from_every_source(tmp_path: Path) -> None:
    assert OTHERS.keys() == SETTINGS.keys()
    expected = ServerSettings(**{name: value for name, (_, value) in OTHERS.items()})  # type: ignore[arg-type]
    arguments = []
    for name, (text, _) in OTHERS.items():
        flag = "--" + name.replace("_", "-")
        arguments += [flag] if isinstance(SETTINGS[name].kind, Switch) else [flag, text]
    assert read_settings(flags_of(*arguments), {}) == expected
    assert read_settings({}, {f"VECDB_{name.upper()}": text for name, (text, _) in OTHERS.items()}) == expected
    lines = [f"{name} = {toml_value(value)}" for name, (_, value) in OTHERS.items()]
    assert read_settings({}, {"VECDB_CONFIG": toml(tmp_path, "\n".join(lines))}) == expected
    quoted = [f'{name} = "{text}"' for name, (text, _) in OTHERS.items()]
    assert read_settings({"config": toml(tmp_path, "\n".join(quoted))}, {}) == expected


def toml_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def test_a_flag_goes_before_the_environment_before_the_file_before_the_default(tmp_path: Path) -> None:
    file = toml(tmp_path, 'data = "f"\nqueue = 1\nstreams = 1\nwrite_workers = 1\ninsecure = true\n')
    environment = {"VECDB_QUEUE": "2", "VECDB_STREAMS": "2", "VECDB_CONFIG": "/not/there"}
    flags = flags_of("--config", file, "--queue", "3", "--no-insecure")
    found = read_settings(flags, environment)
    assert (found.data, found.queue, found.streams, found.write_workers, found.port) == ("f", 3, 2, 1, 6339)
    assert found.insecure is False


def test_data_must_come_from_somewhere() -> None:
    with pytest.raises(InvalidValue, match=r"--data.*VECDB_DATA"):
        read_settings({}, {})


@pytest.mark.parametrize(
    "text", ["", "64 MiB x", "1e3", "-1", "٣", "1_000", "0x10", "9" * 30, "1KB", "KiB", " 1", "1\n"]
)
def test_numbers_are_plain(text: str) -> None:
    for name in ("port", "message_bytes"):
        with pytest.raises((InvalidType, InvalidValue)) as caught:
            read_settings(flags_of("--data", "d", "--" + name.replace("_", "-"), text), {})
        assert getattr(caught.value, "argument", None) == "--" + name.replace("_", "-")


@pytest.mark.parametrize(
    ("flags", "environment", "place"),
    [
        (["--port", "x"], {}, "--port"),
        (["--slow-seconds", "nan"], {}, "--slow-seconds"),
        ([], {"VECDB_PORT": "70000"}, "VECDB_PORT"),
        ([], {"VECDB_READ_ONLY": "perhaps"}, "VECDB_READ_ONLY"),
        ([], {"VECDB_HOST": "0.0.0.0"}, "VECDB_HOST"),
        (["--host", "0.0.0.0"], {}, "--host"),
        (["--message-bytes", "1GiB", "--in-flight-bytes", "1MiB"], {}, "--in-flight-bytes"),
        ([], {"VECDB_TLS_KEY": "k"}, "tls_certificate"),
        ([], {"VECDB_SERCH_WORKERS": "2"}, "VECDB_SERCH_WORKERS"),
        ([], {"VECDB_": "2"}, "VECDB_"),
        ([], {"VECDB_CONFIG": "/not/there.toml"}, "config"),
    ],
)
def test_a_refusal_names_the_place(flags: list[str], environment: dict[str, str], place: str) -> None:
    with pytest.raises((InvalidType, InvalidValue)) as caught:
        read_settings(flags_of("--data", "d", *flags), environment)
    assert getattr(caught.value, "argument", None) == place


def test_what_is_near_is_proposed_and_no_value_repeated() -> None:
    with pytest.raises(InvalidValue) as caught:
        read_settings({}, {"VECDB_API_KEYZ": "hunter2"})
    assert "VECDB_API_KEYS" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VECDB_ISA", "avx2"),
        ("VECDB_BENCH_SOURCES", "downloads"),
        ("VECDB_API_KEY", "vdb_x_y"),
        ("VECDB_TEST_SEED", "1"),
        ("VECDB_SERVICE_HOST", "10.0.0.1"),
        ("VECDB_PORT", "tcp://10.0.0.1:6339"),
        ("VECDB_PORT_6339_TCP_ADDR", "10.0.0.1"),
        ("VECDB_HOST", ""),
        ("PATH", "/bin"),
    ],
)
def test_what_others_read_is_left_alone(variable: str, value: str) -> None:
    assert read_settings({"data": "d"}, {variable: value}) == ServerSettings(data="d")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('data = "d"\nserch_workers = 2', "vecdb.toml: serch_workers"),
        ('data = "d"\nqueue = 1.5', "vecdb.toml: queue"),
        ('data = "d"\nqueue = true', "vecdb.toml: queue"),
        ('data = "d"\nread_only = 1', "vecdb.toml: read_only"),
        ("data = 3", "vecdb.toml: data"),
        ('data = "d"\n[queue]\nx = 1', "vecdb.toml: queue"),
        ('data = "d"\nconfig = "other.toml"', "vecdb.toml: config"),
        ("data = ", "config"),
        ("\0", "config"),
        ("a = " + "[" * 5_000, "config"),
        ("# " + "x" * (1 << 20), "config"),
    ],
)
def test_a_file_is_refused_with_the_place(text: str, place: str, tmp_path: Path) -> None:
    with pytest.raises((InvalidType, InvalidValue)) as caught:
        read_settings({"config": toml(tmp_path, text)}, {})
    assert getattr(caught.value, "argument", None) == place


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"data = '\xff'")
    with pytest.raises(InvalidValue):
        read_settings({"config": str(tmp_path / "x.toml")}, {})
    with pytest.raises(InvalidValue):
        read_settings({"config": str(tmp_path)}, {})


def test_the_help_lists_each_setting_under_its_group() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    text = parser.format_help()
    for name, setting in SETTINGS.items():
        assert "--" + name.replace("_", "-") in text
        assert f"\n{setting.group}:\n" in text
    assert "64MiB" in text
