"""Hits from ids, distances and payloads of any origin: what the class itself derives."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

import vecdb
from vecdb.hits import Hits


class GivenHits(Hits):
    """Hits out of lists."""

    def __init__(self, ids: list[vecdb.Id], scores: list[float], metric: Literal["cosine", "l2"], vectors: Any) -> None:
        plan = vecdb.Plan(strategy="scan", rows_scanned=9, rows_matched=9, estimated=False, metric=metric)
        super().__init__(-np.array(scores, np.float32), plan)
        self._given_ids = ids
        self._given_vectors = vectors

    @property
    def ids(self) -> list[vecdb.Id]:
        return self._given_ids

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [{"id": str(each)} for each in self._given_ids]

    @property
    def vectors(self) -> dict[str, npt.NDArray[np.float32]] | None:
        return self._given_vectors  # type: ignore[no-any-return]


def test_everything_follows_from_ids_distances_and_payloads() -> None:
    hits = GivenHits([5, "a", 7], [0.75, 0.5, -1], "cosine", {"text": np.eye(3, 2, dtype=np.float32)})
    assert isinstance(hits, vecdb.Hits)
    assert hits.scores.tolist() == [0.75, 0.5, -1]
    assert hits.distances.tolist() == [0.25, 0.5, 2]
    assert len(hits) == 3
    assert hits[1] == vecdb.Hit(id="a", score=0.5, payload={"id": "a"})
    vectors = hits[-2].vectors
    assert vectors is not None
    assert vectors["text"].tolist() == [0, 1]
    assert hits[::2] == [hits[0], hits[2]]
    assert [hit.id for hit in hits] == [5, "a", 7]
    assert repr(hits) == "Hits(3: 5: 0.7500, 'a': 0.5000, 7: -1.0000)"
    for place in (3, -4):
        with pytest.raises(IndexError, match=f"hit {place} of 3"):
            hits[place]


def test_distances_of_other_metrics_are_negated_scores() -> None:
    hits = GivenHits([5, 6], [-1, -4], "l2", None)
    assert hits.distances.tolist() == [1, 4]
    assert hits.distances.dtype == hits.scores.dtype == np.float32
    assert hits[0].vectors is None


def test_the_class_alone_is_not_a_result() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Hits(np.empty(0, np.float32), None)  # type: ignore[abstract, arg-type]
