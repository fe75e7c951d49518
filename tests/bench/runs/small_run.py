"""A data set, definitions and settings for tests of the runner."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.results.made_result import made_dataset
from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.datasets.hdf5_file import read_dataset, write_dataset
from vecdb.bench.runs.progress_line import ProgressLine
from vecdb.bench.runs.run_settings import RunSettings
from vecdb.bench.runs.session import Outcome, run_session

MODULE = "tests.bench.runs.small_algorithms"


def definition(
    constructor: str, *arguments: Any, name: str = "", queries: Sequence[tuple[Any, ...]] = ((1,),)
) -> Definition:
    return Definition(name or constructor.lower(), MODULE, constructor, arguments, tuple(queries))


def dataset_file(folder: Path) -> tuple[Dataset, Path]:
    path = folder / "made-8-euclidean.hdf5"
    if not path.exists():
        write_dataset(path, made_dataset())
    return read_dataset(path), path


def settings(results: Path, **changes: Any) -> RunSettings:
    given: dict[str, Any] = {
        "results": results,
        "count": 10,
        "batch": False,
        "threads": 1,
        "runs": 2,
        "queries": 25,
        "lap_seconds": 1.0,
        "timeout_seconds": 30.0,
        "baseline": "none",
        "force": False,
        "session": uuid.uuid4().hex,
        "started": 1000.0,
        "machine": {"CPU": "a processor"},
    }
    return RunSettings(**(given | changes))


def run_small(
    folder: Path, definitions: Sequence[Definition], *, at_once: int = 100, **changes: Any
) -> tuple[Outcome, str]:
    """What became of a session on the small data set, with results in `folder`, and what it said."""
    dataset, path = dataset_file(folder)
    said = io.StringIO()
    outcome = run_session(
        settings(folder / "results", **changes),
        dataset,
        path,
        definitions,
        at_once=at_once,
        progress=ProgressLine(said),
    )
    return outcome, said.getvalue()
