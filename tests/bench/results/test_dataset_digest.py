"""What a data set is known by: the same for a copy, another for any change that matters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.bench.results.made_result import made_dataset
from vecdb.bench.results.dataset_digest import dataset_digest


def test_a_copy_has_the_same_and_another_data_set_its_own() -> None:
    given = made_dataset()
    train, neighbors = given.train.copy(), given.neighbors.copy()
    train[-1, 0] += 1
    neighbors[3, 4] += 1
    others = [
        replace(given, train=train),
        replace(given, train=given.train[:-1]),
        replace(given, test=given.test[::-1].copy()),
        replace(given, neighbors=neighbors),
        replace(given, metric="dot"),
    ]
    assert dataset_digest(given) == dataset_digest(made_dataset()) == dataset_digest(replace(given, name="another"))
    assert len({dataset_digest(each) for each in [given, *others]}) == 6


def test_a_large_set_is_sampled_from_its_first_row_to_its_last() -> None:
    given = made_dataset(rows=5000)
    train = given.train.copy()
    train[4999] += 1
    assert dataset_digest(replace(given, train=train)) != dataset_digest(given)
    empty = replace(given, test=given.test[:0], neighbors=np.empty((0, 20), np.int32))
    assert dataset_digest(empty) != dataset_digest(given)
