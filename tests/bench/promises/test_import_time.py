"""The report of -X importtime, read."""

from __future__ import annotations

from vecdb.bench.promises.import_time import cumulative_seconds, run_python

REPORT = """import time: self [us] | cumulative | imported package
import time:       120 |        120 |   _io
import time:      2000 |      50000 |   numpy
import time:      1000 |      30000 |   numpy.linalg
import time:       500 |      80500 | vecdb
some other line
"""


def test_cumulative_times_are_read_by_module() -> None:
    assert cumulative_seconds(REPORT) == {"_io": 0.00012, "numpy": 0.05, "numpy.linalg": 0.03, "vecdb": 0.0805}


def test_this_interpreter_writes_such_a_report() -> None:
    seconds = cumulative_seconds(run_python("-X", "importtime", "-c", "import json.decoder").stderr)
    assert seconds["json.decoder"] > 0
