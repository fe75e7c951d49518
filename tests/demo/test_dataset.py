"""The demo's data is whole, small, and carries the notice of its sources."""

from __future__ import annotations

import numpy as np

from demo.dataset import DATA, DIMENSION, read_queries, read_synsets

SIZE_BYTES_MAXIMUM = 9_500_000


def test_synsets_are_unit_vectors_with_an_id_each() -> None:
    data = read_synsets()
    assert data.vectors.shape == (10_000, DIMENSION)
    assert data.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(data.vectors, axis=1), 1, atol=2e-3)
    assert len(set(data.ids)) == len(data.rows)
    assert data.ids == sorted(data.ids)
    assert {row["pos"] for row in data.rows} == {"noun", "verb", "adj", "adv"}
    assert len({row["lexname"] for row in data.rows}) == 45
    assert all(row["text"].startswith(row["lemmas"][0] + ": ") for row in data.rows)
    assert all(row["n_lemmas"] == len(row["lemmas"]) for row in data.rows)


def test_every_query_illustrates_a_synset_of_the_data() -> None:
    data, queries = read_synsets(), read_queries()
    assert queries.vectors.shape == (40, DIMENSION)
    assert {query["synset"] for query in queries.rows} <= set(data.ids)


def test_vectors_and_texts_are_in_the_same_order() -> None:
    """An example sentence is far nearer to its synset than chance: the median rank of 10,000 would be 5,000."""
    data, queries = read_synsets(), read_queries()
    own = [data.ids.index(query["synset"]) for query in queries.rows]
    scores = queries.vectors @ data.vectors.T
    ranks = (scores > scores[np.arange(len(own)), own][:, None]).sum(axis=1)
    assert np.median(ranks) < 3


def test_the_files_are_small_and_come_with_their_notice() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < SIZE_BYTES_MAXIMUM
    notice = (DATA / "NOTICE").read_text()
    assert "WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved." in notice
    assert "Apache License" in notice
