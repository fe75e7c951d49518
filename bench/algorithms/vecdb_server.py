"""`vecdb serve` that ends with the process that started it: python -m vecdb.bench.algorithms.vecdb_server PID FLAGS."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

from vecdb import cli
from vecdb.bench.promises.listener import Listener

POLL_SECONDS: Final = 0.5


def start_server(folder: Path | None, threads: int) -> Listener:
    """A server of the database in a folder, or of one in memory, as a child of this process; close() ends it.

    RuntimeError, with what it wrote, if it does not come up.
    """
    data = ":memory:" if folder is None else str(folder)
    flags = ["--data", data, "--port", "0", "--threads", str(threads)]
    return Listener([sys.executable, "-m", "vecdb.bench.algorithms.vecdb_server", str(os.getpid()), *flags])


def main(parent: int, flags: list[str]) -> int:
    """Serves until SIGTERM, or until `parent` is no longer the parent of this process."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    return cli.main(["serve", *flags])


def _end_with(parent: int) -> None:
    """A killed worker stops nothing itself."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
