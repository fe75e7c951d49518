"""A runbook carried out on an index, beside a dict."""

from __future__ import annotations

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.workloads.live_rows import Live, Replay
from vecdb.bench.workloads.runbook_file import Book, Delete, Insert, Replace, Search

DATASET = made_dataset(200)
# The first insert begins at 50, so number 50 is id 0; number 0 is what comes after the last.
BOOK = Book(
    "made-200",
    70,
    (
        Insert(50, 100),
        Search(),
        Delete(60, 80),
        Insert(0, 40),
        Search(),
        Replace(50, 55, 150, 155),
        Insert(60, 62),
        Search(),
    ),
)


def test_an_index_has_what_a_dict_has_after_every_step() -> None:
    for batch_rows in (3, 1000):
        index = ExactIndex()
        live = Live(index, BOOK, DATASET.train, batch_rows)
        expected: dict[int, int] = {}
        for step, row_of in Replay(BOOK):
            match step:
                case Insert(start, end):
                    expected.update((number, number) for number in range(start, end))
                case Delete(start, end):
                    for number in range(start, end):
                        del expected[number]
                case Replace(tags_start, tags_end, ids_start, ids_end):
                    expected.update(zip(range(tags_start, tags_end), range(ids_start, ids_end), strict=True))
            by_id = {(number - 50) % 100: row for number, row in expected.items()}
            assert dict(enumerate(row_of.tolist())) == {id_: by_id.get(id_, -1) for id_ in range(100)}
            if not isinstance(step, Search):
                live.change(step)
            assert index.rows.keys() == by_id.keys()
            assert all((index.rows[id_] == DATASET.train[row]).all() for id_, row in by_id.items())
        assert index.fits == 1
