"""VECDB_ISA, in a process of its own for each value: the level is chosen once."""

import os
import subprocess
import sys

import pytest

from vecdb.native import kernels


@pytest.mark.parametrize("level", kernels.levels())
def test_a_level_can_be_forced(level: str) -> None:
    assert import_under(level).stdout.split() == [level]


def test_without_it_the_best_level_is_active() -> None:
    assert import_under(None).stdout.split() == import_under("").stdout.split() == [kernels.levels()[-1]]


@pytest.mark.parametrize("value", ["avx1024", "AVX2", "baseline "])
def test_an_unknown_level_is_refused_by_name(value: str) -> None:
    process = import_under(value)
    assert process.returncode == 1
    assert f"ImportError: VECDB_ISA={value!r}: expected one of baseline, avx2, avx512" in process.stderr


def test_levels_are_named_in_order_from_baseline() -> None:
    assert kernels.levels()[0] == "baseline"
    assert kernels.levels() == [level for level in kernels.LEVELS if level in kernels.levels()]
    assert kernels.active() in kernels.levels()


def import_under(value: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if name != "VECDB_ISA"}
    if value is not None:
        environment["VECDB_ISA"] = value
    program = "from vecdb.native import kernels; print(kernels.active())"
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
