"""A program that ends with a database open, whatever its threads are doing, ends with its own status and in silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import vecdb

PROGRAM = """
import sys, threading, time
import numpy as np
import vecdb

db = vecdb.connect(sys.argv[1])
docs = db.create_collection("docs", dimension=32)
X = np.random.default_rng(0).standard_normal((20_000, 32), dtype=np.float32)
docs.upsert(ids=np.arange(20_000), vectors=X, payloads=[{"n": n} for n in range(20_000)])

def forever(call):
    def loop():
        while True:
            call()
    threading.Thread(target=loop, daemon=True).start()
"""
ENDINGS = {
    "open": ("", 0),
    "status": ("sys.exit(3)", 3),
    "error": ("raise SystemExit('sorry')", 1),
    "absorbing": ("docs.optimize(wait=False); time.sleep(0.1)", 0),
    "getting": ("forever(lambda: docs.get(list(range(500)))); time.sleep(0.2)", 0),
    "searching": ("forever(lambda: docs.search(X[:2000], k=10, exact=True)); time.sleep(0.2)", 0),
    "writing": ("forever(lambda: docs.upsert(ids=np.arange(500), vectors=X[:500])); time.sleep(0.2)", 0),
    "kept to the last": ("import builtins; builtins.kept = (db, docs)", 0),
    "late close": ("import atexit; atexit.register(lambda: (docs.get([1]), db.close()))", 0),
}
EARLY_CLOSE = """
import atexit
atexit.register(lambda: (print(len(docs.get([1]))), db.close()))  # runs after what vecdb does at the end
"""
FORK_AFTER_CLOSE = """
db.close()
import os
if os.fork() == 0:
    sys.exit(5)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def run(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_open_database_does_not_disturb_the_end(ending: str, tmp_path: Path) -> None:
    code, status = ENDINGS[ending]
    done = run(PROGRAM + code, tmp_path / "db")
    assert (done.returncode, done.stderr) == (status, "sorry\n" if ending == "error" else "")
    with vecdb.connect(tmp_path / "db") as db:
        assert db["docs"].count() == 20_000


def test_a_handler_that_runs_after_ours_may_still_close(tmp_path: Path) -> None:
    done = run(EARLY_CLOSE + PROGRAM, tmp_path / "db")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_a_fork_after_close_is_silent(tmp_path: Path) -> None:
    done = run(PROGRAM + FORK_AFTER_CLOSE, tmp_path / "db")
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
