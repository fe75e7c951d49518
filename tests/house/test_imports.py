"""Imports run downwards only, and what is dangerous or heavy is imported where it belongs or nowhere."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.source_tree import (
    CODE_FOLDERS,
    ROOT,
    cython_imports,
    imports_of,
    module_name,
    module_names,
    python_imports,
    source_files,
)

# The longest prefix of a module's name decides; a module without a tier fails.
TIERS = {
    "vecdb.native": -1,
    "vecdb.call_checks": 0,
    "vecdb.error_base": 0,
    "vecdb.errors": 0,
    "vecdb.filters": 0,
    "vecdb.hits": 0,
    "vecdb.hits_batch": 0,
    "vecdb.ids": 0,
    "vecdb.instant": 0,
    "vecdb.invalid_argument": 0,
    "vecdb.json_bytes": 0,
    "vecdb.json_orjson": 0,
    "vecdb.json_standard": 0,
    "vecdb.limits": 0,
    "vecdb.payload": 0,
    "vecdb.progress": 0,
    "vecdb.schema": 0,
    "vecdb.search_options": 0,
    "vecdb.types": 0,
    "vecdb.vector_input": 0,
    "vecdb.version": 0,
    "vecdb.write_batch": 0,
    "vecdb.exchange": 1,
    "vecdb.proto": 1,
    "vecdb.storage": 1,
    "vecdb.client": 2,
    "vecdb.index": 2,
    "vecdb.collection": 3,
    "vecdb.database": 4,
    "vecdb.door": 4,
    "vecdb": 4,  # the package itself; its modules need a line of their own
    "vecdb.server": 5,
    "vecdb.cli": 6,
    "vecdb.bench": 7,
}
# What a client may import of vecdb beside tier 0 and itself, so that it works without the engine.
CLIENT_MAY = ["vecdb.client", "vecdb.exchange", "vecdb.proto"]
GRPC_HOMES = ["vecdb.proto", "vecdb.client", "vecdb.server", "vecdb.bench", "tests"]
# Imported module -> where it may be: modules and folders by prefix.
HOMES = {
    "orjson": [
        "vecdb.json_orjson",
        "vecdb.exchange",
        "vecdb.storage",
        "vecdb.collection",
        "vecdb.server",
        "vecdb.bench",
        "demo",
        "tests",
    ],
    "rocksdict": ["vecdb.storage.key_value"],
    "faiss": ["vecdb.bench", "tests"],
    "hnswlib": ["vecdb.bench", "tests"],
    "grpc": GRPC_HOMES,
    "google.protobuf": GRPC_HOMES,
    "pyarrow": ["vecdb.bench", "vecdb.exchange.parquet", "demo", "tests"],
    "pickle": [],
    "cPickle": [],
    "dill": [],
    "cloudpickle": [],
    "shelve": [],
    "marshal": [],
}


def test_every_module_has_a_tier() -> None:
    assert [name for name in sorted(module_names()) if tier_of(name) is None] == []


def test_imports_run_downwards() -> None:
    wrong = []
    for path in source_files(".py", ".pyx", ".pxd"):
        name = module_name(path)
        if name.split(".")[0] == "vecdb":
            wrong += [f"{name} imports {target}" for target in upward(name, imports_of(path))]
    assert wrong == []


def test_the_client_does_without_the_engine() -> None:
    wrong = []
    for path in source_files(".py"):
        name = module_name(path)
        if is_inside(name, ["vecdb.client", "vecdb.proto"]):
            wrong += [f"{name} imports {target}" for target in engine_parts(imports_of(path))]
    assert wrong == []


def test_modules_are_imported_where_they_belong() -> None:
    wrong = []
    for path in source_files(".py", ".pyx"):
        wrong += [f"{module_name(path)} imports {target}" for target in homeless(module_name(path), imports_of(path))]
    assert wrong == []


def test_nothing_runs_or_unpacks_foreign_text() -> None:
    wrong = [f"{path.relative_to(ROOT)}:{found}" for path in source_files(".py") for found in dangers(path.read_text())]
    assert wrong == []


def test_no_build_is_tied_to_this_machine() -> None:
    flag = "-march=" + "native"  # in two parts: this file is searched as well
    files = source_files(".py", ".toml", ".cfg", ".sh", ".cpp", ".h", ".pyx", ".pxd")
    files += [ROOT / "Makefile", *(ROOT / ".ci").iterdir()]
    assert [str(path.relative_to(ROOT)) for path in files if flag in path.read_text()] == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("vecdb.storage.journal", "from vecdb import limits", set()),
        ("vecdb.storage.journal", "from vecdb import connect", {"vecdb"}),
        ("vecdb.storage.journal", "from vecdb.index.flat import Flat", {"vecdb.index.flat"}),
        ("vecdb.storage.journal", "from ..index import flat", {"vecdb.index"}),
        ("vecdb.storage.journal", "def f():\n    import vecdb.collection.writer", {"vecdb.collection.writer"}),
        ("vecdb.storage.journal", "from . import manifest", set()),
        ("vecdb.native.flat", "import vecdb.errors", {"vecdb.errors"}),
        ("vecdb.native.flat", "from vecdb.native import kernels", set()),
        ("vecdb.database", "from vecdb.collection.collection import Collection\nimport numpy", set()),
    ],
)
def test_upward_imports_are_found(name: str, text: str, expected: set[str]) -> None:
    modules = {"vecdb.limits", "vecdb.native.kernels"}
    assert set(upward(name, python_imports(text, name.rpartition(".")[0], modules))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from vecdb import limits\nfrom vecdb.errors import Error\nimport vecdb.filters.parser", set()),
        ("from vecdb.proto.v1 import points_pb2\nfrom vecdb.exchange.files import export\nimport grpc", set()),
        ("def f():\n    from vecdb.storage.disk import disk_error", {"vecdb.storage.disk"}),
        ("from vecdb import connect", {"vecdb"}),
        ("import vecdb.native.kernels", {"vecdb.native.kernels"}),
        ("from vecdb.collection.collection import Collection", {"vecdb.collection.collection"}),
        ("from vecdb.server import gate", {"vecdb.server"}),
    ],
)
def test_engine_parts_are_found(text: str, expected: set[str]) -> None:
    assert set(engine_parts(python_imports(text, "vecdb.client", {"vecdb.limits"}))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from vecdb.native.rows cimport Rows, Page", {"vecdb.native.rows"}),
        ("from . cimport rows", {"vecdb.native.rows"}),
        ("from .rows cimport Rows  # its pages", {"vecdb.native.rows"}),
        ("from vecdb.errors import Error", {"vecdb.errors"}),
        ("import numpy as np\ncimport cython", {"numpy", "cython"}),
        ("cdef extern from 'kernels.h':\n    int f()", set()),
    ],
)
def test_cython_imports_are_read(text: str, expected: set[str]) -> None:
    assert cython_imports(text, "vecdb.native", {"vecdb.native.rows"}) == expected


@pytest.mark.parametrize(
    ("name", "target", "allowed"),
    [
        ("vecdb.storage.key_value", "rocksdict", True),
        ("vecdb.storage.journal", "rocksdict", False),
        ("vecdb.bench.peers", "faiss", True),
        ("tests.index.test_flat", "hnswlib", True),
        ("vecdb.index.flat", "faiss.contrib", False),
        ("vecdb.server", "google.protobuf.message", True),
        ("vecdb.database", "grpc", False),
        ("vecdb.exchange.files", "google.protobuf.message", False),
        ("vecdb.client.calls", "orjson", False),
        ("vecdb.proto.convert", "orjson", False),
        ("vecdb.payload", "orjson", False),
        ("vecdb.client.calls", "rocksdict", False),
        ("tests.index.test_flat", "pickle", False),
        ("vecdb.index.flat", "pickletools_of_ours", True),
    ],
)
def test_homes_are_kept(name: str, target: str, allowed: bool) -> None:
    assert (list(homeless(name, [target])) == []) == allowed


@pytest.mark.parametrize(
    "text",
    ["eval(x)", "exec(x)", "yaml.load(f)", "run(c, shell=True)", "np.load(f, allow_pickle=True)", "run(shell=s)"],
)
def test_dangers_are_found(text: str) -> None:
    assert dangers(text) != []
    assert dangers("re.compile(x); yaml.safe_load(f); run(c, shell=False); np.load(f)") == []


def test_the_folders_are_there() -> None:
    """The walks above would be happy with nothing to walk."""
    assert {path.relative_to(ROOT).parts[0] for path in source_files(".py")} >= set(CODE_FOLDERS)
    assert "vecdb.errors" in module_names()
    assert imports_of(Path(__file__)) >= {"tests.house.source_tree", "pytest", "ast"}


def tier_of(name: str) -> int | None:
    """The tier of a module of vecdb, by the longest prefix named in TIERS."""
    if name == "vecdb":
        return TIERS[name]
    prefixes = [tier for tier in TIERS if tier != "vecdb" and is_inside(name, [tier])]
    return TIERS[max(prefixes, key=len)] if prefixes else None


def upward(name: str, targets: Iterable[str]) -> Iterable[str]:
    """The imports of a module that are above it, or in no tier at all."""
    tier = tier_of(name)
    assert tier is not None, name
    for target in sorted(targets):
        if is_inside(target, ["vecdb"]):
            target_tier = tier_of(target)
            if target_tier is None or target_tier > tier:
                yield target


def engine_parts(targets: Iterable[str]) -> Iterable[str]:
    """The imports that a client would not have, or should do without: all of vecdb but tier 0 and CLIENT_MAY."""
    for target in sorted(targets):
        if is_inside(target, ["vecdb"]) and tier_of(target) != 0 and not is_inside(target, CLIENT_MAY):
            yield target


def homeless(name: str, targets: Iterable[str]) -> Iterable[str]:
    """The imports of a module that HOMES does not allow it."""
    for target in sorted(targets):
        for module, homes in HOMES.items():
            if is_inside(target, [module]) and not is_inside(name, homes):
                yield target


def dangers(text: str) -> list[str]:
    """Line number and kind of each call that would run text as code, unpickle, or start a shell."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in ("eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen"):
            found.append(f"{node.lineno}: {called}")
        for keyword in node.keywords:
            is_off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg in ("shell", "allow_pickle") and not is_off:
                found.append(f"{node.lineno}: {keyword.arg}=")
    return found


def is_inside(name: str, prefixes: list[str]) -> bool:
    """Whether a dotted name is one of the prefixes or below it."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)
