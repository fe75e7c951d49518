"""A process that forks with an open database, as multiprocessing and web servers do, ends well on both sides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
import numpy as np
import vecdb

db = vecdb.connect(sys.argv[1])
docs = db.create_collection("docs", dimension=8)
docs.upsert(ids=np.arange(2000), vectors=np.random.default_rng(0).standard_normal((2000, 8)))
child = os.fork()
if child == 0:
    try:
        docs.count()
    except vecdb.Forked:
        sys.exit(7)
    sys.exit(1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7, status
docs.upsert(ids=[5000], vectors=np.ones((1, 8)))
assert docs.count() == 2001
db.close()
print("both ended")
"""


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_a_forked_child_may_exit(tmp_path: Path, where: str) -> None:
    path = ":memory:" if where == "memory" else str(tmp_path / "db")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, path], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "both ended\n", "")
