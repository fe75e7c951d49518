"""What a collection means, as a dict and numpy in float64; nothing of vecdb is used but the names of its results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from tests.filters.reference import matches

Array = npt.NDArray[np.float32]
RowId = int | str | UUID
Where = dict[str, Any] | None

EXACT_TOLERANCE = 2e-5  # of a score computed in float32, relative to the size of its terms
ROUNDED_TOLERANCE = 2**-10  # of a cosine with a row that was rounded to float16: its length is only about one


@dataclass(frozen=True)
class Row:
    """What the last write of an id left."""

    payload: dict[str, Any]
    vectors: Mapping[str, Array]


class ReferenceCollection:
    """The collection that vecdb should be, for metrics and dtypes (float32) by vector name, and declared fields."""

    def __init__(
        self, metrics: Mapping[str, str], fields: Mapping[str, str], dtypes: Mapping[str, str] | None = None
    ) -> None:
        self.metrics = dict(metrics)
        self.fields = dict(fields)
        self.dtypes = {**dict.fromkeys(metrics, "float32"), **(dtypes or {})}
        self.rows: dict[RowId, Row] = {}

    def copy(self) -> ReferenceCollection:
        other = ReferenceCollection(self.metrics, self.fields, self.dtypes)
        other.rows = dict(self.rows)
        return other

    def upsert(
        self, ids: Sequence[RowId], vectors: Mapping[str, Array], payloads: Sequence[dict[str, Any] | None] | None
    ) -> None:
        # Under cosine halves are made of the row of unit length, which only its direction tells of.
        vectors = {
            name: rows if self.metrics[name] == "cosine" else rows.astype(self.dtypes[name]).astype(np.float32)
            for name, rows in vectors.items()
        }
        for position, row_id in enumerate(ids):
            payload = (payloads[position] if payloads is not None else None) or {}
            self.rows[row_id] = Row(dict(payload), {name: rows[position].copy() for name, rows in vectors.items()})

    def update(self, ids: Iterable[RowId], changes: Mapping[str, Any], removed: Iterable[str]) -> tuple[int, int]:
        """Rows changed and ids that are not there."""
        found = [row_id for row_id in ids if row_id in self.rows]
        for row_id in found:
            payload = {**self.rows[row_id].payload, **changes}
            for name in removed:
                payload.pop(name, None)
            self.rows[row_id] = Row(payload, self.rows[row_id].vectors)
        return len(found), len(list(ids)) - len(found)

    def delete(self, ids: Iterable[RowId]) -> int:
        return sum(self.rows.pop(row_id, None) is not None for row_id in list(ids))

    def matching(self, where: Where) -> list[RowId]:
        if where is None:
            return list(self.rows)
        return [row_id for row_id, row in self.rows.items() if matches(normal(where), row.payload, row_id, self.fields)]

    def scores(self, query: Array, using: str, ids: Sequence[RowId]) -> npt.NDArray[np.float64]:
        """The score of each id, in float64."""
        if not ids:
            return np.empty(0)
        matrix = np.stack([self.rows[row_id].vectors[using] for row_id in ids])
        return exact_scores(query, matrix, self.metrics[using])

    def tolerance(self, query: Array, using: str) -> float:
        """How far a float32 score may be from the float64 one."""
        if self.metrics[using] == "cosine" and self.dtypes[using] != "float32":
            return ROUNDED_TOLERANCE
        if self.metrics[using] == "cosine" or not self.rows:
            return EXACT_TOLERANCE
        largest = max(float(np.abs(row.vectors[using]).max(initial=0)) for row in self.rows.values())
        return EXACT_TOLERANCE * (1 + len(query) * (largest + float(np.abs(query).max(initial=0))) ** 2)

    def check_exact(self, hits: Any, query: Array, k: int, where: Where, using: str) -> None:
        """The hits are a right answer to an exact search, whatever the order among equal scores."""
        self.check_sound(hits, query, k, where, using)
        candidates = self.matching(where)
        best = np.sort(self.scores(query, using, candidates))[::-1][:k]
        np.testing.assert_allclose(hits.scores, best, rtol=1e-5, atol=self.tolerance(query, using))

    def check_sound(self, hits: Any, query: Array, k: int, where: Where, using: str) -> None:
        """min(k, matching) different hits, each a matching row with its own score and payload, best first."""
        candidates = set(self.matching(where))
        ids = list(hits.ids)
        assert len(ids) == len(hits) == min(k, len(candidates)), (len(ids), k, len(candidates))
        assert len(set(map(typed, ids))) == len(ids), "an id came twice"
        for row_id in ids:
            assert row_id in candidates, f"{row_id!r} does not match or is not there"
        scores = np.asarray(hits.scores)
        assert scores.dtype == np.float32
        assert (np.diff(scores) <= 0).all(), "not best first"
        expected = self.scores(query, using, ids)
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=self.tolerance(query, using))
        for hit, row_id, score in zip(hits, ids, scores, strict=True):
            assert (hit.id, hit.score) == (row_id, score)
            assert hit.payload == self.rows[row_id].payload

    def recall(self, hits: Any, query: Array, k: int, where: Where, using: str) -> float:
        """The share of the k best scores that the hits reach."""
        best = np.sort(self.scores(query, using, self.matching(where)))[::-1][:k]
        if not len(best):
            return 1.0
        worst = best[-1] - self.tolerance(query, using)
        return min(1.0, float((np.asarray(hits.scores) >= worst).sum()) / len(best))

    def check_records(self, records: Iterable[Any], ids: Iterable[RowId]) -> None:
        """The records are exactly these ids, in any order, with their payloads."""
        found = {typed(record.id): record.payload for record in records}
        assert found == {typed(row_id): self.rows[row_id].payload for row_id in ids}

    def check_vectors(self, records: Iterable[Any]) -> None:
        """Records that were read with_vectors hold what was written; under cosine its direction."""
        for record in records:
            for name, metric in self.metrics.items():
                written = self.rows[record.id].vectors[name]
                assert record.vectors[name].dtype == np.float32
                if metric == "cosine":
                    close = exact_scores(written, record.vectors[name][None], "cosine")
                    assert abs(close[0] - 1) < EXACT_TOLERANCE, (record.id, name, written, record.vectors[name])
                else:
                    assert np.array_equal(record.vectors[name], written), (record.id, name)


def exact_scores(query: Array, matrix: Array, metric: str) -> npt.NDArray[np.float64]:
    """Higher is better: cosine similarity, dot product, or negated squared L2."""
    wide, rows = query.astype(np.float64), matrix.astype(np.float64)
    if metric == "l2":
        return np.asarray(-((rows - wide) ** 2).sum(axis=1))
    dots = rows @ wide
    if metric == "dot":
        return np.asarray(dots)
    return np.asarray(dots / np.linalg.norm(rows, axis=1) / np.linalg.norm(wide))


def normal(where: dict[str, Any]) -> dict[str, Any]:
    """A dict spelling with short forms written out, as the filter reference wants it."""
    parts: list[dict[str, Any]] = []
    for key, value in where.items():
        if key in ("$and", "$or"):
            parts.append({key: [normal(part) for part in value]})
        elif key == "$not":
            parts.append({key: normal(value)})
        elif key == "$has_id":
            parts.append({key: value})
        elif isinstance(value, dict):
            parts += [{key: {operator: operand}} for operator, operand in value.items()]
        else:
            parts.append({key: {"==": value}})
    return parts[0] if len(parts) == 1 else {"$and": parts}


def typed(row_id: RowId) -> tuple[type, RowId]:
    """An id as a key that tells 1 from True and from "1"."""
    return type(row_id), row_id
