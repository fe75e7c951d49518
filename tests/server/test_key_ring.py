"""KeyRing: whose key it is, and what happens when the file changes under it."""

from __future__ import annotations

import logging
import os
import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from vecdb.errors import Corrupted, StorageFailed
from vecdb.server import key_ring
from vecdb.server.api_keys import new_key
from vecdb.server.key_file import add_key, remove_key
from vecdb.server.key_ring import KeyRing
from vecdb.server.principal import Principal, Role


def make_key(path: Path, name: str, role: Role = Role.READ, expires: float | None = None) -> str:
    key, text = new_key(role, now=0.0, name=name, tenant="acme", expires=expires)
    add_key(path, key)
    return text


def test_a_key_names_its_principal(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    texts = {name: make_key(path, name, role) for name, role in (("a", Role.READ), ("b", Role.ADMIN))}
    ring = KeyRing(path)
    assert ring.find(texts["a"]) == Principal(name="a", role=Role.READ, tenant="acme")
    assert ring.find(texts["b"]) == Principal(name="b", role=Role.ADMIN, tenant="acme")


def test_ten_thousand_keys_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    good = make_key(path, "a")
    secret = good.removeprefix("vdb_a_")
    ring = KeyRing(path)
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    random_of = random.Random(seed)
    for step in range(10_000):
        place = random_of.randrange(len(good))
        letter = chr(random_of.randrange(1, 0x250))
        bad = good[:place] + letter + good[place + 1 :]
        assert bad == good or ring.find(bad) is None, f"seed {seed}, step {step}"
    for bad in (
        *("", "vdb_", "vdb__", "vdb_a_", "vdb_a", secret, f"vdb_{secret}", f"vdb_b_{secret}", f"VDB_a_{secret}"),
        *(good + "=", good + " ", " " + good, good[:-1], good + good, "vdb_a_" + "0" * 64, "vdb_-_" + "-" * 64),
        *("vdb_a_" + "x" * 1_000_000, "vdb_a_é" + secret, "vdb_a_\ud800", "\0" * 200, good + "\0"),
    ):
        assert ring.find(bad) is None, repr(bad[:100])
    assert ring.find(good) is not None


def test_an_unknown_id_costs_the_same_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: the digest and the comparison are made for each."""
    path = tmp_path / "keys"
    good = make_key(path, "a")
    ring = KeyRing(path)
    work: Counter[str] = Counter()
    for name in ("sha256", "compare_digest"):
        real = getattr(key_ring, name)
        monkeypatch.setattr(key_ring, name, counted(work, name, real))
    for text in (good, good.replace("vdb_a", "vdb_b"), good[:-3] + "abc"):
        work.clear()
        ring.find(text)
        assert work == {"sha256": 1, "compare_digest": 1}


def counted(work: Counter[str], name: str, real: object) -> object:
    def call(*arguments: object) -> object:
        work[name] += 1
        return real(*arguments)  # type: ignore[operator]

    return call


def test_a_removed_key_stops_working_and_a_new_one_works(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first = make_key(path, "a")
    ring = KeyRing(path, check_seconds=0)
    second = make_key(path, "b")
    assert ring.find(second) is not None
    remove_key(path, "a")
    assert ring.find(first) is None
    assert ring.find(second) is not None


def test_the_file_is_looked_at_once_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    first = make_key(path, "a")
    now = [1_000.0]
    monkeypatch.setattr("vecdb.server.key_ring.time.monotonic", lambda: now[0])
    ring = KeyRing(path)
    remove_key(path, "a")
    now[0] += 0.99
    assert ring.find(first) is not None
    now[0] += 0.02
    assert ring.find(first) is None


@pytest.mark.parametrize("how", ["garbage", "gone", "folder", "open to all"])
def test_a_broken_file_keeps_the_last_keys_and_is_logged_once(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys"
    text = make_key(path, "a")
    ring = KeyRing(path, check_seconds=0)
    if how == "garbage":
        path.write_text(text)  # a key itself, by mistake
    elif how == "open to all":
        path.chmod(0o666)
        path.touch()
    else:
        path.unlink()
        if how == "folder":
            path.mkdir()
    with caplog.at_level(logging.INFO, "vecdb.server"):
        for _ in range(5):
            assert ring.find(text) is not None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert text not in str(vars(caplog.records[0]))
    if how == "folder":
        path.rmdir()
    path.unlink(missing_ok=True)
    other = make_key(path, "b")
    assert ring.find(other) is not None
    assert ring.find(text) is None


def test_a_broken_file_at_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="missing"):
        KeyRing(tmp_path / "none")
    (tmp_path / "keys").write_text("garbage")
    with pytest.raises(Corrupted):
        KeyRing(tmp_path / "keys")


def test_many_threads_while_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    text = make_key(path, "a")
    ring = KeyRing(path, check_seconds=0)
    wrong: list[object] = []
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            found = ring.find(text)
            if found is None or found.name != "a":
                wrong.append(found)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(30):
        make_key(path, f"k{number}")
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
