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
        self._pools = pool, background
        metric: Literal["l2", "dot"] = "l2" if vector.metric == "l2" else "dot"
        self.store = RowStore(vector.dtype, metric, vector.dimension, row_bytes, self.rows.chunk_shift)
        self._share_chunks()
        self.index = self._index(index_file)

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

    @property
    def index_is_mapped(self) -> bool:
        """Whether the index is searched where its file is mapped, and load_index() has work."""
        return isinstance(self.index, HnswIndex) and self.index.is_mapped

    def load_index(self, bytes_maximum: int) -> bool:
        """Checks and loads a little more of the index's file, while it is searched; True if more is left. Corrupted."""
        return isinstance(self.index, HnswIndex) and self.index.load(bytes_maximum)

    def forget_index(self) -> None:
        """Puts an empty index in the place of this one, which searches under way may go on with."""
        self.index = self._index(None)

    def write(self, rows: RowNumbers, data: npt.NDArray[np.uint8]) -> None:
        """Stores the bytes of vectors. StorageFull."""
        self.rows.write(rows, data)

    def read(self, rows: RowNumbers) -> npt.NDArray[np.float32]:
        """A copy of stored vectors as float32, (n, d)."""
        stored = self.rows.read(rows)
        if self.vector.dtype == "float32":
            return stored.view(np.float32)
        return decode(self.vector.dtype, stored, self.vector.dimension)

    def _index(self, file: Path | None) -> VectorIndex:
        pool, background = self._pools
        if not isinstance(self.vector.index, Hnsw):
            return FlatIndex(self.store, pool)
        return HnswIndex(self.store, self.vector.index, pool, background, file, unit=self.normalise, mapped=True)

    def _share_chunks(self) -> None:
        for chunk in self.rows.chunk_buffers()[self.store.page_count :]:
            self.store.add_page(chunk.reshape(-1))
