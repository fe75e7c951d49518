"""Comparison: how fast each index is at given recalls, and how that compares with a baseline and the best peer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from statistics import median
from typing import Final

from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.appearance import is_ours
from vecdb.bench.pages.points import Point, by_build
from vecdb.bench.pages.spread import Spread, ratio, spread
from vecdb.bench.results.pareto import qps_at_recall

RECALLS: Final = (0.90, 0.95, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Row:
    """One index: figures at each recall of the comparison, None where its curve does not reach it.

    Ratios are ours over theirs: above 1 is faster, and for build and memory below 1 is less.
    """

    label: str
    algorithm: str
    top_recall: float
    qps: tuple[Spread | None, ...]
    to_baseline: tuple[Spread | None, ...]
    to_best_peer: tuple[Spread | None, ...]
    build_seconds: float
    index_bytes: int
    build_to_baseline: float | None
    memory_to_baseline: float | None
    other_session: bool  # without a session in common with something it is compared with: drift is in its ratios
    partial: bool  # asked only a part of the data set's queries


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows from the fastest to the slowest, and the labels of what they are compared with at each recall."""

    recalls: tuple[float, ...]
    baseline: str
    baselines: tuple[str | None, ...]  # the label of the fastest index of the baseline
    best_peers: tuple[str | None, ...]  # the label of the fastest peer
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]


def compare(
    points: Sequence[Point], recalls: Sequence[float] = RECALLS, baseline: str = "hnswlib", recall_metric: str = "k-nn"
) -> Comparison:
    """Compares the points of one data set, count and mode; `recall_metric` is the name of the recall to compare at.

    The figure at a recall is taken from the frontier of the medians of the laps; its range, and that of a ratio, from
    the frontiers of the single rounds of each session. A ratio is of the laps of sessions in which both were measured.
    Mistake without points.
    """
    if not points:
        raise Mistake("there are no results to compare")
    speeds = {label: _Speeds(label, found, recalls, recall_metric) for label, found in by_build(points).items()}
    names = (baseline, f"{baseline}-batch")
    of_baseline = [each for each in speeds.values() if each.algorithm in names]
    peers = [each for each in speeds.values() if not is_ours(each.algorithm)]
    places = range(len(recalls))
    references = [_fastest(of_baseline, place) for place in places]
    best_peers = [_fastest(peers, place) for place in places]
    first = of_baseline[0] if of_baseline else None
    rows = [_row(each, references, best_peers, first) for each in speeds.values()]
    return Comparison(
        recalls=tuple(recalls),
        baseline=baseline,
        baselines=tuple(each.label if each else None for each in references),
        best_peers=tuple(each.label if each else None for each in best_peers),
        rows=tuple(sorted(rows, key=_order)),
        warnings=tuple(_warnings(points, rows, baseline, first)),
    )


class _Speeds:
    """What one index does at each recall: by the medians, and round by round within each session."""

    def __init__(self, label: str, points: Sequence[Point], recalls: Sequence[float], recall_metric: str) -> None:
        self.label = label
        self.algorithm = points[0].label
        self.first = points[0].result
        self.partial = [point for point in points if point.partial]
        self.top_recall = max(point.values[recall_metric] for point in points)
        self._points = points
        self._at = [point.values[recall_metric] for point in points]
        self._medians = [point.values["qps-median"] for point in points]
        self._recalls = recalls
        self.sessions = list(dict.fromkeys(session for point in points for session in point.laps_by_session))
        values = [self._at_recall(place, self._medians) for place in range(len(recalls))]
        self.qps = [
            None if value is None else spread(value, self._every_round(place)) for place, value in enumerate(values)
        ]

    def ratio_to(self, other: _Speeds | None, place: int) -> tuple[Spread | None, bool]:
        """Its speed over another's at one recall, and whether that is of laps of common sessions, of which it is the
        median; where there are none it is of all laps, without a range.
        """
        mine, theirs = self.qps[place], None if other is None else other.qps[place]
        if mine is None or theirs is None or other is None:
            return None, True
        values: list[float] = []
        rounds: list[float] = []
        for session in (each for each in self.sessions if each in other.sessions):
            own, its = self._in_session(session, place), other._in_session(session, place)
            if own is not None and its is not None and its[0]:
                values.append(own[0] / its[0])
                rounds += [a / b for a, b in zip(own[1], its[1], strict=False) if b]
        if values:
            return spread(median(values), rounds), True
        return ratio(mine, theirs, []), False

    def _at_recall(self, place: int, speeds: Sequence[float | None]) -> float | None:
        """The figure of the curve through the points that have a speed."""
        curve = [(at, speed) for at, speed in zip(self._at, speeds, strict=True) if speed is not None]
        return qps_at_recall(curve, self._recalls[place]) if curve else None

    def _in_session(self, session: str, place: int) -> tuple[float, list[float]] | None:
        """Its figure at a recall by the medians of a session's laps, and round by round; None if points that make the
        figure are missing in that session: the others would tell of another curve.
        """
        laps = [point.laps_by_session.get(session, []) for point in self._points]
        present = [whole if own else None for whole, own in zip(self._medians, laps, strict=True)]
        of_present, of_all = self._at_recall(place, present), self._at_recall(place, self._medians)
        if of_present is None or of_all is None or not isclose(of_present, of_all):
            return None
        value = self._at_recall(place, [median(lap.qps for lap in own) if own else None for own in laps])
        rounds = [
            self._at_recall(place, [own[number].qps if own else None for own in laps])
            for number in range(min(len(own) for own in laps if own))
        ]
        return None if value is None else (value, [each for each in rounds if each is not None])

    def _every_round(self, place: int) -> list[float]:
        """Its figure in each round of each session; if no session has all that makes it, by the number of the lap."""
        found = [self._in_session(session, place) for session in self.sessions]
        if any(found):
            return [figure for own in found if own is not None for figure in own[1]]
        laps = [point.result.laps for point in self._points]
        rounds = [self._at_recall(place, [own[number].qps for own in laps]) for number in range(min(map(len, laps)))]
        return [each for each in rounds if each is not None]


def _fastest(candidates: Sequence[_Speeds], place: int) -> _Speeds | None:
    """The one with the most queries a second at a recall; None if none reaches it."""
    reaching = [(figure.value, each) for each in candidates if (figure := each.qps[place]) is not None]
    return max(reaching, key=lambda pair: pair[0])[1] if reaching else None


def _row(
    own: _Speeds, references: Sequence[_Speeds | None], best_peers: Sequence[_Speeds | None], baseline: _Speeds | None
) -> Row:
    places = range(len(own.qps))
    to_baseline = [own.ratio_to(references[place], place) for place in places]
    to_best_peer = [own.ratio_to(best_peers[place], place) for place in places]
    together = baseline is None or not set(own.sessions).isdisjoint(baseline.sessions)
    return Row(
        label=own.label,
        algorithm=own.algorithm,
        top_recall=own.top_recall,
        qps=tuple(own.qps),
        to_baseline=tuple(figure for figure, _ in to_baseline),
        to_best_peer=tuple(figure for figure, _ in to_best_peer),
        build_seconds=own.first.build_seconds,
        index_bytes=own.first.index_bytes,
        build_to_baseline=_over(own.first.build_seconds, baseline.first.build_seconds if baseline else None),
        memory_to_baseline=_over(own.first.index_bytes, baseline.first.index_bytes if baseline else None),
        other_session=not (together and all(common for _, common in (*to_baseline, *to_best_peer))),
        partial=bool(own.partial),
    )


def _over(mine: float, theirs: float | None) -> float | None:
    return mine / theirs if theirs else None


def _order(row: Row) -> tuple[float, ...]:
    """The fastest first: at the middle recall, else at lower ones if it is not reached, then at higher ones."""
    middle = len(row.qps) // 2
    places = [*range(middle, -1, -1), *range(middle + 1, len(row.qps))]
    figures = [row.qps[place] for place in places]
    return tuple(-figure.value if figure else 0.0 for figure in figures)


def _warnings(points: Sequence[Point], rows: Sequence[Row], baseline: str, found: _Speeds | None) -> list[str]:
    """What a reader must know before trusting the ratios."""
    warnings = []
    if found is None:
        warnings.append(f"there is no result of the baseline {baseline}: no ratios to it")
    apart = [row.label for row in rows if row.other_session]
    if apart:
        warnings.append(
            f"* not in one session with what it is compared with: drift of the machine is in the ratios of "
            f"{', '.join(apart)}"
        )
    if any(len(point.laps_by_session) > 1 for point in points):
        warnings.append("laps of several sessions: a ratio without * is of the laps of sessions that both took part in")
    if any(row.partial for row in rows):
        asked = sorted({len(point.result.neighbors) for point in points if point.partial})
        warnings.append(
            f"† asked only the first {_range_text(asked)} of the set's "
            f"{max(point.queries for point in points):,} queries at its slowest settings: recall and speed are of those"
        )
    threads = sorted({point.result.threads for point in points})
    if len(threads) > 1:
        warnings.append(f"results with different numbers of threads: {', '.join(map(str, threads))}")
    machines = {point.result.machine.get("CPU", "") for point in points}
    if len(machines) > 1:
        warnings.append(f"results of different machines: {', '.join(sorted(machines))}")
    return warnings


def _range_text(numbers: list[int]) -> str:
    return f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}"
