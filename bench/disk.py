"""What a folder takes, and what its disk asks for a durable write."""

from __future__ import annotations

import os
import time
from pathlib import Path


def sync_seconds(folder: Path, size_bytes: int, writes: int) -> tuple[float, ...]:
    """Seconds that each of `writes` appends of `size_bytes` followed by fdatasync takes, in a file of its own."""
    block = os.urandom(size_bytes)
    path = folder / "sync-probe"
    seconds = []
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for _ in range(writes):
            started = time.perf_counter()
            os.write(file, block)
            os.fdatasync(file)
            seconds.append(time.perf_counter() - started)
    finally:
        os.close(file)
        path.unlink()
    return tuple(seconds)


def sync(path: Path) -> None:
    """Waits until a file's bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def disk_bytes(folder: Path) -> int:
    """Bytes the files below `folder` occupy; unwritten parts of sparse files take none."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if not path.is_dir())


def file_system(folder: Path) -> str:
    """The kind of file system `folder` is on; "unknown" where the system does not tell."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    place = folder.resolve()
    above = [(len(mount[1]), mount[2]) for mount in mounts if place.is_relative_to(mount[1])]
    return max(above)[1] if above else "unknown"
