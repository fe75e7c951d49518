"""Listener: a server as a process of its own, on a port of this machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Final, Self

from vecdb.bench.promises.setting import THREADS

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.02
OUTPUT_BYTES: Final = 2_000
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TICKS: Final = os.sysconf("SC_CLK_TCK")
_SAYS_PORT: Final = re.compile(rf"at {HOST}:([0-9]+)")


def vecdb_server(data: Path, *settings: str) -> Listener:
    """`vecdb serve` for a folder, as it is set by default."""
    command = ["-m", "vecdb.cli", "serve", "--data", str(data), "--port", "0", "--threads", str(THREADS), *settings]
    return Listener([sys.executable, *command])


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def file_end(file: IO[bytes], count: int) -> str:
    """The last bytes of a file that a child writes to: the position, which it shares, stays."""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), count, max(0, size - count)).decode(errors="replace")


class Listener:
    """A server process that takes connections at `address`; a context manager. Its end is SIGTERM.

    Without `port` the server takes one itself and says "at 127.0.0.1:PORT". RuntimeError, with what it wrote, if it
    ends or does not listen in time.
    """

    def __init__(self, command: Sequence[str], port: int | None = None) -> None:
        self._output: IO[bytes] = TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output)
        try:
            self.address = f"{HOST}:{self._said_port() if port is None else self._open_port(port)}"
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def resident_bytes(self) -> int:
        """Its memory that is in RAM, mapped files included."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self) -> None:
        """Ends it, and waits until it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _said_port(self) -> int:
        for _ in self._waiting():
            said = _SAYS_PORT.search(self._written())
            if said is not None:
                return int(said[1])
        raise AssertionError("waiting ends by an error")

    def _open_port(self, port: int) -> int:
        for _ in self._waiting():
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    return port
        raise AssertionError("waiting ends by an error")

    def _waiting(self) -> Iterator[None]:
        """A step a try, until it takes too long or the process ends."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            yield
            time.sleep(POLL_SECONDS)
        status = self._process.poll()
        raise RuntimeError(f"no server after {START_SECONDS:.0f} s, status {status}: {self._written()}")

    def _written(self) -> str:
        return file_end(self._output, OUTPUT_BYTES)
