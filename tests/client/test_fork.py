"""A process that forks with an open connection: the child is refused, and leaves the parent's calls alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.client.served import served

PROGRAM = """
import asyncio, gc, os, sys, time
import numpy as np
import vecdb

address, ending, streams = sys.argv[1], sys.argv[2], sys.argv[3] == "streams"
db = vecdb.connect(address)
docs = db.create_collection(ending + sys.argv[3], dimension=2)
docs.upsert(ids=range(100), vectors=np.ones((100, 2)))
other = vecdb.connect_async(address)

async def names():
    return await other.collections()

asyncio.run(names())
scan, hits = iter(()), iter(())
if streams:
    scan = docs.scan(batch=1)
    hits = docs.search_stream([[1.0, 2.0]] * 5000)
    next(scan), next(hits)
child = os.fork()
if child == 0:
    attempts = [docs.count, db.collections, docs.scan, lambda: docs.search([1.0, 2.0]), lambda: asyncio.run(names())]
    for attempt in attempts + [lambda: list(scan), lambda: list(hits)] * streams:
        try:
            attempt()
        except vecdb.Forked as error:
            assert address in error.what
        else:
            os._exit(1)
    db.close()
    scan = hits = None
    del db, docs, other
    gc.collect()
    time.sleep(0.1)  # time in which something might be sent
    os._exit(7) if ending == "at-once" else sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7, status
assert docs.count() == 100 and asyncio.run(names())
if streams:
    assert sum(1 for _ in scan) == 99
    assert sum(1 for _ in hits) == 4999
db.close()
print("both ended")
"""


@pytest.mark.parametrize("ending", ["at-once", "orderly"])
@pytest.mark.parametrize("streams", ["streams", "calls"])
def test_a_forked_child_is_refused_and_harms_nobody(ending: str, streams: str) -> None:
    with served() as there:
        command = [sys.executable, "-c", PROGRAM, there.address, ending, streams]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "both ended\n"), done.stderr
    said = [line for line in done.stderr.splitlines() if "skipping fork() handlers" not in line]
    assert said == [], done.stderr
