"""Searches through vecdb's server against those of Milvus Lite and chromadb, at the same recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np

from vecdb.bench.promises.clients import Clients
from vecdb.bench.promises.dataset import Ids, recall, true_scores
from vecdb.bench.promises.lap import alternate
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.remote_clients import rate_lap
from vecdb.bench.promises.served_database import ServedDatabase, served_database
from vecdb.bench.promises.server_peers import PEERS, RunningPeer, running_peers
from vecdb.bench.promises.setting import K, Setting

RECALL: Final = 0.95
TIMES: Final = 5
RECALL_QUERIES: Final = 500  # that a recall is measured on: the slowest server answers 25 a second


@dataclass(frozen=True, slots=True)
class Tuned:
    """A server at the smallest ef of the sweep that reaches RECALL, or at the largest one; and its clients."""

    name: str
    ef: int
    recall: float
    clients: Clients

    def lap(self, setting: Setting, processes: int) -> Callable[[], float]:
        """Calls a second of so many clients."""
        return rate_lap(self.clients, setting, processes, 1, ef=self.ef)

    def __str__(self) -> str:
        return f"{self.recall:.3f} (ef {self.ef})"


def remote_peers(setting: Setting) -> list[Result]:
    """Searches a second that return ids and scores, from one client and from setting.clients processes.

    All have the same vectors and an HNSW graph with the same m and ef_construction. A peer that setting.peer_python
    does not have is reported as absent.
    """
    with served_database(setting) as served, ExitStack() as running:
        rows = served.folder / "rows.npy"
        np.save(rows, setting.dataset().train)
        peers = running.enter_context(running_peers(setting.peer_python, served.folder, served.queries, rows))
        tuned = [tuned_vecdb(served, setting, running)]
        tuned += [tuned_peer(peer, setting, running) for peer in peers]
        results = []
        for count in (1, setting.clients):
            rates = alternate([each.lap(setting, count) for each in tuned], setting.repetitions)
            readings = [Reading(tuple(each), "searches/s") for each in rates]
            results += lines(f"{count} client{'s' if count > 1 else ''}", tuned, readings)
    return results


def lines(who: str, tuned: Sequence[Tuned], readings: Sequence[Reading]) -> list[Result]:
    """A line for each peer; the first of `tuned` is vecdb."""
    found = dict(zip((each.name for each in tuned), zip(tuned, readings, strict=True), strict=True))
    ours, our_reading = found["vecdb"]
    results = []
    for peer in PEERS:
        if peer.name not in found:
            what = f"server searches, {who}, recall@{K} {ours}; {peer.name} is absent"
            results.append(Result(measure=what, ours=our_reading))
            continue
        theirs, their_reading = found[peer.name]
        results.append(
            Result(
                measure=f"server searches, {who}, recall@{K} {ours} against {theirs}",
                ours=our_reading,
                peer=their_reading,
                peer_name=peer.name,
                target=Target(TIMES, is_floor=True, is_ratio=True),
            )
        )
    return results


def tuned_vecdb(served: ServedDatabase, setting: Setting, running: ExitStack) -> Tuned:
    """vecdb at its ef."""
    clients = running.enter_context(Clients("remote", served.options([]), setting.clients))

    def recall_at(ef: int) -> float:
        return recall_of(clients.found(RECALL_QUERIES, ef=ef), setting)

    ef, reached = smallest_ef(setting.efs, recall_at)
    return Tuned("vecdb", ef, reached, clients)


def tuned_peer(peer: RunningPeer, setting: Setting, running: ExitStack) -> Tuned:
    """A peer at its ef."""

    def recall_at(ef: int) -> float:
        peer.tune(ef)
        with peer.clients(ef=ef) as clients:
            return recall_of(clients.found(RECALL_QUERIES, ef=ef), setting)

    ef, reached = smallest_ef(setting.efs, recall_at)
    peer.tune(ef)
    return Tuned(peer.peer.name, ef, reached, running.enter_context(peer.clients(setting.clients, ef=ef)))


def recall_of(found: Ids, setting: Setting) -> float:
    """recall@K of what the first queries of a lap found; RuntimeError if it is less than K rows a query."""
    dataset = setting.dataset()
    if found.shape[1] != K or (found < 0).any():
        raise RuntimeError(f"expected {K} rows a query, received fewer: {found.shape}")
    queries = dataset.queries(setting.queries_per_lap)[: len(found)]
    return recall(dataset, queries, found, true_scores(dataset, queries, K))


def smallest_ef(efs: Sequence[int], recall_at: Callable[[int], float]) -> tuple[int, float]:
    """The smallest of rising `efs` whose recall is at least RECALL, and that; by bisection. Else the largest one."""
    low, high = 0, len(efs) - 1
    reached: dict[int, float] = {}
    while low < high:
        middle = (low + high) // 2
        reached[middle] = recall_at(efs[middle])
        if reached[middle] >= RECALL:
            high = middle
        else:
            low = middle + 1
    return efs[low], reached[low] if low in reached else recall_at(efs[low])
