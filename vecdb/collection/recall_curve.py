"""From a wished recall to the candidates a walk must keep: a curve measured on the index itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

# Before anything was measured: cautious for embeddings of some hundred dimensions.
_UNMEASURED: Final = ((10, 0.70), (32, 0.88), (64, 0.94), (96, 0.96), (256, 0.99), (768, 0.999))
_K: Final = 10
EF_LEAST: Final = 10  # the least that is measured, whatever k is
RECALL_DEFAULT: Final = 0.95
# Who says nothing wants to find what is there, also with queries unlike the rows, and while these change.
EF_DEFAULT_LEAST: Final = 32
MEASURED_EFS: Final = (10, 16, 24, 40, 64, 100, 160, 256, 400, 640, 1000)


@dataclass(frozen=True, slots=True)
class RecallCurve:
    """(ef, recall@10) points, rising; `rows` is how many rows the index had when they were measured, 0 for never."""

    points: Sequence[tuple[int, float]] = _UNMEASURED
    rows: int = 0

    def ef_by_default(self, k: int) -> int:
        """The ef of a search that is asked for neither ef nor recall."""
        return max(self.ef_for(RECALL_DEFAULT, k), EF_DEFAULT_LEAST)

    def ef_for(self, recall: float, k: int) -> int:
        """The ef that reaches `recall` (0 .. 1) for k results: interpolated in log(1 - recall); at least k."""
        wanted = _hardness(recall)
        points = self.points
        ef = float(points[-1][0])
        if wanted > _hardness(points[-1][1]):
            ef *= 2.0  # beyond what was measured
        else:
            before = (1.0, 0.0)
            for point_ef, point_recall in points:
                reached = _hardness(point_recall)
                if reached >= wanted:
                    share = (wanted - before[1]) / (reached - before[1]) if reached > before[1] else 1.0
                    ef = math.exp(math.log(before[0]) * (1 - share) + math.log(point_ef) * share)
                    break
                before = (float(point_ef), reached)
        # A wider result needs more candidates, but fewer for each.
        return max(k, EF_LEAST, math.ceil(ef * math.pow(max(1.0, k / _K), 0.8)))

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {"rows": self.rows, "points": [list(point) for point in self.points]}

    @staticmethod
    def from_json(body: Any) -> RecallCurve:
        """The inverse; None gives the unmeasured curve."""
        if not body:
            return RecallCurve()
        return RecallCurve(tuple((int(ef), float(recall)) for ef, recall in body["points"]), int(body["rows"]))


def _hardness(recall: float) -> float:
    return -math.log(max(1.0 - recall, 1e-4))
