from __future__ import annotations

import copy
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vecdb.bench.algorithms.definition import (
    FOLDER,
    Absent,
    Definition,
    arguments_name,
    available,
    instantiate,
    read_definitions,
)
from vecdb.bench.algorithms.vecdb_embedded import VecdbFlat, VecdbHnsw
from vecdb.bench.datasets.dataset import METRICS
from vecdb.bench.mistake import Mistake

# In the form of that project's files: a list a metric, names that only it can import.
THEIRS = """
float:
  any:
  - base_args: ['@metric']
    constructor: HnswLib
    disabled: false
    docker_tag: ann-benchmarks-hnswlib
    module: ann_benchmarks.algorithms.hnswlib
    name: hnswlib
    run_groups:
      M-12:
        arg_groups: [{M: 12, efConstruction: [200, 500]}]
        query_args: [[10, 20]]
      M-16:
        args: {M: [16, 24], efConstruction: 500}
        query_args: [[10, 40], [1, 2]]
  - base_args: ['@metric', '@dimension']
    constructor: Other
    disabled: true
    docker_tag: other
    module: other
    name: other
    run_groups:
      base:
        args: [[1, 2], x, ['@count', '@threads']]
        query_arg_groups: [[5, 6], {a: [7, 8], b: 9}, []]
      mixed:
        arg_groups: [{a: [1, 2]}, [3, 4], last]
  euclidean:
  - {constructor: Flat, docker_tag: f, module: m, name: flat, run_groups: {only: {args: []}}}
  - {constructor: Unused, docker_tag: f, module: m, name: other, run_groups: {only: {args: []}}}
bit:
  hamming:
  - {constructor: C, docker_tag: b, module: m, name: bits, run_groups: {only: {args: [[1]]}}}
"""


def read(path: Path, metric: Any = "angular", **options: Any) -> list[Definition]:
    return read_definitions(path, **{"metric": metric, "dimension": 20, "count": 10, "threads": 2} | options)


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "config.yml"
    path.write_text(THEIRS)
    place = tmp_path / "ann_benchmarks" / "algorithms"
    place.mkdir(parents=True)
    (place / "hnswlib.py").write_text("import nothing_there\n\nclass HnswLib: ...\n")
    (tmp_path / "m.py").write_text("from nothing_there import Given as Flat\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ann_benchmarks", "m")]:
        del sys.modules[name]  # looking for a module loads the packages above it


def test_mappings_and_lists_expand_to_every_choice(theirs: Path) -> None:
    found = [each for each in read(theirs) if each.name == "hnswlib"]
    assert [each.arguments for each in found] == [
        ("angular", {"M": 12, "efConstruction": 200}),
        ("angular", {"M": 12, "efConstruction": 500}),
        ("angular", {"M": 16, "efConstruction": 500}),
        ("angular", {"M": 24, "efConstruction": 500}),
    ]
    assert found[0].query_argument_groups == ((10,), (20,))
    assert found[-1].query_argument_groups == ((10, 1), (10, 2), (40, 1), (40, 2))
    assert (found[0].module, found[0].constructor) == ("ann_benchmarks.algorithms.hnswlib", "HnswLib")


def test_variables_and_query_argument_groups(theirs: Path) -> None:
    found = [each for each in read(theirs, count=3, threads=7) if each.name == "other"]
    assert [each.arguments for each in found] == [
        *[("angular", 20, first, "x", last) for first in (1, 2) for last in (3, 7)],
        *[("angular", 20, {"a": first}, second, "last") for first in (1, 2) for second in (3, 4)],
    ]
    assert found[0].query_argument_groups == tuple((first, {"a": a, "b": 9}) for first in (5, 6) for a in (7, 8))
    assert found[-1].query_argument_groups == ((),)
    assert all(each.disabled for each in found)


def test_the_metric_and_the_point_type_choose(theirs: Path) -> None:
    def names(*given: Any, **options: Any) -> set[str]:
        return {each.name for each in read(theirs, *given, **options)}

    assert names("angular") == {"hnswlib", "other"}
    assert names("euclidean") == {"hnswlib", "other", "flat"}
    assert "Unused" not in {each.constructor for each in read(theirs, "euclidean")}
    assert names("hamming", point_type="bit") == {"bits"}
    assert names("angular", point_type="set") == set()
    assert names("euclidean", names=["flat", "hnswlib"]) == {"flat", "hnswlib"}
    assert names("angular", names=["flat"]) == set()


def test_a_name_that_no_file_has_is_a_mistake(theirs: Path) -> None:
    with pytest.raises(Mistake, match="no algorithm nothing; there are flat, hnswlib, other"):
        read(theirs, names=["nothing", "flat"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("float: [", "is not YAML"),
        ("[1, 2]", "the file: expected a mapping"),
        ("float: {any: {name: x}}", "expected a list of algorithms"),
        ("float: {any: [{name: x, module: m, constructor: C}]}", "'run_groups' in every algorithm"),
        ("float: {any: [{name: x, module: m, constructor: C, run_groups: []}]}", "x, run_groups: expected a mapping"),
        ("float: {any: [{name: x, module: m, constructor: C, run_groups: {a: {}}}]}", "expected args or arg_groups"),
        ("float: {any: [{name: x, module: m, constructor: C, run_groups: {a: {args: 5}}}]}", "x: expected a list"),
        (
            "float: {any: [{name: 7, module: m, constructor: C, run_groups: {}}]}",
            "a name of letters.*received 7",
        ),
        ("float: {any: [{name: a/b, module: m, constructor: C, run_groups: {}}]}", "received 'a/b'"),
        ("float: {any: [{name: .., module: m, constructor: C, run_groups: {}}]}", r"received '\.\.'"),
        ("float: {any: [{name: x y, module: m, constructor: C, run_groups: {}}]}", "received 'x y'"),
        (
            "float: {any: [{name: x, module: [m], constructor: C, run_groups: {}}]}",
            r"'module', received \['m'\]",
        ),
    ],
)
def test_files_of_another_form_are_mistakes(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "config.yml"
    path.write_text(text)
    with pytest.raises(Mistake, match=complaint):
        read(path)
    with pytest.raises(Mistake, match="No such file"):
        read(tmp_path / "missing.yml")


@pytest.mark.parametrize(
    ("arguments", "query_arguments", "name"),
    [
        # As that project's results folders have them.
        (("angular", {"efConstruction": 500, "M": 16}), (40,), "angular_M_16_efConstruction_500_40"),
        (("euclidean", 0.5, True), (), "euclidean_0_5_true"),
        ((), (), ""),
        (({"m": -1},), ([1, 2], None), "m_1_1_2_null"),
    ],
)
def test_names_of_result_files(arguments: Any, query_arguments: Any, name: str) -> None:
    assert arguments_name(arguments, query_arguments) == name


def definition(module: str, constructor: str, *arguments: Any) -> Definition:
    return Definition("it", module, constructor, arguments, ((),))


EMBEDDED = "vecdb.bench.algorithms.vecdb_embedded"


def test_an_algorithm_is_made_of_its_definition() -> None:
    made = instantiate(definition(EMBEDDED, "VecdbHnsw", {"m": 8, "ef_construction": 50}), "dot", 3)
    assert type(made) is VecdbHnsw
    assert (made.metric, made.threads) == ("dot", 3)
    assert available(definition(EMBEDDED, "VecdbFlat")) is None
    made.close()


def test_a_module_that_cannot_be_imported_is_absent() -> None:
    missing = definition("no_such_library.module", "Index")
    assert "no_such_library" in str(available(missing))
    with pytest.raises(Absent) as caught:
        instantiate(missing, "dot", 1)
    assert caught.value.library == "no_such_library"
    sent = copy.copy(caught.value)  # by __reduce__, as what a worker sends
    assert (sent.library, sent.why, str(sent)) == (caught.value.library, caught.value.why, str(caught.value))


@pytest.mark.parametrize("error", [ImportError, OSError, RuntimeError])
def test_a_library_that_refuses_is_absent(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def refuse(self: object, *arguments: object) -> None:
        raise error("this processor has no AVX-512")

    monkeypatch.setattr(VecdbFlat, "__init__", refuse)
    with pytest.raises(Absent, match=r"^vecdb: this processor has no AVX-512$"):
        instantiate(definition(EMBEDDED, "VecdbFlat"), "dot", 1)


def test_a_library_that_is_not_installed_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VecdbFlat, "library", "no-such-library")
    assert available(definition(EMBEDDED, "VecdbFlat")) == "no-such-library is not installed"


@pytest.mark.parametrize("constructor", ["Nothing", "COLLECTION", "Batch"])
def test_what_is_no_algorithm_is_a_mistake(constructor: str) -> None:
    with pytest.raises(Mistake, match=rf"it: expected an Algorithm at {EMBEDDED}\.{constructor}"):
        instantiate(definition(EMBEDDED, constructor), "dot", 1)


def test_reading_definitions_imports_no_algorithm() -> None:
    before = set(sys.modules)
    found = read_definitions(None, metric="angular", dimension=4, count=10, threads=1)
    assert {each.module for each in found} & (set(sys.modules) - before) == set()


PLACED = "float: {{any: [{{name: x, module: {}, constructor: {}, run_groups: {{a: {{args: []}}}}}}]}}"


@pytest.mark.parametrize(
    ("module", "constructor", "fault"),
    [
        ("mistyped", "C", "there is no module mistyped"),
        ("vecdb.bench.algorithms.mistyped", "C", r"there is no module vecdb\.bench\.algorithms\.mistyped"),
        ("vecdb.bench.mistyped.algorithm", "C", r"there is no module vecdb\.bench\.mistyped\.algorithm"),
        ("vecdb.bench.algorithms.vecdb_embedded", "VecdbHsnw", "there is no VecdbHsnw in module"),
        ("lacking.inner", "C", None),
        ("here", "D", "there is no D in module here"),
        ("here", "C", None),
    ],
)
def test_a_mistyped_place_is_a_mistake_where_the_algorithm_was_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: str,
    constructor: str,
    fault: str | None,
) -> None:
    path = tmp_path / "config.yml"
    path.write_text(PLACED.format(module, constructor))
    (tmp_path / "here.py").write_text("import nothing_there\n\nclass C: ...\n")
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "__init__.py").write_text("import nothing_there\n")
    monkeypatch.chdir(tmp_path)  # a class may lie where the command is run
    importable = sys.path.copy()
    assert [each.name for each in read(path)] == ["x"]
    warned = capsys.readouterr().err
    if fault is None:
        assert warned == ""
        assert [each.name for each in read(path, names=["x"])] == ["x"]
    else:
        assert re.fullmatch(rf"vecdb-bench: warning: algorithm x: {fault}.*\n", warned)
        with pytest.raises(Mistake, match=f"^algorithm x: {fault}"):
            read(path, names=["x"])
    assert sys.path == importable
    assert "here" not in sys.modules


def test_our_own_definitions_have_no_faults(capsys: pytest.CaptureFixture[str]) -> None:
    for metric in METRICS:
        found = read_definitions(None, metric=metric, dimension=4, count=10, threads=1)
        assert {each.name for each in found if each.batch_only} == {"vecdb-remote-stream"}
    assert capsys.readouterr().err == ""


def test_ours_stand_first() -> None:
    found = read_definitions(None, metric="angular", dimension=4, count=10, threads=1)
    ours = list(dict.fromkeys(each.name for each in found))[:6]
    assert ours == [
        "vecdb-hnsw",
        "vecdb-hnsw-f16",
        "vecdb-hnsw-recall",
        "vecdb-flat",
        "vecdb-remote",
        "vecdb-remote-stream",
    ]


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yml")), ids=lambda file: str(file.name))
def test_every_definition_is_what_its_constructor_takes(file: Path) -> None:
    found = [(metric, each) for metric in METRICS for each in read(file, metric)]
    assert found
    for metric, each in found:
        assert metric not in each.arguments, f"{each.name}: the constructor is given the metric and the threads"
        assert len(each.query_argument_groups) == 1 or 6 <= len(each.query_argument_groups) <= 14, each.name
        if available(each) is None:  # else its module may not even be importable
            constructor = getattr(importlib.import_module(each.module), each.constructor)
            assert not inspect.isabstract(constructor), each.name
            inspect.signature(constructor).bind(metric, 2, *each.arguments)
