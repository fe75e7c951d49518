"""The README's program runs as it is printed, does what its comments say, and satisfies a type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.markdown import ROOT, python_of, run_python
from tests.server.server_process import ServerProcess

PAGE = ROOT / "README.md"
SERVE = "### Serve it"  # a client is another program than the tour before it
ADDRESS = "grpc://localhost:6339"
CLAIMS = """
assert hits.ids[0] == 7 and len(hits) == 10 and list(hits.scores) == sorted(hits.scores, reverse=True)
assert len(batch) == 100 and batch[3].ids[0] == 3
assert filtered[1].ids[0] == 1 and 0 not in filtered[0].ids
assert report.recall > 0.9
with vecdb.connect("./data", read_only=True) as reader:
    assert reader.collections() == ["docs", "pictures", "small"]
    kept = reader["docs"].get(range(2_000))
    assert {each.id for each in kept} == {i for i in range(2, 2_000) if i % 25 >= 5 or i == 2}
    assert kept[0].payload == {"year": 2024}
    try:
        reader["docs"].delete(ids=[2])
    except vecdb.ReadOnly:
        pass
    else:
        raise AssertionError("a read-only database was written to")
with vecdb.connect("./restored") as restored:
    assert restored.collections() == ["copy", "docs", "pictures", "small"]
    assert {each.id for each in restored["docs"].get(range(2_000))} == {each.id for each in kept}
"""
CLIENT_CLAIMS = """
assert len(answers) == 500 and all(len(each) == 10 for each in answers)
assert [each.ids[0] for each in answers] == list(range(5_000, 5_500))
vecdb.restore("tuesday.snapshot", "./tuesday")
with vecdb.connect("./tuesday") as copy:
    assert len(copy["docs"].get(range(5_000, 5_500))) == 500
"""


def test_the_tour_runs_and_then_its_client(tmp_path: Path) -> None:
    printed = run_python(python_of(PAGE, before=SERVE) + CLAIMS, tmp_path)
    assert printed.startswith("7 ")
    assert "\n1 NaN\n" in printed
    client = python_of(PAGE, after=SERVE)
    assert client.count(ADDRESS) == 2
    with ServerProcess(tmp_path / "data") as server:
        run_python(client.replace(ADDRESS, f"grpc://{server.target}") + CLIENT_CLAIMS, tmp_path)
        server.terminate()
        assert server.wait(30) == 0, server.errors


def test_the_tour_is_typed(tmp_path: Path) -> None:
    program = tmp_path / "tour.py"
    program.write_text(python_of(PAGE) + TYPES)
    command = [sys.executable, "-m", "mypy", "--strict", str(program)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout


TYPES = """
from typing import Any, assert_type

import numpy.typing as npt

one, two = np.zeros(384), np.zeros((2, 384))
assert_type(docs.search(one), vecdb.Hits)
assert_type(docs.search(one)[0], vecdb.Hit)
assert_type(docs.search(two, where=[where, None]), vecdb.HitsBatch)
assert_type(docs.search([0.5] * 384, exact=True), vecdb.Hits)
assert_type(docs.search([[0.5] * 384], ef=20), vecdb.HitsBatch)


def of_unknown_shape(queries: npt.NDArray[np.float32]) -> None:
    assert_type(docs.search(queries), Any)
    docs.search(one, colour="red")  # type: ignore[call-overload]
"""
