"""Ctrl-C during a call: it ends soon here, and on the server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client.served import scripted

PROGRAM = """
import os, signal, sys, threading, time
import numpy as np
import vecdb

calls = {
    "Search": lambda: docs.search([1.0, 2.0]),
    "Verify": lambda: docs.verify(),
    "Scan": lambda: list(docs.scan()),
    "SearchStream": lambda: list(docs.search_stream([[1.0, 2.0]])),
    "Write": lambda: docs.upsert(range(2000), np.ones((2000, 2)), progress=lambda *_: None),
}
with vecdb.connect(sys.argv[1]) as db:
    docs = db["docs"]
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    try:
        calls[sys.argv[2]]()
    except KeyboardInterrupt:
        assert time.monotonic() - started < 3
        assert db.collections() == []
        print("interrupted")
"""


@pytest.mark.parametrize("method", ["Search", "Verify", "Scan", "SearchStream", "Write"])
def test_an_interrupt_cancels_the_call(method: str) -> None:
    ended = threading.Event()

    def hang(context: Any) -> None:
        until = time.monotonic() + 20
        while context.is_active() and time.monotonic() < until:
            time.sleep(0.01)
        if time.monotonic() < until:
            ended.set()

    def lone(_request: Any, context: Any) -> Any:
        hang(context)

    def several(_request: Any, context: Any) -> Iterator[Any]:
        hang(context)
        yield from ()

    answer: Callable[[Any, Any], Any] = lone if method in ("Search", "Verify") else several
    with scripted({method: answer, "ListCollections": lambda _request, _context: Nothing()}) as address:
        command = [sys.executable, "-c", PROGRAM, address, method]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
        assert ended.wait(10), "the server was not told"


class Nothing:
    """The empty message of any kind."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        return b""
