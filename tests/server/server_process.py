"""A `vecdb serve` process of its own: started on a free port, signalled, killed, measured from outside."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0


class ServerProcess:
    """Runs from the constructor on, when it serves; ends with the block, killed if nothing else has ended it."""

    def __init__(self, data: Path | str, *flags: str, metrics: bool = False) -> None:
        command = [sys.executable, "-m", "vecdb.cli", "serve", "--data", str(data), "--port", "0", *flags]
        self.metrics_port = free_port() if metrics else 0
        command += ["--metrics-port", str(self.metrics_port)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.lines: list[str] = []  # of its standard error
        self._serves = threading.Event()
        self.port = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._serves.wait(START_SECONDS) or not self.port:
            self.kill()
            raise AssertionError(f"the server did not start: {self.errors}")

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def errors(self) -> str:
        """What it has written to its standard error."""
        return "".join(self.lines)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_seconds: float) -> int:
        """Its exit status; negative: the signal that ended it."""
        status = self.process.wait(timeout_seconds)
        self._reader.join(5)
        return status

    def kill(self) -> None:
        """SIGKILL; nothing if it has ended."""
        self.process.kill()
        self.wait(10)

    def resident_bytes(self) -> int:
        return self._status("VmRSS") * 1024

    def threads(self) -> int:
        return self._status("Threads")

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def held(self) -> dict[str, int]:
        """The calls at work or waiting, by lane, as its metrics say; they must be on."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as page:
            text = page.read().decode()
        found = re.findall(r'^vecdb_lane_calls\{lane="(\w+)"\} (\S+)$', text, re.MULTILINE)
        assert found, text
        return {lane: int(float(count)) for lane, count in found}

    def idle(self) -> bool:
        return not any(self.held().values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.kill()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.append(line)
                if match := re.match(r"vecdb serves .* at \S*:(\d+) \(pid \d+\)", line):
                    self.port = int(match[1])
                    self._serves.set()
        self._serves.set()

    def _status(self, name: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
        assert match, text
        return int(match[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
