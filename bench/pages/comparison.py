"""Comparison: how fast each index is at given recalls, and how that compares with a baseline and the best peer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    other_session: bool  # not measured in turn with all that it is compared with: drift is in its ratios


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
    the frontiers of the single rounds. Mistake without points.
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
    """What one index does at each recall: by the medians, and round by round."""

    def __init__(self, label: str, points: Sequence[Point], recalls: Sequence[float], recall_metric: str) -> None:
        self.label = label
        self.algorithm = points[0].label
        self.sessions = {point.result.session for point in points}
        self.first = points[0].result
        self.top_recall = max(point.values[recall_metric] for point in points)
        at = [point.values[recall_metric] for point in points]
        rounds = min(len(point.result.laps) for point in points)
        medians = list(zip(at, (point.values["qps-median"] for point in points), strict=True))
        laps = [
            list(zip(at, (point.result.laps[number].qps for point in points), strict=True)) for number in range(rounds)
        ]
        self.rounds = [[qps_at_recall(lap, recall) for lap in laps] for recall in recalls]
        values = [qps_at_recall(medians, recall) for recall in recalls]
        self.qps = [
            None if value is None else spread(value, rounds) for value, rounds in zip(values, self.rounds, strict=True)
        ]

    def ratio_to(self, other: _Speeds | None, place: int) -> Spread | None:
        """Its speed over another's at one recall; a range only if both took the same number of rounds."""
        mine, theirs = self.qps[place], None if other is None else other.qps[place]
        if mine is None or theirs is None or other is None:
            return None
        pairs = list(zip(self.rounds[place], other.rounds[place], strict=False))
        return ratio(mine, theirs, pairs if len(self.rounds[place]) == len(other.rounds[place]) else [])


def _fastest(candidates: Sequence[_Speeds], place: int) -> _Speeds | None:
    """The one with the most queries a second at a recall; None if none reaches it."""
    reaching = [(figure.value, each) for each in candidates if (figure := each.qps[place]) is not None]
    return max(reaching, key=lambda pair: pair[0])[1] if reaching else None


def _row(
    own: _Speeds, references: Sequence[_Speeds | None], best_peers: Sequence[_Speeds | None], baseline: _Speeds | None
) -> Row:
    places = range(len(own.qps))
    compared = [each for each in (*references, *best_peers, baseline) if each is not None]
    return Row(
        label=own.label,
        algorithm=own.algorithm,
        top_recall=own.top_recall,
        qps=tuple(own.qps),
        to_baseline=tuple(own.ratio_to(references[place], place) for place in places),
        to_best_peer=tuple(own.ratio_to(best_peers[place], place) for place in places),
        build_seconds=own.first.build_seconds,
        index_bytes=own.first.index_bytes,
        build_to_baseline=_over(own.first.build_seconds, baseline.first.build_seconds if baseline else None),
        memory_to_baseline=_over(own.first.index_bytes, baseline.first.index_bytes if baseline else None),
        other_session=len(own.sessions.union(*(each.sessions for each in compared))) > 1,
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
    threads = sorted({point.result.threads for point in points})
    if len(threads) > 1:
        warnings.append(f"results with different numbers of threads: {', '.join(map(str, threads))}")
    machines = {point.result.machine.get("CPU", "") for point in points}
    if len(machines) > 1:
        warnings.append(f"results of different machines: {', '.join(sorted(machines))}")
    return warnings
