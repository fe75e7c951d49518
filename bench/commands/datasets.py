"""`vecdb-bench datasets`: which there are, what is in one, and preparing it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vecdb.bench.mistake import Mistake

if TYPE_CHECKING:
    from vecdb.bench.datasets.dataset import Dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """list, show NAME, prepare NAME."""
    from vecdb.bench.datasets.dataset import METRICS

    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the data sets that can be named, and those that are prepared")
    showing = actions.add_parser("show", help="what is in a prepared data set")
    preparing = actions.add_parser("prepare", help="make or download a data set, with its exact neighbours")
    for action in (showing, preparing):
        action.add_argument(
            "name", metavar="NAME", help="a name that list shows, random-<rows>-<d>-<metric>, or a file"
        )
    for action in (listing, showing, preparing):
        action.add_argument(
            "--data",
            "--folder",  # its earlier name
            type=Path,
            default=Path("data"),
            metavar="FOLDER",
            help="prepared data sets (default: data)",
        )
    preparing.add_argument("--sources", type=Path, help="where raw data lies; $VECDB_BENCH_SOURCES names more places")
    preparing.add_argument("--metric", choices=METRICS, help="of a file of vectors whose name does not say it")
    preparing.add_argument("--force", action="store_true", help="make it again if it is there")


def run(options: argparse.Namespace) -> int:
    """Runs one action; 0."""
    if options.action == "list":
        _list(options.data)
    elif options.action == "show":
        _show(options.name, options.data)
    else:
        _prepare(options)
    return 0


def _list(folder: Path) -> None:
    from vecdb.bench.datasets.catalogue import DATASETS

    here = {path.stem for path in folder.glob("*.hdf5") if not path.name.startswith(".")}
    lines = {name: source.about for name, source in DATASETS.items()}
    lines |= dict.fromkeys(sorted(here - lines.keys()), f"in {folder}")
    width = max(map(len, lines))
    for name, about in lines.items():
        print(f"{'*' if name in here else ' '} {name:<{width}}  {about}")
    print(
        f"* prepared in {folder}. Also: random-<rows>-<d>-<metric>, any file of ann-benchmarks.com by name, and files"
    )
    print("  by path: .hdf5, .fvecs, .bvecs, .npy, .npz.")


def _prepare(options: argparse.Namespace) -> None:
    from vecdb.bench.datasets.catalogue import prepare_dataset
    from vecdb.bench.datasets.hdf5_file import read_dataset

    path = prepare_dataset(options.name, options.data, options.sources, True, options.metric, options.force)
    dataset = read_dataset(path)
    rows, queries = len(dataset.train), len(dataset.test)
    print(f"{dataset.name}: {rows:,} rows, {queries:,} queries, {dataset.dimension} dimensions: {path}")


def _show(name: str, folder: Path) -> None:
    from vecdb.bench.datasets.catalogue import dataset_path
    from vecdb.bench.datasets.hdf5_file import read_dataset

    path = dataset_path(name, folder)
    if not path.is_file():
        raise Mistake(f"{path} is not there: vecdb-bench datasets prepare {name} --data {folder}")
    facts = dataset_facts(read_dataset(path)) | {"file": f"{path}, {path.stat().st_size / 2**20:.1f} MiB"}
    width = max(map(len, facts))
    for label, value in facts.items():
        print(f"{label:<{width}}  {value}")


def dataset_facts(dataset: Dataset) -> dict[str, str]:
    """What a reader wants to know of a data set, by label, in order of print."""
    import numpy as np

    lengths = np.sqrt(np.einsum("nd,nd->n", dataset.train, dataset.train, dtype=np.float64))
    places = dataset.distances.shape[1]
    shown = sorted({1, 10, places} & set(range(1, places + 1)))
    medians = [f"{np.median(dataset.distances[:, place - 1]):.4g} at {place}" for place in shown]
    facts = {
        "name": dataset.name,
        "metric": dataset.metric,
        "dimensions": str(dataset.dimension),
        "rows": f"{len(dataset.train):,}",
        "queries": f"{len(dataset.test):,}",
        "true neighbours": f"{places} a query; median distance {', '.join(medians)}",
        "lengths of rows": f"{lengths.min():.6g} to {lengths.max():.6g}",
    }
    for name, column in (dataset.attributes or {}).items():
        values = column.tolist() if isinstance(column, np.ndarray) else [str(value) for value in column]
        facts[f"attribute {name}"] = f"{len(set(values)):,} values, {_kind(column)}"
    return facts


def _kind(column: object) -> str:
    import numpy as np

    if isinstance(column, np.ndarray):
        return str(column.dtype)
    assert isinstance(column, list), "a column is an array or a list"
    kinds = sorted({type(value).__name__ for value in column})
    return " or ".join(kinds)
