"""WordNet's synsets as sentence embeddings: all of them, or the demo's ten thousand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecdb.bench.datasets.dataset import Attributes
from vecdb.bench.datasets.hdf5_file import write_dataset
from vecdb.bench.datasets.source import Source, first_file, places_text
from vecdb.bench.datasets.truth import dataset_with_truth
from vecdb.bench.mistake import Mistake
from vecdb.progress import Progress

VECTORS: Final = "wordnet-minilm-384.f16.npz"
ATTRIBUTES: Final = "wordnet-attrs.parquet"
# What is asked for in filters; the texts would only make the file larger.
COLUMNS: Final = ("pos", "lexname", "depth", "n_lemmas", "n_pointers", "n_examples", "gloss_len", "satellite")

DEMO: Final = Path(__file__).resolve().parents[2] / "demo" / "data"
DEMO_COLUMNS: Final = ("pos", "lexname", "depth", "n_lemmas", "lemmas")


@dataclass(frozen=True)
class Wordnet(Source):
    """The 117,659 synsets of WordNet 3.0 by all-MiniLM-L6-v2; 2,000 example sentences ask, another kind of text.

    Rows are float16 rounded, so their lengths are only about one; they are kept as they are.
    """

    name: str = "wordnet-minilm-384-angular"
    about: str = f"117,659 sentence embeddings, 2,000 queries of another kind; from {VECTORS}"

    def prepare(self, target: Path, places: Sequence[Path], progress: Progress = None) -> None:
        """Writes the file from the vectors in a place; attributes come from the parquet file beside them."""
        path = first_file(places, VECTORS)
        if path is None:
            raise Mistake(f"{VECTORS} is not in {places_text(places)}: name its folder with --sources")
        with np.load(path) as arrays:
            train, test = arrays["train"], arrays["test"]
        table = first_file([path.parent], ATTRIBUTES)
        attributes = None if table is None else read_columns(table, len(train))
        write_dataset(target, dataset_with_truth(self.name, "angular", train, test, attributes, progress))


@dataclass(frozen=True)
class Demo(Source):
    """The demo's 10,000 synsets and 40 example sentences, which the project carries."""

    name: str = "demo-384-angular"
    about: str = "10,000 sentence embeddings, 40 queries of another kind; from the demo"

    def prepare(self, target: Path, places: Sequence[Path], progress: Progress = None) -> None:  # noqa: ARG002
        """Writes the file from the demo's; they are in a source tree, not in an installed package."""
        if not DEMO.is_dir():
            raise Mistake(f"{DEMO} is not there: {self.name} is made in a source tree of vecdb")
        with gzip.open(DEMO / "synsets.jsonl.gz") as lines:
            synsets: list[dict[str, Any]] = [json.loads(line) for line in lines]
        attributes = {name: [synset[name] for synset in synsets] for name in DEMO_COLUMNS}
        train, test = np.load(DEMO / "synsets.f16.npy"), np.load(DEMO / "queries.f16.npy")
        write_dataset(target, dataset_with_truth(self.name, "angular", train, test, attributes, progress))


def read_columns(path: Path, rows: int) -> Attributes:
    """Those of COLUMNS that a parquet file has, numbers as arrays and texts as lists, with a value for each row."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise Mistake(f"pyarrow, which reads {path}, is not installed: pip install vecdb[parquet]") from error
    names = [name for name in COLUMNS if name in parquet.read_schema(path).names]
    table = parquet.read_table(path, columns=names)
    if table.num_rows != rows:
        raise Mistake(f"{path}: expected {rows} rows, received {table.num_rows}")
    columns = {name: table.column(name).combine_chunks() for name in names}
    is_plain = {name: column.null_count == 0 and column.type in _numbers() for name, column in columns.items()}
    return {
        name: column.to_numpy(zero_copy_only=False) if is_plain[name] else column.to_pylist()
        for name, column in columns.items()
    }


def _numbers() -> tuple[Any, ...]:
    import pyarrow as pa

    return (pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64())
