"""The process of a cold start: it imports a library, opens what is on disk, and answers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, cast

from vecdb.bench.algorithms.algorithm import padded
from vecdb.bench.algorithms.capabilities import Stored
from vecdb.bench.datasets.dataset import Floats, Ints
from vecdb.bench.runs.process_tree import resident_bytes
from vecdb.bench.workloads.workload import Maker

# What it begins with. Its clock starts before anything is imported, and nothing of ours is imported before the library
# and numpy, which the caller of any of them has: neither is paid for, or had for nothing, because of who measures.
PROGRAM: Final = """
import time
began = time.perf_counter()
import sys
before, paths, packages, pipe = sys.argv[1:]
sys.path[:] = paths.split("\\n")
from importlib import import_module
for package in ["numpy", *packages.split()]:
    import_module(package)
imported = time.perf_counter() - began
from vecdb.bench.workloads.cold_process import go_on
go_on(began - float(before), imported, int(pipe))
"""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What the process is to do: make the algorithm, open a folder, ask queries (nq, d) for `count` each."""

    make: Maker
    folder: Path
    queries: Floats
    count: int
    query_arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ColdAnswer:
    """Seconds of each part, one after the other, ids (nq, k), and the memory of the process and those below it.

    The start is the interpreter's, the import that of numpy, the library and its adapter.
    """

    start_seconds: float
    import_seconds: float
    open_seconds: float
    first_seconds: float
    others_seconds: float
    found: Ints
    resident_bytes: int

    @property
    def to_first_seconds(self) -> float:
        """From the start of the process to the first answer, without what our own modules took in between."""
        return self.start_seconds + self.import_seconds + self.open_seconds + self.first_seconds


def cold_answer(task: Task, packages: Sequence[str], scratch: Path) -> ColdAnswer:
    """Carries out a task in a new process that imports `packages` first; RuntimeError with its last words."""
    words = scratch / "words"
    here, there = Pipe()
    answer: ColdAnswer | None = None
    # A file for what it says: a pipe is open as long as a server that it left behind.
    with words.open("wb") as said:
        before = time.perf_counter()  # the system's monotonic clock, the same in the other process
        places = "\n".join(sys.path), " ".join(packages), str(there.fileno())
        command = [sys.executable, "-c", PROGRAM, repr(before), *places]
        process = subprocess.Popen(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, pass_fds=(there.fileno(),)
        )
        there.close()
        with here, suppress(EOFError, OSError):  # it ended before it had the task, or an answer
            here.send(task)
            answer = here.recv()
        status = process.wait()
    if status or answer is None:
        last = words.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise RuntimeError(f"a process that opens {task.folder} ended with status {status}: {last[0]}")
    return answer


def go_on(start_seconds: float, import_seconds: float, pipe: int) -> None:
    """The rest of the new process: what it took so far is given; it gets its task and sends its answer by a pipe."""
    connection: Connection[ColdAnswer, Task] = Connection(pipe)
    task = connection.recv()
    clock = time.perf_counter
    before = clock()
    algorithm = task.make()
    made = clock()
    try:
        cast(Stored, algorithm).reopen(task.folder)
        algorithm.set_query_arguments(*task.query_arguments)
        opened = clock()
        found: list[Ints] = [algorithm.query(task.queries[0], task.count)]
        first = clock()
        found += [algorithm.query(query, task.count) for query in task.queries[1:]]
        done = clock()
        resident = resident_bytes()
    finally:
        algorithm.close()
    answer = ColdAnswer(
        start_seconds=start_seconds,
        import_seconds=import_seconds + made - before,
        open_seconds=opened - made,
        first_seconds=first - opened,
        others_seconds=done - first,
        found=padded(found, task.count),
        resident_bytes=resident,
    )
    connection.send(answer)
    connection.close()
