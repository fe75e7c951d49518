"""No more room for a file: writes say StorageFull and leave no trace, reads go on, and room makes writes work again."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import vecdb
from vecdb import field

DIMENSION = 256
BATCH = 500
VECTORS = np.random.default_rng(1).standard_normal((BATCH, DIMENSION), dtype=np.float32)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond this size; Python ignores the signal that comes with it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write(docs: vecdb.Collection, batch: int) -> None:
    ids = list(range(batch * BATCH, (batch + 1) * BATCH))
    docs.upsert(ids=ids, vectors=VECTORS, payloads=[{"batch": batch}] * BATCH)


def refused(docs: vecdb.Collection, batch: int) -> vecdb.StorageFull | None:
    try:
        write(docs, batch)
    except vecdb.StorageFull as error:
        return error
    return None


def check(docs: vecdb.Collection, batches: int) -> None:
    assert docs.count() == batches * BATCH == len(list(docs.scan()))
    assert docs.count(where=field("batch") == batches - 1) == BATCH
    assert docs.search(VECTORS[3], k=batches, exact=True).ids[0] % BATCH == 3
    assert len(docs.get([(batches - 1) * BATCH], with_vectors=True)) == 1


@pytest.mark.parametrize("durability", ["sync", "async"])
@pytest.mark.parametrize("megabytes", [17, 26])
def test_a_full_disk_refuses_writes_and_keeps_what_there_is(
    durability: vecdb.database.Durability, megabytes: int, tmp_path: Path
) -> None:
    path = str(tmp_path / "db")
    batches = 0
    with vecdb.connect(path, durability=durability) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2", fields={"batch": "integer"})
        with largest_file(megabytes << 20):
            while (refusal := refused(docs, batches)) is None:
                batches += 1
            assert refusal.path.startswith(path)
            assert batches > 10
            check(docs, batches)
            for _ in range(3):
                assert refused(docs, batches) is not None
            check(docs, batches)
        write(docs, batches)
        batches += 1
        docs.optimize(wait=True)
        check(docs, batches)
        assert docs.verify().ok
    with vecdb.connect(path) as db:
        check(db["docs"], batches)
        assert db["docs"].verify().ok


def test_a_write_that_is_journalled_but_has_no_room_for_its_rows_is_whole_or_absent(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    with vecdb.connect(path) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2", fields={"batch": "integer"})
        other = db.create_collection("other", dimension=2)
        with largest_file(8 << 20):  # a file of rows is larger, even with few of them
            for _ in range(3):
                assert refused(docs, 0) is not None
            assert docs.count() == 0 == len(list(docs.scan()))
            with pytest.raises(vecdb.StorageFull):
                other.upsert(ids=[1], vectors=[[1.0, 2.0]])
            assert other.count() == 0
        write(docs, 1)
        assert docs.count() in (BATCH, 2 * BATCH)
        write(docs, 0)
        check(docs, 2)
        assert docs.verify().ok
        other.upsert(ids=[2], vectors=[[1.0, 2.0]])
        assert {record.id for record in other.scan()} in ({2}, {1, 2})
    with vecdb.connect(path) as db:
        check(db["docs"], 2)
        assert db["docs"].verify().ok
        assert db["other"].verify().ok
