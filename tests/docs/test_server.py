"""docs/server.md is true: settings, roles, lanes, metrics, log fields, events, examples."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import vecdb
from tests.docs.markdown import ROOT, blocks_of, python_of, run_python, table_after
from tests.server.server_process import ServerProcess
from vecdb.cli import main
from vecdb.proto.methods import METHODS
from vecdb.server.admission import Admission
from vecdb.server.engine import Engine
from vecdb.server.engine_gauges import EngineGauges
from vecdb.server.metrics import Metrics
from vecdb.server.principal import Role
from vecdb.server.request_log import CallFacts
from vecdb.server.server import served_by
from vecdb.server.server_collector import ServerCollector
from vecdb.server.setting import Bytes, bytes_text
from vecdb.server.settings import SETTINGS, ServerSettings
from vecdb.server.settings_sources import read_settings

PAGE = ROOT / "docs" / "server.md"
HEADER = {
    "settings": "| setting |",
    "reach": "| it listens on |",
    "claims": "| claim |",
    "roles": "| role |",
    "lanes": "| lane |",
    "metrics": "| metric |",
    "fields": "| field of a call |",
    "beyond": "| beyond |",
}


def rows(table: str) -> list[list[str]]:
    found = table_after(PAGE, HEADER[table])
    assert found, table
    return found


def code_of(cell: str) -> list[str]:
    """What is set as code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_settings_are_those_of_the_code() -> None:
    shown = [(name.strip("`"), default.strip("`"), values) for name, default, values, _ in rows("settings")]
    fields = {field.name: field for field in dataclasses.fields(ServerSettings)}
    assert shown == [(name, default_text(fields[name]), setting.kind.expected) for name, setting in SETTINGS.items()]


def default_text(field: dataclasses.Field[object]) -> str:
    if field.default is dataclasses.MISSING:
        return "" if field.default_factory is dataclasses.MISSING else "the cores"
    if isinstance(SETTINGS[field.name].kind, Bytes):
        assert isinstance(field.default, int)
        return bytes_text(field.default)
    if isinstance(field.default, bool) or field.default is None:
        return "" if field.default is None else str(field.default).lower()
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def test_the_example_file_is_read(tmp_path: Path) -> None:
    (text,) = blocks_of(PAGE, "toml")
    file = tmp_path / "vecdb.toml"
    file.write_text(text)
    settings = read_settings({"config": str(file)}, {})
    assert (settings.address, settings.message_bytes, settings.metrics_port) == ("0.0.0.0:6339", 32 << 20, 9339)


Given = dict[str, Any]
SECRETS = {"api_keys": "keys"}
TLS = {"tls_certificate": "c", "tls_key": "k"}
MUTUAL = {**TLS, "tls_client_ca": "ca"}
CREDENTIALS: dict[str, list[Given]] = {
    "none": [{}],
    "keys or tokens": [SECRETS],
    "keys, tokens or client certificates": [SECRETS, MUTUAL],
}
TRANSPORT: dict[str, list[Given]] = {"no": [{}], "yes": [TLS], "either": [{}, TLS]}


@pytest.mark.parametrize("row", range(5))
def test_it_listens_where_the_table_says(row: int) -> None:
    table = rows("reach")
    assert len(table) == 5
    where, credentials, transport, outcome = table[row]
    near = ["127.0.0.1", "127.1.2.3", "::1", "localhost", "unix:/run/vecdb/socket"]
    for host in ["0.0.0.0", "::", "10.0.0.1", "db.example.com"] if "other" in where else near:
        for who in CREDENTIALS[credentials]:
            for how in TRANSPORT[transport]:
                settings: Given = {"data": "d", "host": host, **who, **how}
                if "refused" in outcome:
                    with pytest.raises(vecdb.InvalidValue):
                        ServerSettings(**settings)
                    settings["insecure"] = True
                assert ServerSettings(**settings).host == host


def test_the_roles_are_those_of_the_protocol() -> None:
    shown = {role.strip("`"): sorted(methods.split(", ")) for role, methods in rows("roles")}
    assert shown == {
        role.text: sorted(method.name for method in METHODS.values() if int(method.required_role) == role.value)
        for role in Role
    }


def test_the_lanes_are_those_of_the_server() -> None:
    settings = ServerSettings(data=":memory:", search_workers=3, write_workers=5, streams=7, queue=11)
    admission = Admission.of(settings)
    with vecdb.connect(":memory:") as database:
        served = served_by(Engine(database, settings, admission.in_flight)).values()
    shown = {}
    for name, workers, queue, methods in rows("lanes"):
        places = [0 if cell == "none" else getattr(settings, cell.strip("`")) for cell in (workers, queue)]
        shown[name.strip("`")] = (*places, sorted(methods.split(", ")))
    assert shown == {
        lane.name: (lane.workers, lane.queue, sorted(one.method.name for one in served if one.lane == lane.name))
        for lane in admission.lanes
    }
    for lane in admission.lanes:
        lane.shutdown()


def test_the_metrics_are_those_of_the_page() -> None:
    admission = Admission.of(ServerSettings(data=":memory:"))
    metrics = Metrics(["Search"])
    metrics.record("Search", 0, 0.1, 1, 1)
    registry = CollectorRegistry()
    with vecdb.connect(":memory:") as database:
        registry.register(ServerCollector(metrics, admission, EngineGauges(database.stats)))
        text = generate_latest(registry).decode()
    labels = {name: set(code_of(cell)) for names, cell, _ in rows("metrics") for name in code_of(names)}
    assert set(labels) == set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    for name, given in re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?\{(.*)\} ", text, re.MULTILINE):
        assert set(re.findall(r"(\w+)=", given)) - {"le"} == labels[name], name
    for lane in admission.lanes:
        lane.shutdown()


def test_the_fields_of_the_log_are_those_that_are_written() -> None:
    shown = [name for names, _ in rows("fields") for name in code_of(names)]
    assert sorted(shown) == sorted(["time", "level", "event", *(each.name for each in dataclasses.fields(CallFacts))])


def test_the_events_of_the_log_are_those_that_are_written() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "server").glob("*.py"))
    events = set(re.findall(r'log_event\(\s*"([^"]+)"', sources)) - {"call"}
    (paragraph,) = re.findall(r"^Other events:(.*?)\n\n", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert set(code_of(paragraph.replace("\n", " "))) == events
    assert len(events) > 5


def test_what_is_named_beyond_a_bound_is_a_setting_and_an_error() -> None:
    for beyond, _, error in rows("beyond"):
        assert [name for name in code_of(beyond) if name not in SETTINGS and "/" not in name] == []
        kinds = code_of(error)
        assert kinds
        assert [kind for kind in kinds if not issubclass(getattr(vecdb, kind), vecdb.Error)] == []


def test_the_claims_are_those_that_the_page_of_tokens_needs() -> None:
    shown = {claim: needed for claims, needed, _ in rows("claims") for claim in code_of(claims)}
    assert {claim for claim, needed in shown.items() if needed == "yes"} == {"exp", "sub", "role"}
    assert {claim: code_of(needed) for claim, needed in shown.items() if needed.startswith("with")} == {
        "iss": ["jwt_issuer"],
        "aud": ["jwt_audience"],
    }


def test_the_unit_and_the_container_give_flags_that_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (unit,) = blocks_of(PAGE, "ini")
    (container,) = blocks_of(PAGE, "dockerfile")
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    (entry,) = re.findall(r"^ENTRYPOINT \[(.*)\]$", container, re.MULTILINE)
    for words in (shlex.split(start), shlex.split(entry.replace(",", ""))):
        assert words[0].rpartition("/")[2] == "vecdb"
        assert main([*words[1:], "--port", "none"]) == 2  # the last of them is wrong, or the file is not there
        assert re.search(r"'(--port|config)'", capsys.readouterr().err)
    (patience,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(patience) > 3 * ServerSettings(data="d").drain_seconds


def test_a_snapshot_is_taken_as_shown(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        db.create_collection("docs", dimension=2).upsert(ids=[1], vectors=[[1, 2]])
    with ServerProcess(tmp_path / "db") as server:
        program = python_of(PAGE).replace("grpc://localhost:6339", f"grpc://{server.target}")
        assert run_python(program, tmp_path).startswith("SnapshotReport(sequence=2, collections=1")
    vecdb.restore(tmp_path / "backup.snapshot", tmp_path / "restored")
    with vecdb.connect(tmp_path / "restored") as db:
        assert db["docs"].count() == 1
