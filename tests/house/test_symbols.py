"""Instruction-set code lives alone: the linker sees one table of each level and nothing it could share with others.

A weak symbol (an inline function, a template) compiled with AVX-512 may be the copy the linker keeps for everybody, and
is then an illegal instruction on a lesser machine.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import pytest

from tests.house.source_tree import ROOT

BUILD = ROOT / "build" / "native"
LEVELS = ("baseline", "avx2", "avx512")
# What a compiler may call by itself in code without a library: copies, and the checks of a hardened or sanitized build.
COMPILER_CALLS = ("memcpy", "memset", "memmove", "memcmp", "strcmp", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail")
SANITIZER_CALLS = ("__asan_", "__tsan_", "__ubsan_")


@dataclass(frozen=True, slots=True)
class Symbol:
    """One line of nm: a name, and the letter of its kind (capital: external; U: undefined; V, W, u: weak or unique)."""

    kind: str
    name: str


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_shows_its_table_and_nothing_else(level: str) -> None:
    symbols = read_symbols(level)
    defined = [symbol.name for symbol in symbols if symbol.kind.isupper() and symbol.kind not in "UVW"]
    own = [name for name in defined if not name.startswith(SANITIZER_CALLS)]
    assert own in ([f"vecdb::kernels_{level}"], []), "one external symbol: the level's table"
    assert own or level != "baseline"


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_has_no_weak_symbol(level: str) -> None:
    weak = [symbol.name for symbol in read_symbols(level) if symbol.kind in "VWvwu"]
    assert [name for name in weak if not name.startswith(SANITIZER_CALLS)] == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_calls_no_library(level: str) -> None:
    called = {symbol.name for symbol in read_symbols(level) if symbol.kind == "U"}
    foreign = {name for name in called if not name.startswith(SANITIZER_CALLS)}
    assert foreign <= {*COMPILER_CALLS, *(symbol.name for symbol in read_symbols(level) if symbol.kind != "U")}


def test_no_other_unit_is_compiled_for_an_instruction_set() -> None:
    flags = (BUILD / "native.flags").read_text().split()
    assert [flag for flag in flags if flag.startswith("-m")] == []


def read_symbols(level: str) -> list[Symbol]:
    """What nm says of one level's library."""
    archive = BUILD / f"libkernels_{level}.a"
    assert archive.exists(), f"{archive} is missing: run make native"
    output = subprocess.run(["nm", "--demangle", str(archive)], check=True, capture_output=True, text=True).stdout
    symbols = []
    for line in output.splitlines():
        # "0000000000000000 D name", or "                 U name"; lines that name the members end in a colon.
        kind, _, name = line[17:].partition(" ")
        if line and not line.endswith(":") and len(kind) == 1:
            symbols.append(Symbol(kind, name))
    return symbols
