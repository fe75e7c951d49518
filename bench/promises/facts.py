"""The machine and the versions that figures belong to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from vecdb.bench.disk import file_system
from vecdb.bench.promises.server_peers import peer_versions
from vecdb.bench.promises.setting import THREADS, Setting
from vecdb.native import kernels

LIBRARIES: Final = ("vecdb", "numpy", "rocksdict", "orjson", "hnswlib", "faiss-cpu", "grpcio", "protobuf")


def machine_facts(setting: Setting) -> dict[str, str]:
    """What a reader needs to run it again: by name, in order of print."""
    dataset = setting.dataset()
    rows, dimension = dataset.train.shape
    peers = ", ".join(f"{name} {found}" for name, found in peer_versions(setting.peer_python).items())
    facts = {
        "CPU": cpu_model(),
        "cores": f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}, {THREADS} threads where several work",
        "kernels": kernels.active(),
        "memory": f"{memory_bytes() / 2**30:.1f} GiB",
        "disk": f"{file_system(setting.scratch)}, for the databases",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{name} {library_version(name)}" for name in LIBRARIES),
        "data": f"{dataset.name}: {rows:,} rows, {dimension} dimensions, {len(dataset.test):,} queries",
        "load at the start": f"{os.getloadavg()[0]:.2f} (another program's work would be in the figures)",
    }
    return facts | ({"other servers": peers} if peers else {})


def cpu_model() -> str:
    """The processor's name as Linux gives it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def memory_bytes() -> int:
    """RAM of the machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def library_version(name: str) -> str:
    """The installed version; "-" if there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"
