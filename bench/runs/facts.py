"""The machine that figures belong to, and how many indexes it holds at once."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import Final

from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.disk import file_system
from vecdb.bench.promises.facts import cpu_model, memory_bytes

WORKER_BYTES: Final = 250 << 20  # an interpreter with a large library, and its buffers
INDEX_RATIO: Final = 1.6  # an index by its float32 rows: a copy and links
BUILD_RATIO: Final = 3.0  # more while it is built: the rows that are read, and what building needs
MEMORY_SHARE: Final = 0.8  # of what is available


def machine_facts() -> dict[str, str]:
    """What a reader needs to judge the figures: by name, in order of print. The disk is that of temporary files."""
    return {
        "CPU": cpu_model(),
        "cores": f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}",
        "memory": f"{memory_bytes() / 2**30:.1f} GiB",
        "disk": file_system(Path(tempfile.gettempdir())),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
    }


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def indexes_at_once(dataset: Dataset) -> int:
    """How many workers with an index of the data set fit into the memory that is available, one being built."""
    rows = dataset.train.nbytes
    room = MEMORY_SHARE * _available_bytes() - BUILD_RATIO * rows
    return max(1, int(room / (WORKER_BYTES + INDEX_RATIO * rows + dataset.test.nbytes)))


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return memory_bytes()
