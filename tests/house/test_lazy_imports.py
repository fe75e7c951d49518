"""`import vecdb` loads what every program needs and nothing heavier."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = (
    "grpc",
    "google.protobuf",
    "pyarrow",
    "faiss",
    "hnswlib",
    "h5py",
    "matplotlib",
    "pandas",
    "rocksdict",
    "vecdb.native",
    "vecdb.proto",
    "vecdb.client",
    "vecdb.server",
)
# What a client does without: an import of these fails as it would if they were not installed.
ABSENT = ("orjson", "rocksdict", "vecdb.native")
BLOCKER = f"""
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in {ABSENT!r}):
            raise ModuleNotFoundError(f"no module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Absent())
"""


def test_import_leaves_the_heavy_modules_alone() -> None:
    program = f"import sys, vecdb; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"


def test_tier_0_works_without_the_engine_and_without_orjson() -> None:
    program = (
        BLOCKER
        + """
import numpy as np
import vecdb, vecdb.filters, vecdb.hits, vecdb.payload, vecdb.schema
from vecdb.call_checks import check_call
from vecdb.filters import parse_filter, to_text
from vecdb.write_batch import write_batch

schema = vecdb.CollectionSchema(name="docs", vectors={"": vecdb.Vector(2)}, fields={"year": "integer"})
assert vecdb.CollectionSchema.from_json(schema.to_json()) == schema
batch = write_batch(schema, [1, "a"], np.ones((2, 2)), [{"year": 5, "ü": [1.5, None]}, None])
assert [vecdb.payload.decode_payload(text) for text in batch.payloads] == [{"year": 5, "ü": [1.5, None]}, {}]
try:
    write_batch(schema, [1], np.ones((1, 2)), [{1: 2}])
except vecdb.InvalidPayload as error:
    assert "keys that are str" in error.reason, error
else:
    raise AssertionError("a key that is no str was taken")
where = parse_filter('year >= 2000.5 and lang == "\\u00fc" and weight < 1e300')
assert parse_filter(to_text(where)) == where, to_text(where)
check_call(10, None, 0.9, False, None, 1.0)
for name in ("restore", "Database", "Collection"):
    try:
        getattr(vecdb, name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(f"the engine is there: {name}")
"""
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_files_ask_for_orjson_by_name(tmp_path: Path) -> None:
    program = (
        BLOCKER
        + f"""
import vecdb
from vecdb.exchange import files

for suffix in files.SUFFIXES:
    try:
        files.import_(None, None, {str(tmp_path)!r} + "/rows" + suffix, 1000, None)
    except vecdb.InvalidValue as error:
        assert error.argument == "path" and "orjson" in error.expected, error
    else:
        raise AssertionError(suffix)
"""
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_client_works_without_the_engine_and_without_orjson() -> None:
    program = (
        BLOCKER
        + """
import importlib, pkgutil
import vecdb.client, vecdb.proto

for package in (vecdb.client, vecdb.proto):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name != "vecdb.proto.generate":  # a tool of development
            importlib.import_module(module.name)
assert not [name for name in sys.modules if name.startswith(("vecdb.collection", "vecdb.database", "vecdb.index"))]
"""
    )
    subprocess.run([sys.executable, "-c", program], check=True)
