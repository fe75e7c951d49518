"""The native core under the sanitizers: stress.cpp, compiled with the core's own sources, must run without a report."""

import os
import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vecdb.native import kernels

ROOT = Path(__file__).parents[2]
UNITS = sorted(path for path in (ROOT / "native").glob("*.cpp") if not path.stem.startswith("kernels_"))
# Every level's table is linked, since dispatch names them all; those run that walk a graph in ways of their own.
LEVELS = ["baseline", *sorted({"avx2", "avx512"} & set(kernels.levels()))]
AVX2_FLAGS = "-mavx2 -mfma -mf16c -mbmi -mbmi2 -mpopcnt"
LEVEL_FLAGS = {
    "kernels_baseline.cpp": "",
    "kernels_avx2.cpp": AVX2_FLAGS,
    "kernels_avx512.cpp": f"-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni {AVX2_FLAGS}",
}


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
def test_nothing_is_reported(sanitizer: str, tmp_path: Path) -> None:
    program = compiled(sanitizer, tmp_path)
    for level in LEVELS:
        process = run(program, level)
        report = f"{level}: {process.stderr[:6_000]}"
        assert process.returncode == 0, report
        assert process.stdout.split()[-1] == "done", report
        assert "WARNING" not in process.stderr, report
        assert "runtime error" not in process.stderr, report


def compiled(sanitizer: str, folder: Path) -> Path:
    """The program, compiled into a folder."""
    common = [
        "-std=c++17",
        "-O1" if sanitizer == "thread" else "-O0",
        "-g1",
        "-pthread",
        f"-fsanitize={sanitizer}",
        "-fno-omit-frame-pointer",
        f"-I{ROOT / 'native'}",
    ]
    sources = dict.fromkeys([*UNITS, Path(__file__).with_name("stress.cpp")], "")
    for name, flags in LEVEL_FLAGS.items():
        sources[ROOT / "native" / name] = flags if platform.machine() in ("x86_64", "AMD64") else ""

    def compile_one(source: Path) -> str:
        target = str(folder / f"{source.stem}.o")
        call([*compiler(), *common, *sources[source].split(), "-c", str(source), "-o", target])
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, sources))
    program = folder / "stress"
    call([*compiler(), *common, *objects, "-o", str(program)])
    return program


def compiler() -> list[str]:
    return os.environ.get("CXX", "c++").split()


def run(program: Path, level: str) -> subprocess.CompletedProcess[str]:
    """Runs the program at a level; where the sanitizer finds the address space laid out too randomly, without that."""
    environment = {
        **os.environ,
        "VECDB_ISA": level,
        "TSAN_OPTIONS": "halt_on_error=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }

    def start(*prefix: str) -> subprocess.CompletedProcess[str]:
        command = [*prefix, str(program)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    process = start()
    if "unexpected memory mapping" in process.stderr and shutil.which("setarch"):
        process = start("setarch", platform.machine(), "-R")
    return process


def call(command: list[str]) -> None:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[:6_000]
