"""What this process and its children use: an algorithm may be a server of its own, or start one."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """The live processes below `pid`, itself left out."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def runs(pid: int) -> bool:
    """Whether a process is there and neither stopped nor over."""
    return (fields := _stat(pid)) is not None and fields[0] not in "TtZX"


def cpu_seconds(below: list[int]) -> float:
    """CPU time so far of this process, all its threads, its ended children, and the processes `below` it."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = sum(int(ticks) for pid in below if (fields := _stat(pid)) is not None for ticks in fields[11:15])
    return time.process_time() + ended.ru_utime + ended.ru_stime + ticks / TICKS


def resident_bytes() -> int:
    """Memory in RAM of this process and those below it, mapped files included."""
    return _sum_of("VmRSS")


def peak_bytes() -> int:
    """The most that each of them has had in RAM, since reset_peak() for this process, added up."""
    return _sum_of("VmHWM")


def reset_peak() -> None:
    """Lets the peak of this process begin again, where the system allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def give_back_memory() -> None:
    """Returns what is free but held by the interpreter and the C library, so that resident means used."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim is not None:
        trim(0)


def _sum_of(field: str) -> int:
    return sum(_status_bytes(pid, field) for pid in [os.getpid(), *descendants(os.getpid())])


def _status_bytes(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0  # it has just ended
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the name: state, parent, ...; None for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
