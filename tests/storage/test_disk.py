"""write_at against files read back whole; the mapping of errno."""

import errno
import os
import random
from pathlib import Path

import numpy as np
import pytest

from vecdb.errors import Corrupted, Error, StorageFailed, StorageFull
from vecdb.storage.disk import disk_error, flat_bytes, write_at


@pytest.mark.parametrize("at_once", [None, 1, 7, 1000])
def test_every_byte_is_written_whatever_the_kernel_takes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int | None
) -> None:
    generator = random.Random(seed := 3)
    parts = [generator.randbytes(generator.choice([0, 1, 5, 300])) for _ in range(2500)]
    real_pwritev = os.pwritev

    def short_pwritev(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        return os.pwrite(descriptor, b"".join(bytes(buffer) for buffer in buffers[:5])[:at_once], offset)

    monkeypatch.setattr(os, "pwritev", real_pwritev if at_once is None else short_pwritev)
    if at_once is not None:
        parts = parts[:60]
    path = tmp_path / "file"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    written = write_at(descriptor, [memoryview(part) for part in parts], 10)
    os.close(descriptor)
    expected = b"".join(parts)
    assert written == len(expected), f"seed {seed}"
    assert path.read_bytes() == bytes(10) + expected, f"seed {seed}"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EFBIG, StorageFull),
        (errno.ENOENT, Corrupted),
        (errno.EIO, StorageFailed),
        (errno.EACCES, StorageFailed),
    ],
)
def test_errors_of_the_system_become_ours_and_name_the_path(number: int, kind: type[Error]) -> None:
    error = disk_error("/some/file", OSError(number, os.strerror(number)))
    assert type(error) is kind
    assert vars(error)["path"] == "/some/file"


def test_flat_bytes_views_without_copying() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    view = flat_bytes(array)
    assert bytes(view) == array.tobytes()
    array[0, 0] = 7
    assert bytes(view) == array.tobytes()
    assert len(flat_bytes(np.empty((0, 4), np.float32))) == 0
    with pytest.raises(ValueError, match="contiguous"):
        flat_bytes(array[:, ::2])
