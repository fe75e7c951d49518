"""What a flat index alone promises: there is nothing to build, and every answer is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.index.indexed_rows import random_rows, view_of

ROWS = np.arange(900, dtype=np.uint32)


@pytest.mark.parametrize("exact", [False, True])
def test_every_answer_is_exact(exact: bool) -> None:
    seed = 4
    rows = random_rows(seed, len(ROWS), 7, "l2")
    index = rows.index("flat")
    for query in np.random.default_rng(seed).standard_normal((20, 7), dtype=np.float32):
        found, _, _ = index.search(query, 10, 10, view_of(ROWS), exact=exact, normalise=False, timeout_seconds=0)
        truth = rows.distances(query)
        np.testing.assert_allclose(truth[found], np.sort(truth)[:10], rtol=1e-5, err_msg=f"seed {seed}")


def test_there_is_nothing_to_keep(tmp_path: Path) -> None:
    index = random_rows(4, len(ROWS), 7, "l2").index("flat")
    index.insert(ROWS)
    index.save(tmp_path / "flat.bin")
    assert not index.absorbs
    assert (len(index.members()), index.memory_bytes(), list(tmp_path.iterdir())) == (0, 0, [])


def test_a_row_is_found_as_it_is_stored() -> None:
    rows = random_rows(4, len(ROWS), 7, "l2")
    index = rows.index("flat")
    found, distances, _ = index.search(rows.X[5], 1, 1, view_of(ROWS), exact=False, normalise=False, timeout_seconds=0)
    assert (found.tolist(), distances.tolist()) == ([5], [0])
