"""How large a run is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from vecdb.bench.promises.dataset import Dataset, read_dataset

THREADS: Final = 2  # of ours and of every peer, wherever more than one may work
M: Final = 16
EF_CONSTRUCTION: Final = 200
K: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Sizes and places of one run; small enough to travel to another process, which reads the data itself."""

    data: Path | None = None  # None: the demo's rows
    payloads: Path | None = None  # a parquet file with a row for each of the data; None: small payloads are made
    peer_python: Path | None = None  # the interpreter that has pymilvus and chromadb; None: without these peers
    rows_maximum: int | None = None  # None: all of them
    scratch: Path  # databases are made below it: its disk is what the durable measures are about
    repetitions: int = 3
    batch_rows: int = 1_000
    queries_per_lap: int = 2_000
    queries_per_batch: int = 1_000
    calls_per_lap: int = 5_000
    empty_collections: int = 10_000
    imports: int = 10
    clients: int = 8
    lap_seconds: float = 3.0  # of a lap of clients
    overload_seconds: float = 30.0
    churn_rounds: int = 10
    window_batches: int = 20
    efs: tuple[int, ...] = (10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768)

    @staticmethod
    def smoke(
        scratch: Path, data: Path | None = None, payloads: Path | None = None, peer_python: Path | None = None
    ) -> Setting:
        """The smallest run that touches everything: its figures mean nothing."""
        return Setting(
            data=data,
            payloads=payloads,
            peer_python=peer_python,
            rows_maximum=2_000,
            scratch=scratch,
            batch_rows=500,
            queries_per_lap=100,
            queries_per_batch=100,
            calls_per_lap=200,
            empty_collections=50,
            imports=2,
            clients=2,
            lap_seconds=0.2,
            overload_seconds=1.0,
            churn_rounds=2,
            window_batches=6,
            efs=(10, 16, 32, 64, 128),
        )

    def dataset(self) -> Dataset:
        """The rows and queries."""
        return read_dataset(self.data, self.rows_maximum, self.payloads)

    @contextmanager
    def empty_folder(self) -> Iterator[Path]:
        """A fresh folder for a database, gone afterwards."""
        with TemporaryDirectory(prefix="vecdb-bench-", dir=self.scratch) as folder:
            yield Path(folder)
