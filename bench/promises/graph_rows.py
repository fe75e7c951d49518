"""Graph collections as the measures of the group `graph` fill, search and look into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import vecdb
from vecdb.bench.promises.dataset import SAME_SCORE, Dataset, Floats, Ids
from vecdb.bench.promises.durable_upsert import GRAPH, create
from vecdb.bench.promises.setting import THREADS, K, Setting
from vecdb.index.hnsw import HnswIndex
from vecdb.schema import Dtype


@contextmanager
def graph_collection(path: Path, setting: Setting, dtype: Dtype = "float32") -> Iterator[vecdb.Collection]:
    """An empty collection with a graph, in a new database."""
    with vecdb.connect(path, threads=THREADS) as db:
        yield create(db, setting, GRAPH, dtype)


def put(docs: vecdb.Collection, setting: Setting, ids: Ids) -> None:
    """Upserts these rows of the data, batch by batch."""
    dataset = setting.dataset()
    for first in range(0, len(ids), setting.batch_rows):
        some = ids[first : first + setting.batch_rows]
        docs.upsert(ids=some, vectors=dataset.train[some], payloads=[dataset.payloads[row] for row in some.tolist()])


def found_ids(docs: vecdb.Collection, queries: Floats, ef: int | None = None, recall: float | None = None) -> Ids:
    """(nq, K) ids for queries (nq, d), asked as one batch; -1 where there are no more."""
    found = np.full((len(queries), K), -1, np.int64)
    ids = docs.search(queries, k=K, ef=ef, recall=recall, select=[]).id_array
    found[:, : ids.shape[1]] = ids
    return found


def recall_among(dataset: Dataset, ids: Ids, queries: Floats, found: Ids) -> float:
    """Recall@K of `found` (nq, K), where only the rows `ids` are there: by an exact scan; ties count as found."""
    rows, count = dataset.train[ids], min(K, len(ids))
    bounds = np.partition(queries @ rows.T, -count, axis=1)[:, -count]
    scores = np.einsum("qd,qkd->qk", queries, dataset.train[found])
    is_true = (scores >= bounds[:, None] - SAME_SCORE) & (found >= 0) & np.isin(found, ids)
    return sum(min(len(set(row[near].tolist())), count) for row, near in zip(found, is_true, strict=True)) / (
        count * len(queries)
    )


def lost_rows(docs: vecdb.Collection) -> int:
    """Rows of the graph that no walk can reach: what its own audit finds, and links again."""
    indexes = [column.index for column in docs._state.columns.values()]
    return sum(index.graph.relink() for index in indexes if isinstance(index, HnswIndex))
