"""The client that VectorDBBench drives."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from vectordb_bench.backend.clients.api import VectorDB
from vectordb_bench.backend.filter import Filter, FilterOp
from vectordb_bench.backend.payload import PayloadProfile

import vecdb

from .config import VecdbHnswConfig

log = logging.getLogger(__name__)

ID_FIELD = "id"
LABEL_FIELD = "label"


class Vecdb(VectorDB):
    """One collection. An insert is acknowledged when it is on disk, and every later search sees it.

    Between two init() the object holds no connection, so it can be copied into other processes.
    """

    name = "vecdb"
    supported_filter_types = [FilterOp.NonFilter, FilterOp.NumGE, FilterOp.StrEqual]  # noqa: RUF012
    thread_safe = True

    def __init__(
        self,
        dim: int,
        db_config: dict,
        db_case_config: VecdbHnswConfig | None,
        collection_name: str = "VectorDBBenchCollection",
        drop_old: bool = False,
        with_scalar_labels: bool = False,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        self.db_config = db_config
        self.case_config = db_case_config or VecdbHnswConfig()
        self.collection_name = collection_name
        self.with_scalar_labels = with_scalar_labels
        self._options = self.case_config.search_param()
        self._where: Any = None
        self._collection: Any = None
        with self._connected() as database:
            if drop_old and collection_name in database:
                log.info("%s drops its old collection: %s", self.name, collection_name)
                database.drop_collection(collection_name)
            if collection_name not in database:
                index = self.case_config.index_param()
                fields = {ID_FIELD: "integer"} | ({LABEL_FIELD: "keyword"} if with_scalar_labels else {})
                metric = index.pop("metric")
                database.create_collection(
                    collection_name, dim, metric=metric, index=vecdb.Hnsw(**index), fields=fields
                )

    @contextmanager
    def init(self) -> Iterator[None]:
        """A connection for as long as the block lasts."""
        with self._connected() as database:
            self._collection = database[self.collection_name]
            try:
                yield
            finally:
                self._collection = None

    def insert_embeddings(
        self,
        embeddings: list[list[float]],
        metadata: list[int],
        labels_data: list[str] | None = None,
        tenant_labels_data: list[str] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> tuple[int, Exception | None]:
        """How many rows were written: all or none, and then why."""
        rows: list[dict[str, Any]] = [{ID_FIELD: number} for number in metadata]
        if self.with_scalar_labels and labels_data is not None:
            for row, label in zip(rows, labels_data, strict=True):
                row[LABEL_FIELD] = label
        try:
            self._collection.upsert(metadata, np.asarray(embeddings, np.float32), rows)
        except vecdb.Error as error:
            log.warning("%s refused %d rows: %s", self.name, len(metadata), error)
            return 0, error
        return len(metadata), None

    def prepare_filter(self, filters: Filter) -> None:
        """The `where` of the searches that follow."""
        if filters.type == FilterOp.NonFilter:
            self._where = None
        elif filters.type == FilterOp.NumGE:
            self._where = vecdb.field(ID_FIELD) >= filters.int_value
        elif filters.type == FilterOp.StrEqual:
            self._where = vecdb.field(LABEL_FIELD) == filters.label_value
        else:
            raise ValueError(f"filter: expected one of {self.supported_filter_types}, received {filters.type}")

    def search_embedding(
        self,
        query: list[float],
        k: int = 100,
        payload_profile: PayloadProfile = PayloadProfile.IDS_ONLY,  # noqa: ARG002
        tenant: str | None = None,  # noqa: ARG002
    ) -> list[int]:
        """The ids of the k nearest rows."""
        return self._collection.search(
            np.asarray(query, np.float32), k, where=self._where, select=[], **self._options
        ).ids

    def optimize(self, data_size: int | None = None) -> None:  # noqa: ARG002
        """Returns when every row is in the graph."""
        self._collection.optimize()

    def _connected(self) -> Any:
        arguments = {name: value for name, value in self.db_config.items() if value is not None}
        return vecdb.connect(arguments.pop("uri"), **arguments)
