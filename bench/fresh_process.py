"""Work in a process of its own: nothing loaded, nothing cached, its memory its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def in_fresh_process(work: Callable[Arguments, Value], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
    """What `work`, a function of a module, returns or raises in a new process."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


def until_killed(work: Callable[Arguments, object], *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
    """Runs `work` in a new process that ends by SIGKILL as it returns; RuntimeError if it ended otherwise."""
    process = get_context("spawn").Process(target=_kill_after, args=(work, *args), kwargs=kwargs)
    process.start()
    process.join()
    if process.exitcode != -signal.SIGKILL:
        raise RuntimeError(f"expected an end by signal {signal.SIGKILL:d}, received status {process.exitcode}")


def resident_bytes() -> int:
    """Memory of this process that is in RAM, mapped files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def _kill_after(work: Callable[..., object], *args: object, **kwargs: object) -> None:
    kept = work(*args, **kwargs)  # as it is: nothing of it may be closed on the way
    os.kill(os.getpid(), signal.SIGKILL)
    del kept
