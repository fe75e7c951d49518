"""Collections that are opened over large files: searched at once, checked and loaded beside that, damaged or not."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import vecdb
from tests.directory_image import copy_folder, copy_quiet
from vecdb.collection import catalog, upkeep
from vecdb.collection.state import CollectionState
from vecdb.collection.upkeep import Upkeep
from vecdb.index import hnsw

COUNT, DIMENSION, K = 3_000, 16, 10
SEED = 77
SECTIONS = ["header", "levels", "ground links", "upper links", "header of codes", "mean", "matrix", "codes"]
X = np.random.default_rng(SEED).standard_normal((COUNT, DIMENSION)).astype(np.float32)
QUERIES = np.random.default_rng(SEED + 1).standard_normal((20, DIMENSION)).astype(np.float32)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "closed"
    with vecdb.connect(path) as db:
        docs = db.create_collection("docs", DIMENSION, metric="l2")
        docs.upsert(ids=list(range(COUNT)), vectors=X)
        docs.optimize()
    return path


@pytest.fixture
def path(image: Path, tmp_path: Path) -> Path:
    copy_folder(image, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a file is checked in the background, as of files that are large."""
    monkeypatch.setattr(hnsw, "_LOADED_AT_ONCE_BYTES", 0)
    monkeypatch.setattr(catalog, "SCRUB_AT_OPEN_BYTES", 0)


@pytest.fixture
def background(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The background does nothing before this is set."""
    begins = threading.Event()

    def held(step: Callable[..., bool]) -> Callable[..., bool]:
        def step_or_wait(*arguments: object) -> bool:
            if begins.is_set():
                return step(*arguments)
            begins.wait(0.01)
            return True  # there is more to do

        return step_or_wait

    monkeypatch.setattr(Upkeep, "step", held(Upkeep.step))
    yield begins
    begins.set()


def graph_file(path: Path) -> Path:
    (file,) = path.glob("collections/*/index/*.graph")
    return file


def is_mapped(path: Path) -> bool:
    return f"{path}/collections" in "".join(
        line for line in Path("/proc/self/maps").read_text().splitlines(True) if ".graph" in line
    )


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.005)


def is_checked(state: CollectionState) -> bool:
    return state.scrubbed_rows >= state.opened_rows


def nearest(rows: npt.NDArray[np.float32], ids: list[int], query: npt.NDArray[np.float32], k: int = K) -> list[int]:
    """The ids of the nearest rows, by numpy."""
    order = np.argsort(((rows.astype(np.float64) - query) ** 2).sum(axis=1), kind="stable")
    return [ids[place] for place in order[:k]]


def recall(docs: vecdb.Collection, rows: npt.NDArray[np.float32] = X, ids: list[int] | None = None) -> float:
    names = list(range(len(rows))) if ids is None else ids
    found = [len(set(docs.search(query, k=K).ids) & set(nearest(rows, names, query))) for query in QUERIES]
    return sum(found) / (K * len(QUERIES))


def assert_exact(docs: vecdb.Collection, *, exact: bool) -> None:
    """What no damage to an index may change."""
    for query in QUERIES:
        assert docs.search(query, k=K, exact=exact).ids == nearest(X, list(range(COUNT)), query)


@pytest.mark.parametrize("read_only", [False, True])
def test_it_is_searched_at_once_and_loaded_beside_that(
    path: Path, read_only: bool, background: threading.Event
) -> None:
    with vecdb.connect(path, read_only=read_only) as db:
        docs = db["docs"]
        assert is_mapped(path)
        assert docs.count() == COUNT
        before = [docs.search(query, k=K).ids for query in QUERIES]
        assert docs.search(QUERIES[0]).plan.rows_scanned == 0
        assert recall(docs) >= 0.9, f"seed {SEED}"
        assert_exact(docs, exact=True)
        background.set()
        wait_until(lambda: not is_mapped(path))
        wait_until(lambda: is_checked(docs._state))
        assert [docs.search(query, k=K).ids for query in QUERIES] == before
        assert docs.verify().problems == ()
        stats = docs.stats().vectors[""]
        assert (stats.rows_indexed, stats.rows_tail) == (COUNT, 0)


@pytest.mark.parametrize("read_only", [False, True])
def test_the_first_moment_belongs_to_searches(path: Path, read_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_REST_SECONDS", 1e9)
    with vecdb.connect(path, read_only=read_only) as db:
        docs = db["docs"]
        time.sleep(0.5)
        assert is_mapped(path)
        assert recall(docs) >= 0.9
        monkeypatch.setattr(upkeep, "_REST_SECONDS", 0.1)
        wait_until(lambda: not is_mapped(path))


def test_who_asks_for_an_index_up_to_date_has_it_loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_REST_SECONDS", 1e9)
    with vecdb.connect(path) as db:
        db["docs"].optimize()
        assert not is_mapped(path)


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_changes_meet_a_mapped_index(path: Path, background: threading.Event, seed: int, released: bool) -> None:
    rng = np.random.default_rng(seed)
    model = dict(enumerate(X))
    for turn in range(3):
        if released:
            background.set()
        with vecdb.connect(path) as db:
            docs = db["docs"]
            for _ in range(4):
                ids = rng.choice(COUNT + 500, 150, replace=False).tolist()
                if rng.random() < 0.4:
                    docs.delete(ids=ids)
                    for each in ids:
                        model.pop(each, None)
                else:
                    vectors = rng.standard_normal((len(ids), DIMENSION)).astype(np.float32)
                    docs.upsert(ids=ids, vectors=vectors)
                    model.update(zip(ids, vectors, strict=True))
                names, rows = list(model), np.array(list(model.values()))
                for query in QUERIES[:4]:
                    found = docs.search(query, k=K, exact=True).ids
                    assert found == nearest(rows, names, query), f"seed {seed}, turn {turn}"
                assert recall(docs, rows, names) >= 0.85, f"seed {seed}, turn {turn}"
            if turn == 1:
                background.set()
                docs.optimize()
                assert not is_mapped(path)
                background.clear()
            assert docs.count() == len(model)
            assert docs.verify().problems == (), f"seed {seed}, turn {turn}"


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_damaged_index_is_found_and_built_again(
    path: Path, section: str, read_only: bool, background: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    flip(graph_file(path), section)
    with caplog.at_level(logging.WARNING, "vecdb"), vecdb.connect(path, read_only=read_only) as db:
        docs = db["docs"]
        assert_exact(docs, exact=True)
        for query in QUERIES:
            hits = docs.search(query, k=K)
            distances = ((X[hits.ids].astype(np.float64) - query) ** 2).sum(axis=1)
            np.testing.assert_allclose(-np.array(hits.scores), distances, rtol=1e-4)
        background.set()
        wait_until(lambda: "being rebuilt" in caplog.text)
        assert graph_file(path).name in caplog.text
        wait_until(lambda: not is_mapped(path))
        if read_only:
            assert_exact(docs, exact=False)
            return
        docs.optimize()
        assert docs.stats().vectors[""].rows_indexed == COUNT
        assert recall(docs) >= 0.9
        assert docs.verify().problems == ()
    caplog.clear()
    with vecdb.connect(path) as db:
        wait_until(lambda: not is_mapped(path))
        assert recall(db["docs"]) >= 0.9
    assert not caplog.text, "the file that was written is whole"


@pytest.mark.parametrize("section", ["ground links", "upper links", "codes"])
@pytest.mark.parametrize("read_only", [False, True])
def test_verify_finds_a_damaged_index(path: Path, section: str, read_only: bool, background: threading.Event) -> None:
    flip(graph_file(path), section)
    with vecdb.connect(path, read_only=read_only) as db:
        docs = db["docs"]
        assert is_mapped(path)
        (problem,) = docs.verify().problems
        assert graph_file(path).name in problem
        assert not is_mapped(path)
        assert_exact(docs, exact=False)
        assert docs.verify().problems == ()
        background.set()


@pytest.mark.parametrize("many", [False, True])
def test_a_damaged_vector_is_not_returned(path: Path, many: bool, background: threading.Event) -> None:
    """Rows are checked in the background; until then those that a search found are checked when it found them."""
    row = 1_234
    (file,) = path.glob("collections/*/rows/v-0.rows")
    with open(file, "r+b") as rows:
        rows.seek(4096 + row * DIMENSION * 4)
        rows.write((X[row] + np.float32(1e-3)).tobytes())
    with vecdb.connect(path) as db:
        docs = db["docs"]
        assert docs.search(X[2], k=1).ids == [2]
        with pytest.raises(vecdb.Corrupted, match=f"row {row}"):
            docs.search(X[row - 1 : row + 1], k=1) if many else docs.search(X[row], k=1)
        with pytest.raises(vecdb.Corrupted, match=f"row {row}"):
            docs.search(X[2], k=1)


@pytest.mark.parametrize("read_only", [False, True])
def test_the_background_finds_a_damaged_vector(path: Path, read_only: bool) -> None:
    (file,) = path.glob("collections/*/rows/v-0.rows")
    with open(file, "r+b") as rows:
        rows.seek(4096 + (COUNT - 1) * DIMENSION * 4)
        rows.write(b"\1\2\3")
    with vecdb.connect(path, read_only=read_only) as db:
        docs = db["docs"]
        wait_until(lambda: docs._state.damage is not None)
        with pytest.raises(vecdb.Corrupted, match=f"row {COUNT - 1}"):
            docs.count()


def test_a_reader_keeps_its_index_while_a_writer_saves_another(path: Path, background: threading.Event) -> None:
    with vecdb.connect(path) as db, vecdb.connect(path, read_only=True) as reader:
        docs, seen = db["docs"], reader["docs"]
        before = [seen.search(query, k=K).ids for query in QUERIES]
        docs.delete(ids=list(range(0, COUNT, 2)))
        background.set()
        docs.optimize()
        assert recall(docs, X[1::2], list(range(1, COUNT, 2))) >= 0.9
        assert [seen.search(query, k=K).ids for query in QUERIES] == before
        wait_until(lambda: is_checked(seen._state))
        assert_exact(seen, exact=True)
        assert seen.verify().problems == ()


def test_a_killed_writer_left_a_mapped_index_and_a_journal(
    path: Path, tmp_path: Path, background: threading.Event
) -> None:
    with vecdb.connect(path) as db:
        docs = db["docs"]
        docs.delete(ids=list(range(100)))
        docs.upsert(ids=[COUNT], vectors=QUERIES[:1])
        copy_quiet(path, tmp_path / "killed")
        background.set()
    background.clear()
    with vecdb.connect(tmp_path / "killed") as db:
        docs = db["docs"]
        assert is_mapped(tmp_path / "killed")
        assert docs.search(QUERIES[0], k=1).ids == [COUNT]
        ids = [*range(100, COUNT), COUNT]
        assert recall(docs, np.concatenate([X[100:], QUERIES[:1]]), ids) >= 0.9
        background.set()
        docs.optimize()
        assert docs.verify().problems == ()


def test_a_fork_and_a_close_meet_a_mapped_index(path: Path, background: threading.Event) -> None:
    db = vecdb.connect(path)
    docs = db["docs"]
    child = os.fork()
    if child == 0:
        try:
            docs.search(QUERIES[0])
        except vecdb.Forked:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert recall(docs) >= 0.9
    db.close()
    assert not background.is_set()
    with vecdb.connect(path) as db:
        assert recall(db["docs"]) >= 0.9


def flip(file: Path, section: str) -> None:
    """Changes bits of one section; see docs/file_formats.md."""
    data = bytearray(file.read_bytes())
    table = np.frombuffer(data, "<u8", len(SECTIONS) * 3, 32).reshape(-1, 3)
    offset, size, _ = table[SECTIONS.index(section)].tolist()
    choose = random.Random(SEED)
    for place in choose.sample(range(offset, offset + size), min(size, 200)):
        data[place] ^= 1 << choose.randrange(8)
    del table
    file.write_bytes(data)
