"""Running a server until it is told to stop: what `vecdb serve` does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final

from vecdb.server.request_log import log_event
from vecdb.server.server import Server
from vecdb.server.settings import ServerSettings

_KILLED: Final = 130
# The system may give a signal to any thread, and Python runs its handler when the main thread wakes up.
_LOOK_SECONDS: Final = 0.25


def run(settings: ServerSettings) -> int:
    """Serves until SIGTERM or SIGINT, then drains; a second one exits at once. 0, the exit status."""
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if told.is_set():
            os._exit(_KILLED)
        told.set()

    with Server(settings) as server:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, stop)
        address = settings.address if settings.port else settings.address.removesuffix(":0") + f":{server.port}"
        print(f"vecdb serves {settings.data} at {address} (pid {os.getpid()})", file=sys.stderr, flush=True)
        log_event("started", {"address": address, "data": settings.data, "pid": os.getpid()})
        while not told.wait(_LOOK_SECONDS):
            pass
        log_event("draining", {"seconds": settings.drain_seconds})
    log_event("stopped")
    return 0
