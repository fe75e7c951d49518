"""MeasuredSet: all that was measured on one data set for one count, and the options that name such sets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from vecdb.bench.datasets.catalogue import find_dataset
from vecdb.bench.datasets.dataset import Metric
from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.points import Point, measured
from vecdb.bench.results.result_file import read_results
from vecdb.bench.workloads.readings_file import Readings, read_readings

COUNT: Final = 10

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredSet:
    """Points of single queries and of batches, and readings by workload, of one data set with `count` neighbours."""

    dataset: str
    metric: Metric
    rows: int
    queries: int
    dimension: int
    count: int
    single: Sequence[Point]
    batch: Sequence[Point]
    readings: Mapping[str, Sequence[Readings]]

    @property
    def points(self) -> list[Point]:
        """Single queries, then batches."""
        return [*self.single, *self.batch]


def read_measured_set(results: Path, data: Path, name_or_path: str, count: int) -> MeasuredSet:
    """What the folder `results` has of a data set that is in `data` or can be prepared there. Mistake if nothing."""
    dataset = find_dataset(name_or_path, data)
    folder = results / dataset.name / str(count)
    single, batch = (measured(read_results(results, dataset.name, count, mode), dataset) for mode in (False, True))
    readings = {name: read_readings(results, dataset.name, count, name) for name in _workloads(folder)}
    if not (single or batch or readings):
        raise Mistake(
            f"{folder} has no results: vecdb-bench run --dataset {name_or_path} --count {count} measures some"
        )
    return MeasuredSet(
        dataset=dataset.name,
        metric=dataset.metric,
        rows=len(dataset.train),
        queries=len(dataset.test),
        dimension=dataset.dimension,
        count=count,
        single=single,
        batch=batch,
        readings=readings,
    )


def add_set_arguments(parser: argparse.ArgumentParser, *, every: bool, every_count: bool) -> None:
    """--dataset, --count, --data and --results, as `run` has them; without a name or a count every one or only one."""
    without = "all that have results" if every else "the one that has results"
    parser.add_argument("--dataset", metavar="NAME", help=f"name or path of a data set (default: {without})")
    counts = "all" if every_count else str(COUNT)
    parser.add_argument("-k", "--count", type=int, metavar="K", help=f"neighbours a query (default: {counts})")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), metavar="FOLDER", help="of prepared data sets (default: data)"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="FOLDER", help="of results (default: results)"
    )


def one_set(options: argparse.Namespace) -> MeasuredSet:
    """The set that the options name: without a name the only data set with results. Mistake."""
    count = COUNT if options.count is None else options.count
    if options.dataset is not None:
        return read_measured_set(options.results, options.data, options.dataset, count)
    names = list(dict.fromkeys(name for name, _ in _measured_names(options.results)))
    if len(names) != 1:
        found = f"{len(names)}: {', '.join(names)}" if names else "none"
        raise Mistake(f"--dataset: expected a name, for {options.results} has the results of {found}")
    return read_measured_set(options.results, options.data, names[0], count)


def every_set(options: argparse.Namespace, count: int | None = None) -> list[MeasuredSet]:
    """The sets that the options leave: all data sets and counts, or those of one name or count. Mistake if none.

    `count` stands for a --count that was not given; None is all. Of several sets, one whose data set is not there any
    more is left out with a warning.
    """
    wanted = count if options.count is None else options.count
    if options.dataset is not None and wanted is not None:
        return [read_measured_set(options.results, options.data, options.dataset, wanted)]
    named = None if options.dataset is None else find_dataset(options.dataset, options.data).name
    places = [
        (name, count_there)
        for name, count_there in _measured_names(options.results)
        if named in (None, name) and wanted in (None, count_there)
    ]
    if not places:
        raise Mistake(f"{options.results} has no such results: vecdb-bench run measures some")
    return each_or_warn(
        places, lambda place: read_measured_set(options.results, options.data, options.dataset or place[0], place[1])
    )


def each_or_warn(given: Sequence[Given], make: Callable[[Given], Made]) -> list[Made]:
    """What is made of each; where that is a mistake it is left out with a warning, but raised if nothing is left."""
    made: list[Made] = []
    mistakes: list[Mistake] = []
    for each in given:
        try:
            made.append(make(each))
        except Mistake as error:
            mistakes.append(error)
    if not made and mistakes:
        raise mistakes[0]
    for mistake in mistakes:
        print(f"vecdb-bench: left out: {mistake}", file=sys.stderr)
    return made


def _measured_names(results: Path) -> Iterator[tuple[str, int]]:
    """Data sets and counts that have a folder with results."""
    for folder in sorted(results.glob("*/*")):
        if folder.name.isdecimal() and (any(folder.glob("*/*.hdf5")) or any(folder.glob("*/*/*.json"))):
            yield folder.parent.name, int(folder.name)


def _workloads(folder: Path) -> list[str]:
    return sorted({path.parent.parent.name for path in folder.glob("*/*/*.json")})
