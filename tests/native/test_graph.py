"""The graph against brute force: recall has a floor, and whatever is inserted or removed every row can be reached."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.native.stored_rows import StoredRows, all_rows, mask_of, stored
from vecdb.native import kernels
from vecdb.native.index import Graph, RowMask, ThreadPool, search, search_many
from vecdb.native.kernels import Kind, Metric

POOL = ThreadPool(2)
ONE_THREAD = ThreadPool(1)
NOBODY = RowMask()


@dataclass(frozen=True, slots=True)
class Numbers:
    """A graph as plain numbers."""

    levels: NDArray[np.uint8]
    ground: NDArray[np.uint32]
    upper: NDArray[np.uint32]
    entry: int


@pytest.mark.parametrize(
    ("shape", "metric", "row_type", "floor"),
    [
        ("uniform", "l2", "float32", 0.95),
        ("clustered", "l2", "float32", 0.98),
        ("clustered", "l2", "float16", 0.98),
        ("clustered", "l2", "bfloat16", 0.98),
        ("clustered", "l2", "int8", 0.95),
        ("unit", "dot", "float32", 0.98),
        ("unit", "dot", "int8", 0.95),
        ("raw norms", "dot", "float32", 0.95),
        ("hubs", "dot", "float32", 0.95),
    ],
)
def test_recall_has_a_floor(shape: str, metric: Metric, row_type: Kind, floor: float) -> None:
    rows = stored(vectors(shape, 4_000, 24, seed=1), row_type, metric)
    graph = built(rows, batches=5)
    graph.relink()
    assert_sound(graph, all_rows(4_000))
    queries = vectors(shape, 100, 24, seed=1, sample=2)
    assert recall(graph, rows, queries, mask_of(all_rows(4_000))) >= floor, "seed 1"


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_however_many_threads_insert_every_row_is_reached(threads: int) -> None:
    rows = stored(vectors("clustered", 4_000, 8, seed=3))
    for attempt in range(3):
        graph = built(rows, batches=2, pool=ThreadPool(threads), m=12, ef_construction=50, seed=attempt)
        assert_sound(graph, all_rows(4_000), allowed_lost=3)
        assert graph.relink() <= 3, f"attempt {attempt}"
        assert graph.relink() == 0
        assert_sound(graph, all_rows(4_000))


def test_rows_named_twice_or_already_there_are_inserted_once() -> None:
    rows = stored(vectors("uniform", 1_000, 8, seed=4))
    order = np.random.default_rng(4).permutation(all_rows(1_000))
    once, twice = Graph(rows.store, 8, 40), Graph(rows.store, 8, 40)
    once.insert(order, ONE_THREAD)
    twice.insert(np.concatenate([order[:600], order[:600]]), ONE_THREAD)
    twice.insert(np.concatenate([order, order]), ONE_THREAD)
    assert len(twice) == 1_000
    assert_same(numbers(once), numbers(twice))


def test_one_thread_and_one_seed_give_one_graph() -> None:
    rows = stored(vectors("clustered", 2_000, 16, seed=5))
    first, second, other = (built(rows, pool=ONE_THREAD, seed=seed) for seed in (9, 9, 10))
    assert_same(numbers(first), numbers(second))
    for graph in (first, second):
        graph.remove(all_rows(2_000)[::7].copy(), ONE_THREAD)
    assert_same(numbers(first), numbers(second))
    assert not np.array_equal(numbers(first).levels, numbers(other).levels)


@pytest.mark.parametrize("metric", kernels.METRICS)
@pytest.mark.parametrize("case", ["a fifth", "a cluster", "the entry", "neighbours of a row", "all but three"])
def test_after_a_removal_the_rest_is_sound_and_found(metric: Metric, case: str) -> None:
    shape = "unit" if metric == "dot" else "clustered"
    rows = stored(vectors(shape, 3_000, 16, seed=6), metric=metric)
    graph = built(rows)
    rng = np.random.default_rng(6)
    gone = {
        "a fifth": rng.choice(3_000, 600, replace=False),
        "a cluster": np.flatnonzero(np.arange(3_000) % 20 == 7),
        "the entry": np.array([graph.entry & 0xFFFFFFFF]),
        "neighbours of a row": np.setdiff1d(graph.ground_links(5, 1), [5]),
        "all but three": np.setdiff1d(np.arange(3_000), [0, 1_000, 2_999]),
    }[case].astype(np.uint32)
    graph.remove(np.concatenate([gone, gone]), POOL)
    left = np.setdiff1d(all_rows(3_000), gone)
    assert_sound(graph, left)
    assert not any(int(row) in graph for row in gone)
    queries = vectors(shape, 100, 16, seed=6, sample=2)
    assert recall(graph, rows, queries, mask_of(left)) >= 0.97, "seed 6"
    graph.insert(gone, POOL)
    assert graph.unsound_links() == 0
    graph.relink()
    assert_sound(graph, all_rows(3_000))
    assert recall(graph, rows, queries, mask_of(all_rows(3_000))) >= 0.97, "seed 6"


def test_all_rows_leave_and_return() -> None:
    rows = stored(vectors("clustered", 1_000, 8, seed=7))
    graph = built(rows)
    bytes_before = graph.memory_bytes
    for _ in range(3):
        graph.remove(all_rows(1_000), POOL)
        assert len(graph) == 0
        assert graph.entry == 2**64 - 1
        assert not graph.levels().any()
        assert graph.relink() == graph.unsound_links() == 0
        received, _, scanned = search(graph, rows.store, query_of(rows, 3), NOBODY, NOBODY, 5, 50, False, False)
        assert len(received) == 0
        assert not scanned
        graph.remove(all_rows(1_000), POOL)
        graph.insert(all_rows(1_000), POOL)
        assert_sound(graph, all_rows(1_000), allowed_lost=2)
    assert graph.memory_bytes == bytes_before


@pytest.mark.parametrize("seed", range(2))
def test_rows_come_and_go_many_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = stored(vectors("clustered", 1_500, 8, seed=8))
    graph = Graph(rows.store, 8, 50, seed)
    members: set[int] = set()
    for step in range(25):
        chosen = rng.choice(1_500, int(rng.integers(1, 400)), replace=False).astype(np.uint32)
        if rng.random() < 0.5:
            graph.remove(chosen, POOL)
            members -= set(chosen.tolist())
        else:
            graph.insert(chosen, POOL)
            members |= set(chosen.tolist())
        message = f"seed {seed}, step {step}"
        assert len(graph) == len(members), message
        assert graph.unsound_links() == 0, message
        assert set(graph.member_mask().rows().tolist()) == members, message
        live = graph.member_mask()
        assert_complete(graph, rows, live, live, 10, False, message)
    graph.relink()
    assert_sound(graph, np.array(sorted(members), np.uint32))


@pytest.mark.parametrize("metric", kernels.METRICS)
def test_copies_of_one_vector_are_all_reached_and_hide_nothing(metric: Metric) -> None:
    X = vectors("unit", 7_000, 8, seed=9)
    X[1_000:6_000] = X[1_000]
    order = np.random.default_rng(9).permutation(all_rows(7_000))
    rows = stored(X, metric=metric)
    graph = Graph(rows.store, 8, 60)
    for part in np.array_split(order, 7):
        graph.insert(part, POOL)
    assert graph.unsound_links() == 0
    graph.relink()
    assert_sound(graph, all_rows(7_000))
    everything = mask_of(all_rows(7_000))
    others = np.setdiff1d(all_rows(7_000), np.arange(1_000, 6_000))
    # Among the copies' own neighbours a walk may fill up with copies; in other clusters it must not notice them.
    for sample, floor in ((others[others % 20 == 0], 0.85), (others[others % 20 != 0][::10], 0.98)):
        received, _, _ = search_many(graph, rows.store, X[sample], everything, NOBODY, 1, 200, False, POOL)
        assert np.mean(received[:, 0] == sample) >= floor
    received, distances, _ = search(graph, rows.store, X[1_000], everything, NOBODY, 300, 400, False, False)
    assert len(received) == 300
    assert (distances == distances[0]).all()
    graph.remove(np.arange(1_000, 6_000, 2, dtype=np.uint32), POOL)
    assert_sound(graph, np.setdiff1d(all_rows(7_000), np.arange(1_000, 6_000, 2)))


def test_rows_around_copies_that_left_find_one_another() -> None:
    """Copies keep one another in their lists: when all leave at once, the lists that led to them have no heirs."""
    rng = np.random.default_rng(41)
    X = (rng.standard_normal((4_000, 24)) @ rng.standard_normal((24, 24))).astype(np.float32)
    copies = np.arange(1_000, 3_000, dtype=np.uint32)
    X[copies] = X.mean(axis=0)
    rows = stored(X)
    graph = Graph(rows.store, 16, 100)
    for part in np.array_split(rng.permutation(all_rows(4_000)), 5):
        graph.insert(part, POOL)
    graph.remove(copies, POOL)
    left = np.setdiff1d(all_rows(4_000), copies)
    assert_sound(graph, left)
    queries = np.asarray((X[rng.choice(left, 300)] + X[rng.choice(left, 300)]) / 2, np.float32)
    assert recall(graph, rows, queries, mask_of(left)) >= 0.99, "seed 41"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.99, 1.0])
def test_a_masked_search_never_returns_too_few(share: float) -> None:
    rng = np.random.default_rng(10)
    rows = stored(vectors("clustered", 3_000, 16, seed=10))
    graph = built(rows)
    live = mask_of(np.flatnonzero(rng.random(3_000) < share))
    tail = mask_of(rng.choice(live.rows(), len(live) // 5, replace=False))
    for k in (1, 10, 500, 4_000):
        for masked in (True, False):
            assert_complete(graph, rows, live, NOBODY, k, masked, f"share {share}, k {k}")
            assert_complete(graph, rows, live, tail, k, masked, f"share {share}, k {k}, with a tail")
    if len(live):
        queries = vectors("clustered", 60, 16, seed=10, sample=2)
        assert recall(graph, rows, queries, live, masked=True) >= 0.97


def test_rows_that_are_only_in_the_tail_are_found() -> None:
    rows = stored(vectors("clustered", 2_000, 16, seed=11))
    graph = Graph(rows.store, 16, 100)
    graph.insert(all_rows(1_500), POOL)
    live, tail = mask_of(all_rows(2_000)), mask_of(np.arange(1_500, 2_000))
    for row in (0, 1_499, 1_500, 1_999):
        received, distances, _ = search(graph, rows.store, query_of(rows, row), live, tail, 5, 60, False, False)
        assert received[0] == row
        assert distances[0] == 0
    queries = vectors("clustered", 60, 16, seed=11, sample=2)
    assert recall(graph, rows, queries, live, tail=tail) >= 0.98


def test_a_batch_finds_what_its_queries_find() -> None:
    rows = stored(vectors("uniform", 2_000, 12, seed=12))
    graph = built(rows)
    live = mask_of(np.arange(0, 2_000, 3))
    tail = mask_of(np.arange(0, 2_000, 30))
    queries = vectors("uniform", 50, 12, seed=13)
    received, distances, counts = search_many(graph, rows.store, queries, live, tail, 10, 40, True, POOL)
    for i, query in enumerate(queries):
        one, one_distances, _ = search(graph, rows.store, query, live, tail, 10, 40, True, False)
        np.testing.assert_array_equal(received[i, : counts[i]], one)
        np.testing.assert_array_equal(distances[i, : counts[i]], one_distances)


def test_a_walk_does_not_meet_the_row_it_is_told_not_to() -> None:
    X = vectors("uniform", 600, 12, seed=31)
    rows = stored(X)
    graph = built(rows)
    members = np.arange(600, dtype=np.uint32)
    own = members[::3].copy()
    queries = np.ascontiguousarray(X[own])
    live, none, pool = RowMask.of(members), NOBODY, POOL
    plain, _, _ = search_many(graph, rows.store, queries, live, none, 5, 120, False, pool)
    assert (plain[:, 0] == own).mean() > 0.9
    found, _, counts = search_many(graph, rows.store, queries, live, none, 5, 120, False, pool, unmet=own)
    assert (counts == 5).all()
    # A walk begins at a row of the upper layers: at its own, it has met it.
    met = own[(found == own[:, None]).any(axis=1)]
    assert (graph.levels()[met] > 1).all()
    assert len(met) < 20
    for row, ids in zip(own.tolist(), found.tolist(), strict=True):
        distances = ((X - X[row]) ** 2).sum(axis=1)
        distances[row] = np.inf
        assert len(set(ids) & set(np.argsort(distances)[:6].tolist())) >= 3, f"row {row}"
    with pytest.raises(ValueError, match="unmet"):
        search_many(graph, rows.store, queries, live, none, 5, 120, False, pool, unmet=own[:2])


@pytest.mark.parametrize("metric", kernels.METRICS)
@pytest.mark.parametrize("row_type", kernels.KINDS)
def test_numbers_beyond_float_do_no_harm(row_type: Kind, metric: Metric) -> None:
    rng = np.random.default_rng(14)
    X = (rng.standard_normal((600, 6)) * 10.0 ** rng.uniform(-30, 30, (600, 1))).astype(np.float32)
    rows = stored(X, row_type, metric)
    graph = Graph(rows.store, 4, 30)
    graph.insert(all_rows(600), POOL)
    graph.remove(np.arange(0, 600, 3, dtype=np.uint32), POOL)
    assert graph.unsound_links() == 0
    assert len(graph) == 400
    received, distances, counts = search_many(
        graph, rows.store, X[:40].copy(), graph.member_mask(), NOBODY, 10, 50, True, POOL
    )
    assert (counts == 10).all()
    assert not np.isnan(distances).any()
    assert all(len(set(row)) == 10 for row in received.tolist())


def test_arguments_out_of_range_are_refused() -> None:
    rows = stored(vectors("uniform", 100, 4, seed=15), page_shift=7)
    for m, ef_construction in ((0, 10), (1, 10), (4, 0), (2**32 - 1, 10), (4, 2**32 - 1)):
        with pytest.raises(ValueError, match=r"m: expected|ef_construction: expected"):
            Graph(rows.store, m, ef_construction)
    graph = Graph(rows.store, 2, 1)
    with pytest.raises(IndexError, match="row 128 is beyond the store's 128 rows"):
        graph.insert(np.array([3, 128], np.uint32), POOL)
    assert len(graph) == 0
    graph.insert(all_rows(100), POOL)
    assert 10_000 not in graph
    graph.remove(np.array([10_000, 2**31 - 1], np.uint32), POOL)
    assert len(graph) == 100
    everything = mask_of(all_rows(100))
    received, _, _ = search(graph, rows.store, query_of(rows, 1), everything, NOBODY, 100, 2**32 - 1, True, False)
    assert len(received) == 100


def vectors(shape: str, count: int, dimension: int, seed: int, sample: int = 1) -> NDArray[np.float32]:
    """Vectors of one distribution; row i of a clustered one is of cluster i % 20. Samples share their centres."""
    centres = np.random.default_rng(seed).standard_normal((20, dimension))
    rng = np.random.default_rng([seed, sample])
    X = rng.standard_normal((count, dimension))
    if shape in ("clustered", "unit"):
        X = centres[np.arange(count) % 20] + 0.25 * X
    if shape == "unit":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
    if shape == "raw norms":
        X *= rng.lognormal(0, 0.5, (count, 1))
    if shape == "hubs" and sample == 1:
        X[::100] *= 10
    return np.asarray(X, np.float32)


def built(
    rows: StoredRows,
    batches: int = 1,
    pool: ThreadPool = POOL,
    m: int = 16,
    ef_construction: int = 100,
    seed: int = 0,
) -> Graph:
    graph = Graph(rows.store, m, ef_construction, seed)
    for part in np.array_split(all_rows(len(rows.values)), batches):
        graph.insert(part, pool)
    return graph


def query_of(rows: StoredRows, row: int) -> NDArray[np.float32]:
    return np.asarray(rows.values[row], np.float32)


def recall(
    graph: Graph,
    rows: StoredRows,
    queries: NDArray[np.float32],
    live: RowMask,
    tail: RowMask = NOBODY,
    masked: bool = False,
) -> float:
    """The share of the true 10 nearest that a search with ef 100 finds; a row as near as the tenth counts as true."""
    found, wanted = 0, 0
    received, _, counts = search_many(graph, rows.store, queries, live, tail, 10, 100, masked, POOL)
    for i, query in enumerate(queries):
        expected, slack = rows.distances(query)
        count = min(10, len(live))
        nearest = np.sort(expected[live.rows()])[count - 1]
        assert counts[i] == count
        found += int(np.sum((expected - slack)[received[i, :count]] <= nearest))
        wanted += count
    return found / wanted


def assert_sound(graph: Graph, members: NDArray[np.uint32], allowed_lost: int = 0) -> None:
    """Its members are these, its links lead to members, and every one is reached from the entry on the ground layer."""
    assert graph.unsound_links() == 0
    assert len(graph) == len(members)
    np.testing.assert_array_equal(graph.member_mask().rows(), members)
    ground = graph.ground_links(0, len(graph.levels()))
    reached = np.zeros(len(ground), bool)
    front = np.array([graph.entry & 0xFFFFFFFF])
    while len(front):
        reached[front] = True
        front = np.unique(ground[front])
        front = front[~reached[front]]
    lost = np.setdiff1d(members, np.flatnonzero(reached))
    assert len(lost) <= allowed_lost, f"rows that no walk can reach: {lost[:20]}"


def assert_complete(
    graph: Graph, rows: StoredRows, live: RowMask, tail: RowMask, k: int, masked: bool, message: str
) -> None:
    """min(k, live) different live rows, in order, their distances right."""
    query = query_of(rows, 17)
    expected, slack = rows.distances(query)
    received, distances, _ = search(graph, rows.store, query, live, tail, k, max(k, 40), masked, False)
    assert len(received) == len(set(received.tolist())) == min(k, len(live)), message
    assert set(received.tolist()) <= set(live.rows().tolist()), message
    assert (np.abs(distances - expected[received]) <= slack[received]).all(), message
    assert (np.diff(distances) >= 0).all(), message


def numbers(graph: Graph) -> Numbers:
    levels = graph.levels()
    return Numbers(levels, graph.ground_links(0, len(levels)), graph.upper_links(), graph.entry)


def assert_same(a: Numbers, b: Numbers) -> None:
    np.testing.assert_array_equal(a.levels, b.levels)
    np.testing.assert_array_equal(a.ground, b.ground)
    np.testing.assert_array_equal(a.upper, b.upper)
    assert a.entry == b.entry
