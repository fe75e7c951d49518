"""Recall among the rows that are there, against sets counted by hand; a graph that lost a row is found out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.promises.dataset import Dataset, Ids, unit_rows
from vecdb.bench.promises.graph_rows import found_ids, graph_collection, lost_rows, put, recall_among
from vecdb.bench.promises.setting import K, Setting
from vecdb.index.hnsw import HnswIndex

SEED = 33
COUNT = 1_200


@pytest.fixture
def dataset() -> Dataset:
    rows = unit_rows(np.random.default_rng(SEED).normal(size=(COUNT + 30, 16)))
    return Dataset("random", rows[:COUNT], rows[COUNT:], [{"row": row} for row in range(COUNT)])


@pytest.fixture
def setting(tmp_path: Path, dataset: Dataset) -> Setting:
    np.savez(tmp_path / "random.npz", train=dataset.train, test=dataset.test)
    return Setting(data=tmp_path / "random.npz", scratch=tmp_path, batch_rows=500)


def nearest(dataset: Dataset, live: Ids) -> Ids:
    scores = dataset.test.astype(np.float64) @ dataset.train.T.astype(np.float64)
    return np.array([[row for row in np.argsort(-each) if row in set(live.tolist())][:K] for each in scores])


def test_recall_is_counted_among_the_rows_that_are_there(dataset: Dataset) -> None:
    live = dataset.ids[::3]
    true = nearest(dataset, live)
    assert recall_among(dataset, live, dataset.test, true) == 1
    worse = true.copy()
    worse[:, 7:] = -1
    assert recall_among(dataset, live, dataset.test, worse) == pytest.approx(0.7)
    worse[:, 7:] = true[:, :1]  # the same row again does not count again
    assert recall_among(dataset, live, dataset.test, worse) == pytest.approx(0.7)
    everything = nearest(dataset, dataset.ids)
    share = np.isin(everything, live).mean()  # rows that are gone do not count, however near
    assert recall_among(dataset, live, dataset.test, everything) == pytest.approx(share)
    few = dataset.ids[:4]
    found = np.full((len(dataset.test), K), -1)
    found[:, :4] = few
    assert recall_among(dataset, few, dataset.test, found) == 1


def test_a_collection_is_filled_searched_and_audited(dataset: Dataset, setting: Setting, tmp_path: Path) -> None:
    with graph_collection(tmp_path / "database", setting) as docs:
        put(docs, setting, dataset.ids)
        docs.optimize(wait=True)
        found = found_ids(docs, dataset.test, ef=COUNT)
        np.testing.assert_array_equal(np.sort(found), np.sort(nearest(dataset, dataset.ids)))
        assert lost_rows(docs) == 0
        assert docs.get([17])[0].payload == setting.dataset().payloads[17]
        index = docs._state.columns[""].index
        assert isinstance(index, HnswIndex)
        graph = index.graph
        levels, ground = graph.levels(), graph.ground_links(0, len(graph.levels())).copy()
        victim = int(np.flatnonzero(levels == 1)[5])
        ground[ground == victim] = np.nonzero(ground == victim)[0]  # nobody leads there any more: lists hold themselves
        index.graph = type(graph)(graph.store, 16, 200)
        index.graph.restore(levels, ground, graph.upper_links(), graph.entry)
        assert lost_rows(docs) == 1
        assert lost_rows(docs) == 0
