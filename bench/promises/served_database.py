"""A database with every row and its index, behind a server of its own and open for the embedded door beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import vecdb
from vecdb.bench.fresh_process import in_fresh_process
from vecdb.bench.promises.lap import Lap, Stopwatch
from vecdb.bench.promises.listener import Listener, vecdb_server
from vecdb.bench.promises.reopen import load_and_close
from vecdb.bench.promises.setting import THREADS, Setting


@dataclass(frozen=True, slots=True)
class ServedDatabase:
    """`path` is served at `server.address`; `queries` is an .npy file of the queries."""

    folder: Path
    path: Path
    server: Listener
    queries: Path

    def options(self, select: Sequence[str] | None = None) -> Mapping[str, Any]:
        """What a caller of any kind needs to search it."""
        return {
            "address": self.server.address,
            "path": str(self.path),
            "queries": str(self.queries),
            "select": select,
        }

    def embedded(self) -> vecdb.Database:
        """The same files in this process, read only."""
        return vecdb.connect(self.path, read_only=True, threads=THREADS)

    def remote(self, **options: Any) -> vecdb.Database:
        """A connection from this process."""
        return vecdb.connect(f"grpc://{self.server.address}", **options)


@contextmanager
def served_database(setting: Setting, *settings: str) -> Iterator[ServedDatabase]:
    """A ServedDatabase below the scratch folder, gone afterwards; `settings` are flags of the server."""
    with setting.empty_folder() as folder:
        path = folder / "database"
        in_fresh_process(load_and_close, path, setting)
        queries = save_queries(folder, setting)
        with vecdb_server(path, *settings) as server:
            yield ServedDatabase(folder, path, server, queries)


def save_queries(folder: Path, setting: Setting) -> Path:
    """The queries of a lap as an .npy file in a folder."""
    path = folder / "queries.npy"
    np.save(path, setting.dataset().queries(setting.queries_per_lap))
    return path


def lap_with(server: Listener, work: Callable[[], object]) -> Lap:
    """One call of `work`; CPU seconds of this process and of the server's."""
    before, stopwatch = server.cpu_seconds(), Stopwatch()
    work()
    lap = stopwatch.lap()
    return Lap(lap.wall_seconds, lap.cpu_seconds + server.cpu_seconds() - before)
