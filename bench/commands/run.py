"""`vecdb-bench run`: measures algorithms on a data set, laps in turn, one process for each algorithm."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import uuid4

from vecdb.bench.algorithms.definition import Definition, read_definitions
from vecdb.bench.datasets.catalogue import prepare_dataset
from vecdb.bench.datasets.dataset import METRICS, Dataset, Metric
from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.mistake import Mistake
from vecdb.bench.runs.availability import availability
from vecdb.bench.runs.facts import indexes_at_once, machine_facts, usable_cores
from vecdb.bench.runs.progress_line import ProgressLine
from vecdb.bench.runs.run_settings import RunSettings
from vecdb.bench.runs.session import Outcome, run_session

DATASET: Final = "demo-384-angular"
SMOKE_DATASET: Final = "random-1000-64-angular"
SMOKE_QUERIES: Final = 50
SMOKE_SECONDS: Final = 0.3
LISTED_DIMENSION: Final = 128  # of arguments that stand for it, where algorithms are listed without a data set
SEARCHES: Final = {"search": "each query by itself, on one thread", "batch": "all queries in one call"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command: those of ann-benchmarks by their names, then ours."""
    add = parser.add_argument
    add("--dataset", metavar="NAME", help=f"name or file of a data set (default: {DATASET})")
    add("-k", "--count", type=int, default=10, metavar="N", help="neighbours a query (default: 10)")
    add("--definitions", type=Path, metavar="FILE", help="YAML of algorithms (default: all that come with vecdb)")
    add("--algorithm", action="append", metavar="NAME", help="run this one only; repeated, or names with commas")
    add("--list-algorithms", action="store_true", help="print the algorithms and which of them can run here, and end")
    add("--force", action="store_true", help="measure again what has results already")
    add("--runs", type=int, default=3, metavar="N", help="laps of each query setting (default: 3)")
    add("--timeout", type=float, default=7200.0, metavar="SECONDS", help="for a build or a lap (default: 7200)")
    add("--batch", action="store_true", help="give all queries in one call; the same as --workload batch")
    add("--max-n-algorithms", type=int, default=-1, metavar="N", help="run the first N settings only")
    add("--run-disabled", action="store_true", help="run algorithms too that are marked as disabled")
    add("--workload", default="search", metavar="NAME", help="what to do with each algorithm (default: search)")
    add("--option", action="append", metavar="NAME=VALUE", default=[], help="of the workload; repeated")
    add("--list-workloads", action="store_true", help="print the workloads, and end")
    add("--sweep", action="store_true", help="a workload with every query setting, not with the middle one only")
    add("--threads", type=int, metavar="N", help="for building and for batches (default: the usable cores)")
    add("--queries", type=int, metavar="N", help="ask the first N at most (default: all)")
    add("--lap-seconds", type=float, default=5.0, metavar="S", help="a lap asks for about so long (default: 5)")
    add("--baseline", default="hnswlib", metavar="NAME", help="measured beside all others (default: hnswlib)")
    add("--smoke", action="store_true", help="the smallest run, to see that everything works")
    add("--data", type=Path, default=Path("data"), metavar="FOLDER", help="prepared data sets (default: data)")
    add("--results", type=Path, default=Path("results"), metavar="FOLDER", help="result files (default: results)")
    add("--sources", type=Path, metavar="FOLDER", help="raw files that data sets are prepared from")


def run(options: argparse.Namespace) -> int:
    """Measures what the options name; 0 if nothing failed, 1 otherwise.

    What is absent counts as failed only where it was asked for by its name.
    """
    if options.list_workloads:
        return _list_workloads()
    _check(options)
    if options.list_algorithms:
        return _list_algorithms(options)
    dataset_path = prepare_dataset(
        options.dataset or (SMOKE_DATASET if options.smoke else DATASET), options.data, options.sources, progress=True
    )
    dataset = read_dataset(dataset_path)
    settings = _settings(options, dataset)
    definitions = _definitions(options, dataset.metric, dataset.dimension)
    if not definitions:
        raise Mistake(f"no algorithm is left for {dataset.metric} data")
    progress = ProgressLine()
    progress.note(_heading(settings, dataset, definitions))
    at_once = indexes_at_once(dataset)
    outcome = run_session(settings, dataset, dataset_path, definitions, at_once=at_once, progress=progress)
    print(_summary(outcome, settings))
    return 1 if outcome.failed or set(outcome.absent) & set(_names(options) or ()) else 0


def _check(options: argparse.Namespace) -> None:
    for name, least in (("count", 1), ("runs", 1), ("timeout", 0.001), ("lap_seconds", 0.001)):
        if not getattr(options, name) >= least:
            flag = name.replace("_", "-")
            raise Mistake(f"--{flag}: expected at least {least}, received {getattr(options, name)}")
    for name in ("threads", "queries"):
        given = getattr(options, name)
        if given is not None and given < 1:
            raise Mistake(f"--{name}: expected at least 1, received {given}")
    if options.workload not in SEARCHES:
        from vecdb.bench.workloads.catalogue import get_workload

        get_workload(options.workload, _workload_options(options.option))  # a Mistake now, not in every worker
        if options.batch:
            raise Mistake(f"--batch: the workload {options.workload!r} has none")
    elif options.option:
        raise Mistake(f"--option: the workload {options.workload!r} has none")


def _workload_options(given: Sequence[str]) -> Mapping[str, str]:
    pairs = [each.partition("=") for each in given]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise Mistake(f"--option: expected NAME=VALUE, received {name!r}")
    return {name: value for name, _, value in pairs}


def _settings(options: argparse.Namespace, dataset: Dataset) -> RunSettings:
    if options.count > dataset.neighbors.shape[1]:
        known = dataset.neighbors.shape[1]
        raise Mistake(f"--count: {dataset.name} knows {known} neighbours of a query, received {options.count}")
    queries = min(len(dataset.test), SMOKE_QUERIES if options.smoke else len(dataset.test))
    return RunSettings(
        results=options.results,
        count=options.count,
        batch=_is_batch(options),
        threads=_threads(options),
        runs=1 if options.smoke else options.runs,
        queries=min(queries, options.queries or queries),
        lap_seconds=SMOKE_SECONDS if options.smoke else options.lap_seconds,
        timeout_seconds=options.timeout,
        baseline=options.baseline,
        force=options.force,
        workload=None if options.workload in SEARCHES else options.workload,
        options=_workload_options(options.option),
        session=uuid4().hex,
        started=time.time(),
        machine=machine_facts(),
    )


def _threads(options: argparse.Namespace) -> int:
    return int(options.threads or usable_cores())


def _is_batch(options: argparse.Namespace) -> bool:
    return bool(options.batch) or options.workload == "batch"


def _names(options: argparse.Namespace) -> list[str] | None:
    """The algorithms that were asked for; None for all."""
    if not options.algorithm:
        return None
    return [name.strip() for given in options.algorithm for name in given.split(",") if name.strip()]


def _definitions(options: argparse.Namespace, metric: Metric, dimension: int) -> list[Definition]:
    """What the options leave for such data; it may be none."""
    names = _names(options)
    found = read_definitions(
        options.definitions,
        metric=metric,
        dimension=dimension,
        count=options.count,
        threads=_threads(options),
        names=names,
    )
    if not options.run_disabled:
        found = [each for each in found if not each.disabled]
    if (
        names is None and not _is_batch(options) and not options.list_algorithms
    ):  # asked for single queries it only repeats another algorithm
        found = [each for each in found if not each.batch_only]
    if options.max_n_algorithms >= 0:
        found = found[: options.max_n_algorithms]
    if options.workload not in SEARCHES and not options.sweep:
        return [replace(each, query_argument_groups=_middle(each.query_argument_groups)) for each in found]
    if options.smoke:
        return [replace(each, query_argument_groups=_ends(each.query_argument_groups)) for each in found]
    return found


def _ends(groups: tuple[tuple[object, ...], ...]) -> tuple[tuple[object, ...], ...]:
    return groups if len(groups) < 2 else (groups[0], groups[-1])


def _middle(groups: tuple[tuple[object, ...], ...]) -> tuple[tuple[object, ...], ...]:
    return groups[len(groups) // 2 :][:1]


def _heading(settings: RunSettings, dataset: Dataset, definitions: Sequence[Definition]) -> str:
    names = list(dict.fromkeys(each.name for each in definitions))
    facts = "\n".join(f"  {name}: {fact}" for name, fact in settings.machine.items())
    lines = [
        f"{dataset.name}: {len(dataset.train):,} rows, {dataset.dimension} dimensions, {dataset.metric}, "
        f"{settings.queries:,} queries for {settings.count} neighbours",
        facts,
        f"algorithms: {', '.join(names)}; {settings.threads} threads to build, {settings.runs} laps",
    ]
    if settings.baseline not in names:
        lines.append(f"note: the baseline {settings.baseline} is not among them")
    return "\n".join(lines)


def _summary(outcome: Outcome, settings: RunSettings) -> str:
    lines = [f"{len(outcome.laps)} laps were taken; results are in {settings.results}"]
    lines += [f"left out: {name}: {why}" for name, why in outcome.absent.items()]
    lines += [f"failed: {name}: {why}" for name, why in outcome.failed.items()]
    return "\n".join(lines)


def _list_algorithms(options: argparse.Namespace) -> int:
    """Those for the metric that the name of the data set ends in, or for all; no data set is read."""
    listed: dict[str, Definition] = {}
    sizes: dict[str, int] = {}
    for metric in _listed_metrics(options.dataset):
        own: dict[str, int] = {}
        for each in _definitions(options, metric, LISTED_DIMENSION):
            listed.setdefault(each.name, each)
            own[each.name] = own.get(each.name, 0) + max(1, len(each.query_argument_groups))
        sizes |= {name: max(size, sizes.get(name, 0)) for name, size in own.items()}
    if not sizes:
        raise Mistake("no algorithm is left")
    reasons = availability(list(listed.values()))
    width = max(map(len, sizes))
    for name, size in sizes.items():
        print(f"{name:{width}}  {size:3} settings  {reasons[name] or 'can run here'}")
    return 0


def _listed_metrics(name_or_path: str | None) -> Sequence[Metric]:
    words = re.split(r"\W+", Path(name_or_path).stem) if name_or_path else []
    return [metric for metric in METRICS if metric in words] or METRICS


def _list_workloads() -> int:
    from vecdb.bench.workloads.catalogue import WORKLOADS

    listed = SEARCHES | {name: workload.summary for name, workload in WORKLOADS.items()}
    width = max(map(len, listed))
    for name, summary in listed.items():
        print(f"{name:{width}}  {summary}")
    return 0
