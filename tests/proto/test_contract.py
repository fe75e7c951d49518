"""The protocol keeps its promise to those who speak it already, and the generated code is that of the sources."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.proto import contract as contracts
from tests.proto.contract import ADVICE, Contract, additions, breaks, contract, saved
from tests.proto.proto_text import SOURCES, contract_of_sources
from vecdb.proto import v1

GENERATED = Path(v1.__path__[0])


def test_nothing_released_breaks() -> None:
    broken = breaks(saved(), contract())
    assert broken == [], ADVICE


def test_additions_are_in_the_file() -> None:
    missing = additions(saved(), contract())
    assert missing == [], "an addition breaks nobody; renew the file: python -m tests.proto.contract --write"


def test_the_generated_code_is_that_of_the_sources() -> None:
    assert contract() == contract_of_sources(), "run proto/generate.py; proto/v1 is never edited"


def test_every_source_has_its_module_and_no_module_is_left_over() -> None:
    expected = {f"{path.stem}_pb2{suffix}" for path in SOURCES.glob("*.proto") for suffix in (".py", ".pyi")}
    assert {path.name for path in GENERATED.iterdir() if "_pb2" in path.name} == expected
    assert {Path(str(module.__file__)).stem for module in contracts.MODULES} == {
        name.removesuffix(".py") for name in expected if name.endswith(".py")
    }


def test_the_types_are_those_of_the_code() -> None:
    declared = {}
    for path in GENERATED.glob("*_pb2.pyi"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and ast.unparse(node.bases[0]) == "_message.Message":
                slots = node.body[0]
                assert isinstance(slots, ast.Assign)
                declared[f"vecdb.v1.{node.name}"] = list(ast.literal_eval(slots.value))
    assert declared == {name: list(fields) for name, fields in contract()["messages"].items()}


Change = Callable[[Contract], Any]

BREAKING: list[tuple[str, Change]] = [
    ("vecdb.v1.Ids.uuids is gone", lambda c: c["messages"]["vecdb.v1.Ids"].pop("uuids")),
    ("vecdb.v1.Texts is gone", lambda c: c["messages"].pop("vecdb.v1.Texts")),
    ("vecdb.v1.Near.k was", lambda c: c["messages"]["vecdb.v1.Near"]["k"].update(number=9)),
    ("vecdb.v1.Near.k was", lambda c: c["messages"]["vecdb.v1.Near"]["k"].update(type="int64")),
    ("vecdb.v1.Near.k was", lambda c: c["messages"]["vecdb.v1.Near"]["k"].update(label="repeated")),
    (
        "vecdb.v1.Near.new takes the number of k",
        lambda c: c["messages"]["vecdb.v1.Near"].update(new={"number": 3, "type": "bool", "label": "singular"}),
    ),
    ("vecdb.v1.Metric.METRIC_DOT is gone", lambda c: c["enums"]["vecdb.v1.Metric"].pop("METRIC_DOT")),
    ("vecdb.v1.Metric.METRIC_DOT was 2, is 4", lambda c: c["enums"]["vecdb.v1.Metric"].update(METRIC_DOT=4)),
    ("vecdb.v1.Points.Get is gone", lambda c: c["methods"].pop("vecdb.v1.Points.Get")),
    ("vecdb.v1.Points.Get: role was read", lambda c: c["methods"]["vecdb.v1.Points.Get"].update(role="write")),
    ("vecdb.v1.Points.Get: role was read", lambda c: c["methods"]["vecdb.v1.Points.Get"].update(role="unspecified")),
    ("server_streaming was True", lambda c: c["methods"]["vecdb.v1.Points.Scan"].update(server_streaming=False)),
    ("request was", lambda c: c["methods"]["vecdb.v1.Points.Scan"].update(request="vecdb.v1.GetRequest")),
    ("required_role was", lambda c: c["extensions"]["vecdb.v1.required_role"].update(number=50612)),
]
ADDITIONS: list[tuple[str, Change]] = [
    (
        "vecdb.v1.Near.new",
        lambda c: c["messages"]["vecdb.v1.Near"].update(new={"number": 99, "type": "bool", "label": "singular"}),
    ),
    ("vecdb.v1.New.a", lambda c: c["messages"].update({"vecdb.v1.New": {"a": {"number": 1}}})),
    ("vecdb.v1.Empty: new", lambda c: c["messages"].update({"vecdb.v1.Empty": {}})),
    ("vecdb.v1.Metric.METRIC_NEW", lambda c: c["enums"]["vecdb.v1.Metric"].update(METRIC_NEW=99)),
    ("vecdb.v1.Points.Upsert.role: read", lambda c: c["methods"]["vecdb.v1.Points.Upsert"].update(role="read")),
]


@pytest.mark.parametrize(("complaint", "change"), BREAKING)
def test_breaking_changes_are_found(complaint: str, change: Change) -> None:
    now = copy.deepcopy(saved())
    change(now)
    assert any(complaint in each for each in breaks(saved(), now)), breaks(saved(), now)


@pytest.mark.parametrize(("name", "change"), ADDITIONS)
def test_additions_break_nobody_and_are_found(name: str, change: Change) -> None:
    now = copy.deepcopy(saved())
    change(now)
    assert breaks(saved(), now) == []
    assert any(name in each for each in additions(saved(), now)), additions(saved(), now)


def test_a_breaking_change_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "contract.json"
    monkeypatch.setattr(contracts, "FILE", file)
    contracts.write()
    assert saved() == contract()
    released = file.read_text()
    now = copy.deepcopy(contract())
    del now["messages"]["vecdb.v1.Texts"]
    monkeypatch.setattr(contracts, "contract", lambda: now)
    with pytest.raises(SystemExit, match=r"Texts is gone\n.*--write"):
        contracts.write()
    assert file.read_text() == released
