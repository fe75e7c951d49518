"""What repetitions of one measure say: a value with its spread, what it cost, and what was promised."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """Values of one quantity, one a repetition, with the CPU seconds of each where known; no values: not reached."""

    values: tuple[float, ...]
    unit: str
    cpu_seconds: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        """The middle value; NaN without values."""
        return statistics.median(self.values) if self.values else math.nan

    def __str__(self) -> str:
        if not self.values:
            return "not reached"
        text = f"{number_text(self.median)} {self.unit}"
        if len(self.values) > 1:
            text += f" [{number_text(min(self.values))} .. {number_text(max(self.values))}]"
        if self.cpu_seconds:
            text += f", CPU {number_text(statistics.median(self.cpu_seconds))} s"
        return text


@dataclass(frozen=True, slots=True)
class Target:
    """A promise on the median of ours, or on its ratio to the peer's: at least, or at most, `bound`."""

    bound: float
    is_floor: bool
    is_ratio: bool = False

    def is_met(self, ours: Reading, ratio: float) -> bool:
        """Whether the promise holds; never for a value that was not reached."""
        value = ratio if self.is_ratio else ours.median
        return value >= self.bound if self.is_floor else value <= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table; a line without a target informs."""

    measure: str
    ours: Reading
    peer: Reading | None = None
    peer_name: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's, medians; NaN without a peer."""
        return self.ours.median / self.peer.median if self.peer is not None and self.peer.median else math.nan

    def cells(self) -> tuple[str, ...]:
        """Its texts under RESULT_HEADINGS of vecdb.bench.promises.report."""
        peer = "" if self.peer is None else f"{self.peer_name} {self.peer}"
        ratio = "" if math.isnan(self.ratio) else f"{self.ratio:.2f}"
        return self.measure, str(self.ours), peer, ratio, self._target_text()

    def _target_text(self) -> str:
        if self.target is None:
            return ""
        sign = ">=" if self.target.is_floor else "<="
        what = "ratio" if self.target.is_ratio else ""
        unit = "" if self.target.is_ratio else self.ours.unit
        verdict = "met" if self.target.is_met(self.ours, self.ratio) else "missed"
        return " ".join(filter(None, [what, sign, number_text(self.target.bound), unit])) + f": {verdict}"


def number_text(value: float) -> str:
    """Three digits, or all of those before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
