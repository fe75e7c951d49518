"""Many rows at once, as upserts of a thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vecdb.errors import InvalidArgument
from vecdb.exchange.refusal import placed
from vecdb.ids import IdBatch, encode_ids, require_distinct
from vecdb.progress import Progress, reporter
from vecdb.types import WriteResult

Upsert = Callable[[Any, Any, Any], WriteResult]

BATCH_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class UpsertArguments:
    """What one upsert is given; not checked."""

    ids: Any
    vectors: Any
    payloads: Any


def upsert_in_batches(
    upsert: Upsert,
    ids: IdBatch,
    vectors: Any,
    payloads: Sequence[Mapping[str, Any] | None] | None,
    progress: Progress,
) -> WriteResult:
    """Upserts BATCH_ROWS rows at a time, reporting after each batch; the result counts them all.

    Ids are checked before the first batch, and errors count rows from the first of all.
    """
    report = reporter(progress, "upsert")
    total, batches = row_batches(ids, vectors, payloads, BATCH_ROWS)
    count, sequence = 0, 0
    for some in batches:
        try:
            result = upsert(some.ids, some.vectors, some.payloads)
        except InvalidArgument as error:
            raise placed(error, count) from error
        count, sequence = count + result.count, result.sequence
        if report is not None:
            report(count, total)
    return WriteResult(count=count, sequence=sequence)


def row_batches(
    ids: IdBatch, vectors: Any, payloads: Sequence[Mapping[str, Any] | None] | None, rows: int
) -> tuple[int, Iterator[UpsertArguments]]:
    """How many rows there are, and all of them as arguments of upserts of at most `rows`; one upsert at least.

    InvalidId, DuplicateId. Where vectors or payloads are not one a row, all goes into one upsert, which refuses it.
    """
    encoded = encode_ids(ids)
    total = len(encoded)
    require_distinct(encoded)
    columns = list(vectors.values()) if isinstance(vectors, Mapping) else [vectors]
    if payloads is not None:
        columns.append(payloads)
    if total == 0 or not all(_has_rows(column, total) for column in columns):
        return total, iter([UpsertArguments(ids, vectors, payloads)])

    def batches() -> Iterator[UpsertArguments]:
        for first in range(0, total, rows):
            some = slice(first, first + rows)
            if isinstance(vectors, Mapping):
                arrays: Any = {name: array[some] for name, array in vectors.items()}
            else:
                arrays = vectors[some]
            yield UpsertArguments(ids[some], arrays, None if payloads is None else payloads[some])

    return total, batches()


def _has_rows(column: Any, total: int) -> bool:
    return hasattr(column, "__len__") and hasattr(column, "__getitem__") and len(column) == total
