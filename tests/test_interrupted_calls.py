"""Ctrl-C at any instant of a call: the database goes on, closes without waiting for ever, and checks out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import faulthandler, random, signal, sys, threading, time
import numpy as np
import vecdb

faulthandler.dump_traceback_later(60, exit=True)  # a lock that an interrupt left taken
seed = int(sys.argv[2])
uneven = random.Random(seed)
db = vecdb.connect(sys.argv[1])
docs = db.create_collection("docs", dimension=8)
X = np.random.default_rng(seed).standard_normal((100, 8), dtype=np.float32)
payloads = [{"n": n} for n in range(100)]
main = threading.main_thread().ident
armed, over = False, False

def interrupt():
    while not over:
        time.sleep(0.004 * uneven.random())
        if armed:
            signal.pthread_kill(main, signal.SIGINT)

thread = threading.Thread(target=interrupt)
thread.start()
interrupted, end = 0, time.monotonic() + 4
while time.monotonic() < end:
    try:
        armed = True
        for _ in range(10):
            docs.upsert(range(100), X, payloads)
            docs.get([1, 2, 3])
            docs.search(X[0]).payloads
            docs.update([1], {"b": 2})
            docs.delete([5])
        armed = False
    except KeyboardInterrupt:
        armed = False
        interrupted += 1
signal.signal(signal.SIGINT, signal.SIG_IGN)
over = True
thread.join()
assert interrupted > 100, interrupted
docs.upsert(range(100), X, payloads)
assert docs.count() == 100 and docs.verify().ok, docs.verify()
db.close()
with vecdb.connect(sys.argv[1]) as db:
    assert db["docs"].count() == 100 and db["docs"].verify().ok, db["docs"].verify()
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_interrupts_at_any_instant(seed: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "db"), str(seed)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, ""), f"seed {seed}"
