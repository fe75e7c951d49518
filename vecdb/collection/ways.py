"""Ways to answer a search: which rows it looks at, and how."""

from __future__ import annotations

from typing import Final, NamedTuple

from vecdb import limits
from vecdb.collection.recall_curve import RecallCurve
from vecdb.collection.vector_column import VectorColumn
from vecdb.index.vector_index import View
from vecdb.native.index import RowMask
from vecdb.types import Plan

_KEPT: Final = 64
_NO_ROWS: Final = RowMask()
_READS_PAYLOADS: Final = "no field index answers the filter: every payload was read"

Wish = tuple[int, int | None, float | None, bool]  # k, ef, recall, exact: those a caller may give, checked


class Way(NamedTuple):
    """What an index is asked for, and the plan that hits will show if no walk falls short."""

    view: View
    exact: bool
    ef: int  # candidates kept by a walk; 0 where none is walked
    plan: Plan


class Ways(dict[Wish, Way]):
    """The way of each search without a filter, found when it is first asked for; of one view, by one curve."""

    __slots__ = ("_column", "curve", "view")

    def __init__(self, column: VectorColumn, view: View, curve: RecallCurve) -> None:
        super().__init__()
        self._column = column
        self.view = view
        self.curve = curve

    def __missing__(self, wish: Wish) -> Way:
        k, ef, recall, exact = wish
        if exact or not self._column.index.absorbs:
            walked = 0
        elif ef is not None:
            walked = max(ef, k)
        else:
            wanted = self.curve.ef_by_default(k) if recall is None else self.curve.ef_for(recall, k)
            walked = min(wanted, limits.EF_AUTOMATIC_MAXIMUM)
        walked = int(walked)  # of a numpy number, which stands for the same wish
        live = len(self.view.live)
        plan = _plan(self._column, len(self.view.tail) if walked else live, live, walked, None)
        if len(self) >= _KEPT:
            self.clear()
        self[wish] = way = Way(self.view, exact, walked, plan)
        return way


def through_filter(column: VectorColumn, allowed: RowMask) -> Way:
    """The way of a search among the rows that a filter allows: all of them are scored."""
    rows = len(allowed)
    return Way(View(allowed, _NO_ROWS, False), True, 0, _plan(column, rows, rows, 0, _READS_PAYLOADS))


def _plan(column: VectorColumn, scanned: int, matched: int, walked: int, slow_reason: str | None) -> Plan:
    return Plan(
        strategy="graph" if walked else "scan",
        rows_scanned=scanned,
        rows_matched=matched,
        estimated=False,
        metric=column.vector.metric,
        ef=walked or None,
        slow_reason=slow_reason,
    )
