"""WorkerProcess: a worker as the session sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from types import TracebackType
from typing import IO, Final, Self

from vecdb.bench.promises.listener import file_end
from vecdb.bench.runs.messages import Close, Command, Failed, Reply
from vecdb.bench.runs.process_tree import descendants, runs

GUARD: Final = Path(__file__).with_name("guard.py")
CLOSE_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 1.0  # to wait for a process that the disk keeps from stopping
OUTPUT_BYTES: Final = 2_000
# What each library's threads are told by, in the worker's environment before anything is loaded.
THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TBB_NUM_THREADS",
    "LANCE_CPU_THREADS",
    "VECDB_THREADS",
)


class WorkerFailed(Exception):  # noqa: N818
    """A command was not done: `why`, in a line, `detail`, and whether the worker still `lives` and takes commands."""

    def __init__(self, why: str, detail: str, *, lives: bool) -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail
        self.lives = lives


class WorkerProcess:
    """A process for one algorithm, which is told to use `threads` threads; a context manager.

    Its temporary files lie in `scratch`. When it is closed, and when this process ends in whatever way, the worker, all
    that it started and that folder are gone: see guard.py.
    """

    def __init__(self, threads: int) -> None:
        self.scratch = Path(mkdtemp(prefix="vecdb-bench-"))
        self._output: IO[bytes] = TemporaryFile()  # noqa: SIM115
        ours, theirs = socket.socketpair()
        life, self._life = os.pipe()
        connection = str(theirs.fileno())
        worker = [sys.executable, "-m", "vecdb.bench.runs.worker", connection]
        self._guard = subprocess.Popen(
            [sys.executable, "-I", str(GUARD), str(life), connection, str(self.scratch), *worker],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env=_environment(threads, self.scratch),
            pass_fds=(life, theirs.fileno()),
            start_new_session=True,  # what is typed at the terminal reaches the session alone
        )
        os.close(life)
        theirs.close()
        self._connection: Connection[Command, Reply] = Connection(ours.detach())
        self._paused: list[int] = []

    def ask(self, command: Command, timeout_seconds: float) -> Reply:
        """The reply to a command; WorkerFailed for an exception there, if it ends, and if it takes too long.

        A worker that is paused goes on.
        """
        self._resume()
        try:
            self._connection.send(command)
            if not self._connection.poll(timeout_seconds):
                self.kill()
                raise WorkerFailed(f"no answer within {timeout_seconds:g} s", self._said(), lives=False)
            reply = self._connection.recv()
        except (EOFError, OSError):
            self.kill()
            raise WorkerFailed(f"its process ended: {self._status()}", self._said(), lives=False) from None
        if isinstance(reply, Failed):
            raise WorkerFailed(reply.why, reply.trace, lives=True)
        return reply

    def pause(self) -> None:
        """Stops its processes until it is asked again or closed: what they do by themselves disturbs nobody's lap."""
        while fresh := [pid for pid in self._processes() if pid not in self._paused]:  # one may just have been started
            for pid in fresh:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            self._paused += fresh
            deadline = time.monotonic() + PAUSE_SECONDS
            while any(map(runs, fresh)) and time.monotonic() < deadline:
                time.sleep(0.0005)

    def _resume(self) -> None:
        for pid in self._paused:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._paused = []

    def _processes(self) -> list[int]:
        """Worker and what it started, in groups of their own or not; the guard must see the session end."""
        return descendants(self._guard.pid) if self._life >= 0 else []

    def kill(self) -> None:
        """Ends it as it is, and waits until everything is gone."""
        if self._life >= 0:
            os.close(self._life)
            self._life = -1
        self._guard.wait()
        self._paused = []

    def close(self) -> None:
        """Lets the algorithm close, then ends the process."""
        if self._life >= 0:
            with suppress(WorkerFailed):
                self.ask(Close(), CLOSE_SECONDS)
            self.kill()
        self._connection.close()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self.kill()  # interrupted: nobody waits for a library to close
        self.close()

    def _said(self) -> str:
        return file_end(self._output, OUTPUT_BYTES).strip()

    def _status(self) -> str:
        status = self._guard.returncode
        if status <= 128:
            return f"status {status}"
        with suppress(ValueError):
            return f"signal {signal.Signals(status - 128).name}"
        return f"signal {status - 128}"


def _environment(threads: int, scratch: Path) -> dict[str, str]:
    """The session's own, with its module path, the number of threads, and a folder for temporary files."""
    modules = os.pathsep.join(os.path.abspath(each) for each in sys.path)
    return os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"PYTHONPATH": modules, "TMPDIR": str(scratch)}
