"""Rows that are deleted and inserted again, round after round: the graph against one that was built afresh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

import vecdb
from vecdb.bench.promises.dataset import Dataset, Floats, Ids
from vecdb.bench.promises.graph_rows import found_ids, graph_collection, lost_rows, put, recall_among
from vecdb.bench.promises.graph_search import search_lap
from vecdb.bench.promises.lap import alternate, rate_reading
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import K, Setting

SHARE: Final = 5  # one row of so many goes in a round
EFS: Final = (32, 64, 128)
TIMED_EF: Final = 64
SEEDS: Final = (20_251_120, 20_251_121, 20_251_122)  # two builds of the same rows differ by .002 as well
FRESH: Final = "a fresh build"

Choose = Callable[[Dataset, np.random.Generator], Ids]


def random_churn(setting: Setting) -> list[Result]:
    """Recall and speed after rounds in which a random fifth of the rows goes and comes again."""
    return churn(setting, "a random 20%", random_fifth)


def cluster_churn(setting: Setting) -> list[Result]:
    """The same where the fifth is what lies around one row: a hole that no list leads around."""
    return churn(setting, "a cluster of 20%", fifth_around_a_row)


def churn(setting: Setting, what: str, choose: Choose) -> list[Result]:
    """Recall lost at the same ef, queries a second, rows out of reach and disk, after setting.churn_rounds rounds.

    Recall is that of all queries, and the mean of as many databases as there are SEEDS; the rest is of the last.
    """
    dataset = setting.dataset()
    queries = dataset.queries(setting.queries_per_lap)
    recalls: dict[int, list[list[float]]] = {ef: [] for ef in EFS}
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        with (
            setting.empty_folder() as folder,
            graph_collection(folder / "fresh", setting) as fresh,
            graph_collection(folder / "worn", setting) as worn,
        ):
            # In one random order, for those that are inserted again come in one: order alone changes recall by .002.
            order = random.permutation(dataset.ids)
            for docs in (fresh, worn):
                put(docs, setting, order)
                docs.optimize(wait=True)
            for _ in range(setting.churn_rounds):
                ids = choose(dataset, random)
                worn.delete(ids)
                put(worn, setting, random.permutation(ids))
                worn.optimize(wait=True)
            lost = lost_rows(worn)
            for ef, found in recalls.items():
                found.append(
                    [
                        recall_among(dataset, dataset.ids, dataset.test, found_ids(docs, dataset.test, ef))
                        for docs in (worn, fresh)
                    ]
                )
            laps = alternate([search_lap(searching(docs), queries) for docs in (worn, fresh)], setting.repetitions)
            disk_mib = [docs.stats().disk_bytes / 2**20 for docs in (worn, fresh)]
    label = f"{what} deleted and inserted again, {setting.churn_rounds} rounds"
    ours, theirs = (rate_reading(each, len(queries), "queries/s") for each in laps)
    return [
        *(
            Result(
                measure=f"{label}: recall@{K} lost at ef {ef} ({after:.4f}, {FRESH} {before:.4f})",
                ours=Reading((before - after,), "of 1"),
                target=Target(0.005, is_floor=False),
            )
            for ef, (after, before) in ((ef, np.mean(found, axis=0)) for ef, found in recalls.items())
        ),
        Result(
            measure=f"{label}: queries/s at ef {TIMED_EF}",
            ours=ours,
            peer=theirs,
            peer_name=FRESH,
            target=Target(0.9, is_floor=True, is_ratio=True),
        ),
        Result(
            measure=f"{label}: rows that no walk reaches",
            ours=Reading((float(lost),), "rows"),
            target=Target(0, is_floor=False),
        ),
        Result(
            measure=f"{label}: disk",
            ours=Reading((disk_mib[0],), "MiB"),
            peer=Reading((disk_mib[1],), "MiB"),
            peer_name=FRESH,
        ),
    ]


def random_fifth(dataset: Dataset, random: np.random.Generator) -> Ids:
    """Ids without repeats."""
    return random.choice(dataset.ids, len(dataset.ids) // SHARE, replace=False)


def fifth_around_a_row(dataset: Dataset, random: np.random.Generator) -> Ids:
    """The ids nearest to a row drawn at random."""
    scores = dataset.train @ dataset.train[random.integers(len(dataset.train))]
    return np.argsort(-scores)[: len(dataset.ids) // SHARE].astype(np.int64)


def searching(docs: vecdb.Collection) -> Callable[[Floats], list[vecdb.Id]]:
    """One query a call, and its ids."""

    def search(query: Floats) -> list[vecdb.Id]:
        ids: list[vecdb.Id] = docs.search(query, k=K, ef=TIMED_EF).ids
        return ids

    return search
