"""Versions: of libraries, of what they stand on, and of vecdb's code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.runs import versions as module
from vecdb.bench.runs.versions import are_current, code_digest, library_versions


def test_vecdb_has_a_digest_of_its_code_and_others_do_not() -> None:
    own = library_versions("vecdb")
    assert re.fullmatch(r"\d[\w.]*\+[0-9a-f]{8}", own["vecdb"])
    assert own["rocksdict"] != "-"
    other = library_versions("numpy")
    assert "+" not in other["vecdb"]
    assert other["numpy"] == np.__version__
    assert library_versions("nothing-of-that-name")["nothing-of-that-name"] == "-"


def test_what_a_library_stands_on_is_named_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"milvus-lite": "2.5", "pymilvus": "2.6", "grpcio": "1.60"}
    monkeypatch.setattr(module, "version", lambda name: there.get(name, "1"))
    monkeypatch.setitem(sys.modules, "grpc", module)
    assert there.items() <= library_versions("milvus-lite").items()
    monkeypatch.delitem(sys.modules, "grpc")
    assert "grpcio" not in library_versions("milvus-lite")


def test_versions_are_current_until_a_library_or_the_code_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = library_versions("vecdb"), library_versions("numpy")
    assert are_current(own)
    assert are_current(other)
    assert not are_current(other | {"numpy": "0.1"})
    assert not are_current(other | {"Python": "2.7"})
    monkeypatch.setattr(module, "code_digest", lambda: "00000000")
    assert not are_current(own)
    assert are_current(other)


def test_the_digest_is_of_sources_and_native_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest() -> str:
        code_digest.cache_clear()
        return code_digest()

    real = digest()
    assert {name.rpartition(".")[2] for name, _ in module._code()} == {"py", "so"}
    assert not [name for name, _ in module._code() if "/bench/" in name]
    (tmp_path / "own_code").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "PACKAGES", ("own_code",))
    (tmp_path / "own_code/__init__.py").write_text("1")
    first = digest()
    (tmp_path / "own_code/notes.txt").write_text("1")
    assert digest() == first
    (tmp_path / "own_code/native.so").write_bytes(b"1")
    second = digest()
    (tmp_path / "own_code/native.so").write_bytes(b"2")
    assert len({real, first, second, digest()}) == 4
    code_digest.cache_clear()
