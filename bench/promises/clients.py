"""Clients: processes that make calls, each on its own, begun at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np

from vecdb.bench.promises.dataset import Ids
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.listener import file_end
from vecdb.bench.promises.setting import K

CALLER: Final = Path(__file__).with_name("caller.py")
LEAD_SECONDS: Final = 0.05  # from the order to the start: enough for every process to read it
WARM_SECONDS: Final = 0.3
STOP_SECONDS: Final = 10
ERROR_BYTES: Final = 2_000

Times = list[list[float]]


class Clients:
    """`count` processes with the caller of a kind (see caller.py), connected and warm; a context manager.

    `python` is the interpreter to run them with, `ef` that of the calls that warm them. RuntimeError, with what the
    process wrote, if one ends by itself.
    """

    def __init__(
        self,
        kind: str,
        options: Mapping[str, Any],
        count: int = 1,
        *,
        python: Path | None = None,
        warm: bool = True,
        ef: int | None = None,
    ) -> None:
        self.kind = kind
        self._processes: list[_Process] = []
        try:
            self._processes += [_Process(kind, options, python) for _ in range(count)]
            for process in self._processes:
                process.answer()
            if warm:
                self.times(WARM_SECONDS, ef=ef)
        except BaseException:
            self.close()
            raise

    def times(self, seconds: float, *, ef: int | None = None, processes: int | None = None, threads: int = 1) -> Times:
        """Seconds of each call by client, each client calling one after the other: all processes, or the first ones."""
        chosen = self._processes[:processes]
        start = time.monotonic() + LEAD_SECONDS
        order = {"do": "times", "start": start, "seconds": seconds, "threads": threads, "ef": ef}
        for number, process in enumerate(chosen):
            process.order({**order, "first": 257 * number})
        return [times for process in chosen for times in process.answer()["times"]]

    def found(self, queries: int, *, ef: int | None = None) -> Ids:
        """The ids (queries, K) that the first process finds for its first queries; what is missing is -1."""
        lists = self._ask({"do": "found", "queries": queries, "ef": ef})["found"]
        found = np.full((len(lists), max(map(len, lists), default=0)), -1, np.int64)
        for row, ids in zip(found, lists, strict=True):
            row[: len(ids)] = ids
        return found

    def load(self, rows: Path) -> int:
        """Fills the server with the rows of an .npy file; how many."""
        count: int = self._ask({"do": "load", "rows": str(rows)})["rows"]
        return count

    def tune(self, ef: int) -> bool:
        """Sets ef for the searches that follow; whether the server has to be started again."""
        restart: bool = self._ask({"do": "tune", "ef": ef})["restart"]
        return restart

    def close(self) -> None:
        """Ends the processes."""
        for process in self._processes:
            process.close()
        self._processes.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        self._processes[0].order(order)
        return self._processes[0].answer()


def rate(times: Times) -> float:
    """Calls a second of all clients together."""
    return sum(len(each) / sum(each) for each in times)


def percentile(times: Times, share: float) -> float:
    """The time in seconds that this share of all calls did not exceed."""
    return float(np.quantile(np.concatenate([np.asarray(each) for each in times]), share))


class _Process:
    def __init__(self, kind: str, options: Mapping[str, Any], python: Path | None) -> None:
        self._kind = kind
        self._errors: IO[bytes] = TemporaryFile()  # noqa: SIM115
        # -P: the folder of the script, with names such as report, is no place to import from.
        whole = json.dumps({"collection": COLLECTION, "k": K, **options})
        command = [str(python or sys.executable), "-P", str(CALLER), kind, whole]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def order(self, order: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # answer() tells why
            self._process.stdin.write(json.dumps(dict(order)) + "\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(STOP_SECONDS)
            status, errors = self._process.returncode, file_end(self._errors, ERROR_BYTES)
            raise RuntimeError(f"client {self._kind!r} ended with status {status}: {errors}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
