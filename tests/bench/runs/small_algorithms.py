"""Algorithms for tests of the runner: exact ones, and ones that go wrong in each of the ways that libraries do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints
from vecdb.bench.algorithms.capabilities import Concurrent
from vecdb.bench.datasets.dataset import Metric


class Exact(Algorithm):
    """Brute force."""

    library: ClassVar[str] = "numpy"

    def __init__(self, metric: Metric, threads: int, setting: Any = None) -> None:
        super().__init__(metric, threads)
        self.setting = setting

    def fit(self, X: Floats) -> None:
        self.rows = X.copy()

    def set_query_arguments(self, *arguments: Any) -> None:
        self.arguments = arguments

    def query(self, q: Floats, k: int) -> Ints:
        assert self.metric == "euclidean"
        return cast(Ints, np.argsort(((self.rows - q) ** 2).sum(axis=1))[:k])

    def index_bytes(self) -> int | None:
        return self.rows.nbytes


class Slow(Exact):
    """`setting` is the seconds of a query."""

    def query(self, q: Floats, k: int) -> Ints:
        time.sleep(self.setting)
        return super().query(q, k)


class Crashing(Exact):
    """Its process ends while it builds, as with a fault in native code."""

    def fit(self, X: Floats) -> None:  # noqa: ARG002
        print("about to crash", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)


class Raising(Exact):
    """Raises for one group of query arguments, and returns rows that do not exist for another."""

    def query(self, q: Floats, k: int) -> Ints:
        if self.arguments == ("raise",):
            raise ValueError("no such argument")
        return super().query(q, k) + (10**6 if self.arguments == ("lie",) else 0)


class RaisingFor(Exact):
    """Raises where it was built with "bad"."""

    def query(self, q: Floats, k: int) -> Ints:
        if self.setting == "bad":
            raise ValueError("built with bad")
        return super().query(q, k)


class Hanging(Exact):
    """Builds without end."""

    def fit(self, X: Floats) -> None:  # noqa: ARG002
        time.sleep(3600)


class Absent(Exact):
    """Its library is not there."""

    def __init__(self, metric: Metric, threads: int) -> None:  # noqa: ARG002
        raise ImportError("No module named 'absent'")


class WithServer(Slow):
    """Has a process of its own that outlives it if nobody ends it; `setting` is the file for the two process ids."""

    def fit(self, X: Floats) -> None:
        super().fit(X)
        server = subprocess.Popen(["sleep", "3600"], start_new_session=True)
        Path(self.setting).write_text(f"{os.getpid()} {server.pid} {os.environ['TMPDIR']}")

    def query(self, q: Floats, k: int) -> Ints:
        time.sleep(0.002)
        return Exact.query(self, q, k)


class Rival(Exact):
    """Each query says who lives beside it: `setting` is a folder for process ids, and for those found running."""

    def fit(self, X: Floats) -> None:
        super().fit(X)
        (Path(self.setting) / f"{os.getpid()}.pid").touch()

    def query(self, q: Floats, k: int) -> Ints:
        for other in Path(self.setting).glob("*.pid"):
            if other.stem != str(os.getpid()):
                with suppress(FileNotFoundError):
                    state = Path(f"/proc/{other.stem}/stat").read_text().rpartition(")")[2].split()[0]
                    (Path(self.setting) / f"{state}.state").touch()
        return super().query(q, k)


class Threaded(Exact, Concurrent):
    """May be asked by several threads."""
