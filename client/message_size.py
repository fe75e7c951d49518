"""Which rows go into one message: a call above the server's message limit is cut into several."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.errors import LimitExceeded

MESSAGE_BYTES: Final = "MESSAGE_BYTES"
ROW_BYTES: Final = 16  # what a row costs beside its own bytes: lengths, tags, separators


def cut(row_bytes: npt.NDArray[np.int64], message_bytes: int) -> list[slice]:
    """Slices of at most `message_bytes` that hold all rows in order, each as long as it can be; one at least.

    LimitExceeded for a row that is larger by itself.
    """
    check_size(int(row_bytes.max(initial=0)), message_bytes)
    ends = np.cumsum(row_bytes)
    slices, first = [], 0
    while first < len(row_bytes):
        before = int(ends[first - 1]) if first else 0
        last = int(np.searchsorted(ends, before + message_bytes, side="right"))
        slices.append(slice(first, last))
        first = last
    return slices or [slice(0, 0)]


def check_size(size: int, message_bytes: int) -> None:
    """LimitExceeded for what no message may hold."""
    if size > message_bytes:
        raise LimitExceeded(limit=MESSAGE_BYTES, maximum=message_bytes, received=size)


def halves(some: slice, error: LimitExceeded) -> list[slice]:
    """The two halves of rows whose answer is too large for one message; raises any other error, or if it is one row."""
    if error.limit != MESSAGE_BYTES or some.stop - some.start < 2:
        raise error
    middle = (some.start + some.stop) // 2
    return [slice(some.start, middle), slice(middle, some.stop)]
