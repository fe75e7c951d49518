"""What `import vecdb` takes in a new interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final

from vecdb.bench.promises.lap import Lap, time_reading
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import Setting

TIMED_IMPORT: Final = """
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
import vecdb
print(perf_counter() - wall, process_time() - cpu)
"""
# -X importtime: "import time: self [us] | cumulative | imported package", a line a module, nested by spaces.
IMPORT_LINE: Final = re.compile(r"^import time:\s*(\d+) \|\s*(\d+) \| *(\S+)$", re.MULTILINE)


def import_time(setting: Setting) -> list[Result]:
    """Seconds of the import, median and minimum, and the share that numpy has of it."""
    laps = [Lap(*map(float, run_python("-c", TIMED_IMPORT).stdout.split())) for _ in range(setting.imports)]
    reading = time_reading(laps)
    shares = []
    for _ in range(setting.repetitions):
        cumulative = cumulative_seconds(run_python("-X", "importtime", "-c", "import vecdb").stderr)
        shares.append(100 * cumulative.get("numpy", 0.0) / cumulative["vecdb"])
    target = Target(0.15, is_floor=False)
    return [
        Result(measure=f"import vecdb, median of {len(laps)}", ours=reading, target=target),
        Result(measure=f"import vecdb, minimum of {len(laps)}", ours=Reading((min(reading.values),), "s")),
        Result(measure="import vecdb, the share of numpy", ours=Reading(tuple(shares), "%")),
    ]


def cumulative_seconds(report: str) -> dict[str, float]:
    """Seconds by module, what it imports included, of the report of -X importtime."""
    return {name: int(cumulative) / 1e6 for _, cumulative, name in IMPORT_LINE.findall(report)}


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A new interpreter that must succeed."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
