"""Runs one worker; its processes and its folder are gone when it ends, and when the session does.

A script that imports nothing of vecdb, so that it costs little: guard.py LIFE CONNECTION SCRATCH COMMAND...
LIFE is the reading end of a pipe that only the session holds open: when the session ends, by any signal, it is closed.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

PR_SET_CHILD_SUBREAPER = 36


def main(arguments: list[str]) -> int:
    """The worker's exit status, 128 + the signal for one that a signal ended."""
    life, connection, scratch, command = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # processes whose parent ends become ours
    worker = subprocess.Popen(command, pass_fds=(connection,), start_new_session=True)
    os.close(connection)
    select.select([life, os.pidfd_open(worker.pid)], [], [])
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    status = worker.wait()
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.waitpid(-1, 0)
    shutil.rmtree(scratch, ignore_errors=True)
    return status if status >= 0 else 128 - status


def _children() -> list[int]:
    own = str(os.getpid())
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat") as file:
            if file.read().rpartition(")")[2].split()[1] == own:
                found.append(int(name))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
