"""A batch from ids, scores and counts of any origin: what the class itself derives, against lists of lists."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pytest

import vecdb
from tests.test_hits import GivenHits
from vecdb.hits import Hits

SEED = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**32)))
METRICS: list[Literal["cosine", "l2"]] = ["cosine", "l2"]


class GivenBatch(vecdb.HitsBatch):
    """A batch out of lists."""

    def __init__(self, ids: list[list[vecdb.Id]], scores: list[list[float]], metric: Literal["cosine", "l2"]) -> None:
        self.given, self.given_scores, self.metric = ids, scores, metric
        self.reads = 0
        flat = np.array([score for own in scores for score in own], np.float32)
        super().__init__(np.array([len(own) for own in ids], np.int64), flat)

    def _read_ids(self) -> Any:
        self.reads += 1
        flat = [each for own in self.given for each in own]
        return np.array(flat, np.int64) if all(isinstance(each, int) for each in flat) else flat

    def _hits(self, place: int, first: int, last: int) -> Hits:
        assert last - first == len(self.given[place])
        return GivenHits(self.given[place], self.given_scores[place], self.metric, None)


def random_batch(numbers: random.Random, is_integer: bool, most: int) -> GivenBatch:
    """Up to 6 queries of up to `most` hits each; now and then all of them have as many."""
    queries, fixed = numbers.randint(0, 6), numbers.choice([None, numbers.randint(0, most)])
    counts = [numbers.randint(0, most) if fixed is None else fixed for _ in range(queries)]
    kinds: list[Callable[[], vecdb.Id]] = [
        lambda: numbers.getrandbits(63),
        lambda: f"té{numbers.random()}",
        lambda: UUID(int=numbers.getrandbits(99)),
    ]
    ids: list[Any] = [[kinds[0 if is_integer else numbers.randrange(3)]() for _ in range(count)] for count in counts]
    scores = [sorted((numbers.randint(-8, 8) / 8 for _ in range(count)), reverse=True) for count in counts]
    return GivenBatch(ids, scores, numbers.choice(METRICS))


@pytest.mark.parametrize("is_integer", [True, False])
def test_arrays_are_the_lists_made_as_wide(is_integer: bool) -> None:
    numbers = random.Random(SEED)
    for _ in range(200):
        batch = random_batch(numbers, is_integer, 5)
        counts = [len(own) for own in batch.given]
        width = max(counts, default=0)
        shape = (len(counts), width)
        where = f"seed {SEED}: {batch.given}"
        assert batch.counts.tolist() == counts, where
        assert batch.ids == batch.given, where
        only_integers = all(isinstance(each, int) for own in batch.given for each in own)
        missing: Any = -1 if only_integers else None
        assert batch.id_array.dtype == (np.int64 if only_integers else object), where
        assert batch.id_array.shape == batch.scores.shape == batch.distances.shape == shape, where
        assert batch.id_array.tolist() == [own + [missing] * (width - len(own)) for own in batch.given], where
        scores = [own + [-math.inf] * (width - len(own)) for own in batch.given_scores]
        assert batch.scores.tolist() == scores, where
        base = 1 if batch.metric == "cosine" else 0
        assert batch.distances.tolist() == [[base - score for score in own] for own in scores], where
        assert batch.scores.dtype == batch.distances.dtype == np.float32
        assert batch.counts.dtype == np.int64
        assert batch.reads == 1, "ids are read once"


def test_each_query_has_hits_of_its_own_which_are_kept() -> None:
    batch = random_batch(random.Random(5), False, 4)
    while len(batch) < 3:
        batch = random_batch(random.Random(SEED), False, 4)
    first = batch[0]
    every = list(batch)
    assert every[0] is first
    assert [hits.ids for hits in every] == batch.given
    assert all(batch[place] is hits is batch[place - len(batch)] for place, hits in enumerate(every))
    numpy_place: Any = np.int64(1)
    assert batch[numpy_place] is every[1]
    assert batch[::-1] == every[::-1]
    assert batch[1:99] == every[1:]
    assert every[2] in batch
    assert batch.index(every[2]) == 2
    for place in (len(batch), -len(batch) - 1):
        with pytest.raises(IndexError, match=f"query {place} of {len(batch)}"):
            batch[place]
    for wrong in ("id", 1.0, None, (1, 2)):
        with pytest.raises(TypeError):
            batch[wrong]  # type: ignore[call-overload]


def test_hits_that_another_thread_made_first_are_those_that_all_get() -> None:
    class Raced(GivenBatch):
        def _hits(self, place: int, first: int, last: int) -> Hits:
            self.faster = self._each.setdefault(place, super()._hits(place, first, last))
            return super()._hits(place, first, last)

    for is_iterated in (False, True):
        batch = Raced([[1, 2]], [[1.0, 0.5]], "l2")
        hits = next(iter(batch)) if is_iterated else batch[0]
        assert hits is batch.faster is batch[0]


def test_arrays_are_kept_and_cannot_be_written() -> None:
    for ids in ([[1, 2], [3, 4]], [[1, 2], [3]], [["a", 2], [3]]):
        batch = GivenBatch(ids, [[0.5] * len(own) for own in ids], "cosine")  # type: ignore[arg-type]
        for name in ("id_array", "scores", "distances", "counts"):
            array = getattr(batch, name)
            assert getattr(batch, name) is array
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
        assert batch.ids is batch.ids


def test_no_queries_and_no_hits() -> None:
    nothing, empty = GivenBatch([], [], "cosine"), GivenBatch([[], []], [[], []], "cosine")
    for batch, queries in ((nothing, 0), (empty, 2)):
        assert len(batch) == len(batch.ids) == len(list(batch)) == queries
        assert batch.id_array.shape == batch.scores.shape == batch.distances.shape == (queries, 0)
        assert batch.id_array.dtype == np.int64
        assert batch.ids == [[]] * queries
    assert not nothing
    assert empty


def test_the_text_tells_how_many() -> None:
    def text(*counts: int) -> str:
        return repr(GivenBatch([[7] * count for count in counts], [[1.0] * count for count in counts], "l2"))

    assert text() == "HitsBatch(0 queries)"
    assert text(3) == "HitsBatch(1 query of 3 hits)"
    assert text(10, 10) == "HitsBatch(2 queries of 10 hits)"
    assert text(4, 0, 9) == "HitsBatch(3 queries of 0 to 9 hits)"


def test_batches_are_equal_only_to_themselves() -> None:
    one, other = (GivenBatch([[1]], [[1.0]], "l2") for _ in range(2))
    assert one != other
    assert list(one) == [one[0]]
    assert len({one, other}) == 2


def test_the_class_alone_is_not_a_result() -> None:
    with pytest.raises(TypeError, match="abstract"):
        vecdb.HitsBatch(np.zeros(0, np.int64), np.empty(0, np.float32))  # type: ignore[abstract]
