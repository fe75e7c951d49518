"""One contract for both key-value stores, against a dict; then what only RocksDB can get wrong."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vecdb.errors import Closed, Corrupted, Locked, ReadOnly, StorageFailed
from vecdb.storage.key_value import KeyValue, RocksKeyValue
from vecdb.storage.memory_key_value import MemoryKeyValue


@pytest.fixture(params=["memory", "rocks"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValue]:
    store: KeyValue = MemoryKeyValue() if request.param == "memory" else RocksKeyValue(tmp_path / "kv", create=True)
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kv"


def test_values_come_back_in_the_order_asked_and_none_for_the_absent(store: KeyValue) -> None:
    store.write([(b"b", b"2"), (b"a", b""), (b"\x00\xff", b"0")], [])
    assert store.get_many([b"a", b"missing", b"\x00\xff", b"a", b"b"]) == [b"", None, b"0", b"", b"2"]
    assert store.get_many([]) == []


def test_a_delete_wins_over_a_put_of_the_same_batch(store: KeyValue) -> None:
    store.write([(b"a", b"1"), (b"b", b"1")], [])
    store.write([(b"a", b"2")], [b"a", b"missing"])
    assert store.get_many([b"a", b"b"]) == [None, b"1"]
    store.write([(b"a", b"3")], [])
    assert list(store.scan(b"")) == [(b"a", b"3"), (b"b", b"1")]


@pytest.mark.parametrize("prefix", [b"", b"a", b"a\xff", b"\xff", b"\xff\xff", b"b", b"zz", b"a\x00"])
def test_scans_and_deletes_keep_to_their_prefix(store: KeyValue, prefix: bytes) -> None:
    keys = [b"a", b"a\x00", b"a\x00b", b"a\xff", b"a\xff\xff", b"ab", b"b", b"\xff", b"\xff\xff", b"\xff\xff\x00", b"`"]
    store.write([(key, b"v" + key) for key in keys], [])
    for after in [None, *keys]:
        expected = [
            (key, b"v" + key) for key in sorted(keys) if key.startswith(prefix) and (after is None or key > after)
        ]
        assert list(store.scan(prefix, after)) == expected, f"after {after!r}"
    store.delete_prefix(prefix)
    assert [key for key, _ in store.scan(b"")] == sorted(key for key in keys if not key.startswith(prefix))


def test_a_scan_shows_the_moment_of_its_call(store: KeyValue) -> None:
    before = [(b"%06d" % number, b"old") for number in range(2000)]
    store.write(before, [])
    scan = store.scan(b"")
    first = next(scan)
    store.write(
        [(b"%06d" % number, b"new") for number in range(1000, 3000)], [b"%06d" % number for number in range(500)]
    )
    store.delete_prefix(b"0019")
    assert [first, *scan] == before
    keys = [b"%06d" % number for number in (1999, 0, 5000, 1500, 3, 2500, 0)]
    assert scan.get_many([*keys, b""]) == [b"old", b"old", None, b"old", b"old", None, b"old", None]
    assert scan.get_many([]) == []
    assert store.get_many(keys[:4]) == [None, None, None, b"new"], "what is there now"


def test_random_operations_against_a_dict(store: KeyValue) -> None:
    generator = random.Random(seed := 11)
    model: dict[bytes, bytes] = {}
    for step in range(400):
        keys = [bytes(generator.choices(b"\x00ab\xff", k=generator.randint(1, 4))) for _ in range(10)]
        match generator.randrange(6):
            case 0 | 1 | 2:
                puts = [(key, b"%d" % step) for key in keys[:7]]
                store.write(puts, keys[5:])
                model.update(puts)
                for key in keys[5:]:
                    model.pop(key, None)
            case 3:
                store.delete_prefix(keys[0])
                model = {key: value for key, value in model.items() if not key.startswith(keys[0])}
            case 4:
                store.flush()
            case 5:
                assert store.get_many(keys) == [model.get(key) for key in keys], f"seed {seed}, step {step}"
        if step % 10 == 0:
            assert list(store.scan(b"")) == sorted(model.items()), f"seed {seed}, step {step}"


def test_every_call_after_close_is_closed(store: KeyValue) -> None:
    store.write([(b"a", b"1")], [])
    scan = store.scan(b"")
    store.close()
    store.close()
    for call in (
        lambda: store.get_many([b"a"]),
        lambda: store.write([], [b"a"]),
        lambda: store.delete_prefix(b"a"),
        lambda: store.scan(b""),
        lambda: next(scan),
        lambda: scan.get_many([b"a"]),
        store.flush,
    ):
        with pytest.raises(Closed):
            call()


def test_closing_waits_for_the_calls_in_flight(store: KeyValue) -> None:
    keys = [b"%05d" % number for number in range(500)]
    store.write([(key, key) for key in keys], [])
    failures: list[Exception] = []
    started = threading.Barrier(5)

    def read() -> None:
        started.wait()
        try:
            while True:
                assert store.get_many(keys) == keys
                assert sum(1 for _ in store.scan(b"")) == len(keys)
        except Closed:
            pass
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    started.wait()
    store.close()
    for thread in threads:
        thread.join()
    assert failures == []


def test_flushed_writes_survive_a_kill_and_others_do_not_tear(folder: Path) -> None:
    program = """
import os, sys
from vecdb.storage.key_value import RocksKeyValue
store = RocksKeyValue(sys.argv[1], create=True)
store.write([(b"flushed%d" % number, b"1") for number in range(1000)], [])
store.flush()
store.write([(b"lost%d" % number, b"1") for number in range(1000)], [])
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program, str(folder)], check=False, timeout=30)
    store = RocksKeyValue(folder)
    assert sum(1 for _ in store.scan(b"flushed")) == 1000
    assert sum(1 for _ in store.scan(b"lost")) in (0, 1000)
    store.close()


def test_a_second_opener_is_locked_out_until_the_first_closes_even_with_a_scan_open(folder: Path) -> None:
    store = RocksKeyValue(folder, create=True)
    store.write([(b"a", b"1"), (b"b", b"2")], [])
    scan = store.scan(b"")
    assert next(scan) == (b"a", b"1")
    with pytest.raises(Locked):
        RocksKeyValue(folder)
    store.flush()
    store.close()
    again = RocksKeyValue(folder)
    assert again.get_many([b"b"]) == [b"2"]
    again.close()


def test_a_read_only_opener_sees_what_was_flushed_beside_the_writer(folder: Path) -> None:
    store = RocksKeyValue(folder, create=True)
    store.write([(b"a", b"1")], [])
    store.flush()
    store.write([(b"b", b"1")], [])
    reader = RocksKeyValue(folder, read_only=True)
    assert list(reader.scan(b"")) == [(b"a", b"1")]
    for call in (partial(reader.write, [(b"c", b"")], []), partial(reader.delete_prefix, b"a"), reader.flush):
        with pytest.raises(ReadOnly):
            call()
    reader.close()
    store.close()


def test_a_missing_store_is_corrupted_and_never_made_anew(folder: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(Corrupted):
            RocksKeyValue(folder, read_only=read_only)
    store = RocksKeyValue(folder, create=True)
    store.close()
    (folder / "CURRENT").unlink()
    with pytest.raises(Corrupted):
        RocksKeyValue(folder)


def test_an_empty_store_is_small(folder: Path) -> None:
    store = RocksKeyValue(folder, create=True)
    store.flush()
    assert store.bytes_on_disk() < 100_000
    store.close()


def test_a_stalled_write_waits_without_stopping_other_threads(folder: Path) -> None:
    store = RocksKeyValue(folder, create=True)
    rocks = store._rocks
    stop = {"level0_slowdown_writes_trigger": "2", "level0_stop_writes_trigger": "2"}
    rocks.set_options({"level0_file_num_compaction_trigger": "1000", **stop})
    for key in (b"a", b"b"):
        store.write([(key, b"")], [])
        store.flush()
    assert rocks.property_value("rocksdb.is-write-stopped") == "1"
    go_on = {"level0_slowdown_writes_trigger": "20", "level0_stop_writes_trigger": "30"}
    timer = threading.Timer(0.05, lambda: rocks.set_options(go_on))
    timer.start()
    store.write([(b"c", b"")], [])
    assert store.get_many([b"c"]) == [b""]
    timer.join()
    store.close()


def test_damage_in_a_table_is_an_error_and_never_a_short_scan(folder: Path) -> None:
    generator = random.Random(seed := 17)
    pairs = [(b"%06d" % number, generator.randbytes(60)) for number in range(3000)]
    store = RocksKeyValue(folder, create=True)
    store.write(pairs, [])
    store.flush()
    store.close()
    (table,) = folder.glob("*.sst")
    good = table.read_bytes()
    reads: list[tuple[Callable[[RocksKeyValue], Any], Any]] = [
        (lambda store: list(store.scan(b"")), pairs),
        (lambda store: store.get_many([key for key, _ in pairs]), [value for _, value in pairs]),
    ]
    found = 0
    for _ in range(25):
        offset = generator.randrange(len(good))
        damaged = bytearray(good)
        damaged[offset] ^= 1 << generator.randrange(8)
        table.write_bytes(damaged)
        for read, expected in reads:
            try:
                with contextlib.closing(RocksKeyValue(folder, read_only=True)) as store:
                    assert read(store) == expected, f"seed {seed}, offset {offset}"
            except Corrupted as error:
                found += str(folder) in error.path
    assert found > 30, f"seed {seed}"


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_table_that_is_not_whole_is_corrupted(folder: Path, damage: str) -> None:
    store = RocksKeyValue(folder, create=True)
    store.write([(b"%06d" % number, os.urandom(60)) for number in range(3000)], [])
    store.flush()
    store.close()
    (table,) = folder.glob("*.sst")
    if damage == "missing":
        table.unlink()
    else:
        table.write_bytes(table.read_bytes()[: 1000 if damage == "cut" else 0])
    with pytest.raises(Corrupted), contextlib.closing(RocksKeyValue(folder)) as damaged:
        list(damaged.scan(b""))


def test_a_manifest_cut_back_to_an_older_state_is_corrupted(folder: Path) -> None:
    generator = random.Random(seed := 19)
    with contextlib.closing(RocksKeyValue(folder, create=True)) as store:
        for batch in range(3):
            store.write([(b"%d-%05d" % (batch, number), b"") for number in range(300)], [])
            position = store.flush()
        store.delete_prefix(b"1-")
        position = store.flush()
        assert store.flush() == position
        expected = list(store.scan(b""))
    (manifest,) = folder.glob("MANIFEST-*")
    good = manifest.read_bytes()
    older = 0
    for cut in sorted(generator.sample(range(len(good)), 40)):
        # Opening for writing makes a new manifest, so each cut has a copy.
        copy = folder.with_name(f"cut-{cut}")
        shutil.copytree(folder, copy)
        (copy / manifest.name).write_bytes(good[:cut])
        try:
            with contextlib.closing(RocksKeyValue(copy, at_least=position)) as store:
                assert list(store.scan(b"")) == expected, f"seed {seed}, cut {cut}"
        except Corrupted as error:
            older += "was flushed" in error.detail
    assert older > 5, f"seed {seed}"
    RocksKeyValue(folder, at_least=position).close()


def test_importing_the_module_does_not_load_rocksdict() -> None:
    program = "import sys, vecdb.storage.key_value; sys.exit('rocksdict' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 0


@pytest.mark.parametrize("read_only", [False, True])
def test_a_copy_holds_what_there_was_and_goes_its_own_way(folder: Path, tmp_path: Path, read_only: bool) -> None:
    pairs = [(b"%06d" % number, b"v%d" % number) for number in range(3000)]
    writer = RocksKeyValue(folder, create=True)
    writer.write(pairs, [])
    writer.delete_prefix(b"0015")
    pairs = [(key, value) for key, value in pairs if not key.startswith(b"0015")]
    position = writer.flush()
    store = RocksKeyValue(folder, read_only=True) if read_only else writer
    writer.write([(b"later", b"1")], [key for key, _ in pairs[: 1000 * read_only]])
    expected = pairs if read_only else sorted([*pairs, (b"later", b"1")])
    found = store.copy_to(tmp_path / "copy")
    writer.delete_prefix(b"")
    writer.flush()
    copy = RocksKeyValue(tmp_path / "copy", at_least=found)
    assert copy.position == found
    assert found > position or read_only
    assert list(copy.scan(b"")) == expected
    copy.write([(b"own", b"1")], [])
    copy.close()
    assert list(writer.scan(b"")) == []
    with pytest.raises(StorageFailed):
        writer.copy_to(tmp_path / "copy")
    store.close()
    writer.close()
    with pytest.raises(Closed):
        store.copy_to(tmp_path / "another")
    assert not (tmp_path / "another").exists()
