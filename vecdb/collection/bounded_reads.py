"""The reads of a collection as a server answers them: within a deadline, and no larger than a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vecdb.call_checks import check_number, check_recall
from vecdb.collection import inspect, pages, scanner
from vecdb.collection.collection import Collection
from vecdb.collection.deadline import Deadline
from vecdb.collection.filtering import matching_rows
from vecdb.collection.pages import Pages
from vecdb.filters import Expression
from vecdb.ids import IdBatch
from vecdb.types import RecallReport, Record, VerifyReport


def get_within(
    collection: Collection, ids: IdBatch, with_vectors: bool, bytes_maximum: int, seconds: float | None = None
) -> list[Record]:
    """Collection.get(), but LimitExceeded as soon as the rows have more than so many bytes; Timeout."""
    collection._check()
    state, commits = collection._state, collection._session.commits
    return scanner.get(state, commits, ids, with_vectors, bytes_maximum, Deadline(seconds))


def count_within(collection: Collection, where: Expression | None, seconds: float | None) -> int:
    """Collection.count(). Timeout."""
    collection._check()
    state, deadline = collection._state, Deadline(seconds)
    snapshot = state.snapshot
    if where is None:
        return len(snapshot.live)
    try:
        return len(matching_rows(state, snapshot, where, deadline.at))
    except TimeoutError:
        raise deadline.passed() from None


def scan_within(
    collection: Collection,
    where: Expression | None,
    *,
    order_by: str | None,
    batch: int,
    with_vectors: bool,
    bytes_maximum: int,
    seconds: Callable[[], float],
) -> Pages:
    """Collection.scan() in pages of so many rows and about so many bytes. Timeout if one takes longer than `seconds()`.

    That is asked before each page, and before the rows are put in order: the time a caller takes between them is his.
    """
    collection._check()
    check_number("batch", batch, "SCAN_BATCH_ROWS")
    deadline = Deadline(seconds())
    at_most = min(bytes_maximum, pages.PAGE_BYTES)
    found = pages.scan(collection._state, collection._check, where, order_by, batch, with_vectors, at_most, deadline)

    def each() -> Iterator[list[Record]]:
        while True:
            deadline.restart(seconds())
            page = next(found, None)
            if page is None:
                return
            yield page

    return Pages(each(), found.total)


def recall_within(
    collection: Collection, sample: int, k: int, using: str | None, ef: int | None, seed: int, seconds: float | None
) -> RecallReport:
    """Collection.recall(). Timeout."""
    collection._check()
    check_recall(sample, k, ef, seed)
    column = collection._searcher.column(using)
    return inspect.recall_report(collection._state, column, sample, k, ef, seed, Deadline(seconds))


def verify_within(collection: Collection, seconds: float | None) -> VerifyReport:
    """Collection.verify(). Timeout."""
    collection._check()
    return inspect.verify(collection._state, collection._session.commits, Deadline(seconds))
