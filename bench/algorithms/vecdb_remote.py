"""vecdb behind a server of its own on this machine, through gRPC: single calls, calls of many queries, or a stream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

import vecdb
from vecdb.bench.algorithms.algorithm import MISSING, Floats, Ints, Metric
from vecdb.bench.algorithms.vecdb_embedded import VecdbHnsw
from vecdb.bench.algorithms.vecdb_server import start_server
from vecdb.bench.promises.listener import Listener

TIMEOUT_SECONDS: Final = 600.0


class VecdbRemote(VecdbHnsw):
    """The graph on a server; a batch goes in calls of 256 queries. A query asks for no payloads."""

    queries_per_call: ClassVar[int] = 256

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, int]) -> None:
        from vecdb.client import grpc_module  # noqa: F401  a missing grpc is known before a build

        super().__init__(metric, threads, build)
        self._server: Listener | None = None
        self._options["select"] = []

    def open(self, folder: Path | None) -> vecdb.Database:
        """Starts a server, and connects to it."""
        self._server = start_server(folder, self.threads)
        return vecdb.connect(f"grpc://{self._server.address}", timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Closes the connection, then ends the server."""
        try:
            super().close()
        finally:
            server, self._server = self._server, None
            if server is not None:
                server.close()


class VecdbRemoteStream(VecdbRemote):
    """The same, with the queries of batch_query() sent ahead of their answers over one stream."""

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """One stream."""
        ids = np.full((len(Q), k), MISSING, np.int64)
        for row, hits in zip(ids, self._docs.search_stream(Q, k, **self._options), strict=True):
            row[: len(hits)] = hits.ids
        return ids
