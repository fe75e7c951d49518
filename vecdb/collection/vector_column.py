"""One vector of a collection: its rows, as files or memory, and the index over them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from vecdb.index.flat import FlatIndex
from vecdb.index.hnsw import HnswIndex
from vecdb.index.vector_index import RowNumbers, VectorIndex
from vecdb.native.index import ThreadPool
from vecdb.native.kernels import decode
from vecdb.native.rows import RowStore
from vecdb.schema import Hnsw, Vector
from vecdb.storage.memory_rows import MemoryRows
from vecdb.storage.row_file import RowFile


class VectorColumn:
    """Rows of vectors in the schema's dtype, and the structure that searches them. `folder` None: kept in memory."""

    def __init__(
        self,
        name: str,
        vector: Vector,
        folder: Path | None,
        *,
        rows: int,
        index_file: Path | None,
        pool: ThreadPool,
        background: ThreadPool,
        read_only: bool,
    ) -> None:
        self.name = name
        self.vector = vector
        self.normalise = vector.metric == "cosine"
        self.walks = 0  # searches through the index; a race between two may lose one
        row_bytes = vector.row_bytes
        self.rows: RowFile | MemoryRows = (
            MemoryRows(row_bytes)
            if folder is None
            else RowFile(folder / "rows", f"v{name}", row_bytes, at_least=rows, read_only=read_only)
        )
        metric: Literal["l2", "dot"] = "l2" if vector.metric == "l2" else "dot"
        self.store = RowStore(vector.dtype, metric, vector.dimension, row_bytes, self.rows.chunk_shift)
        self._share_chunks()
        if isinstance(vector.index, Hnsw):
            self.index: VectorIndex = HnswIndex(
                self.store, vector.index, pool, background, index_file, unit=self.normalise
            )
        else:
            self.index = FlatIndex(self.store, pool)

    @property
    def row_bytes(self) -> int:
        """Bytes of one stored vector."""
        return self.rows.row_bytes

    @property
    def read_row_bytes(self) -> int:
        """Bytes of one vector as read() gives it."""
        return self.vector.dimension * np.dtype(np.float32).itemsize

    def ensure(self, rows: int) -> None:
        """Makes rows 0 .. rows - 1 exist. StorageFull."""
        self.rows.ensure(rows)
        self._share_chunks()

    def write(self, rows: RowNumbers, data: npt.NDArray[np.uint8]) -> None:
        """Stores the bytes of vectors. StorageFull."""
        self.rows.write(rows, data)

    def read(self, rows: RowNumbers) -> npt.NDArray[np.float32]:
        """A copy of stored vectors as float32, (n, d)."""
        stored = self.rows.read(rows)
        if self.vector.dtype == "float32":
            return stored.view(np.float32)
        return decode(self.vector.dtype, stored, self.vector.dimension)

    def _share_chunks(self) -> None:
        for chunk in self.rows.chunk_buffers()[self.store.page_count :]:
            self.store.add_page(chunk.reshape(-1))
