"""The manifest: what was stored comes back, quickly, or an error names the file."""

import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from vecdb.errors import Corrupted, VersionMismatch
from vecdb.storage.checked_file import read_checked, write_checked
from vecdb.storage.manifest import (
    MAGIC,
    VERSION,
    CollectionEntry,
    IndexEntry,
    Manifest,
    load_manifest,
    manifest_path,
    store_manifest,
)


def entry(number: int) -> CollectionEntry:
    return CollectionEntry(
        number=number,
        name=f"collection-{number}",
        schema={"vectors": {"": {"dimension": 384, "metric": "cosine"}}, "fields": {"year": "integer"}},
        next_row=number * 1000,
        state_file=f"state-{number}.bin",
        indexes={"": IndexEntry(generation=number, file=f"index/0/{number}.bin")},
        state={"deleted": number, "tenancy": None},
    )


def test_what_was_stored_is_loaded(tmp_path: Path) -> None:
    manifest = Manifest(sequence=2**63, next_collection=9, collections=(entry(1), entry(8)), state={"a": [1, "ü"]})
    store_manifest(tmp_path, manifest)
    assert load_manifest(tmp_path) == manifest
    store_manifest(tmp_path, Manifest())
    assert load_manifest(tmp_path) == Manifest()


def test_ten_thousand_collections_load_in_the_time_of_a_few_parses(tmp_path: Path) -> None:
    # About 35 ms on an idle core of 2026; the ratio holds on a busy one too.
    manifest = Manifest(next_collection=10_001, collections=tuple(entry(number) for number in range(10_000)))
    store_manifest(tmp_path, manifest)
    (text,) = read_checked(manifest_path(tmp_path), MAGIC, VERSION)
    parsing = min(thread_seconds(lambda: orjson.loads(text)) for _ in range(5))
    loading = min(thread_seconds(lambda: load_manifest(tmp_path)) for _ in range(5))
    assert loading < 6 * parsing
    assert load_manifest(tmp_path) == manifest


def thread_seconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    result = call()
    seconds = time.thread_time() - start
    del result
    return seconds


def test_a_missing_manifest_is_corrupted(tmp_path: Path) -> None:
    with pytest.raises(Corrupted) as raised:
        load_manifest(tmp_path)
    assert raised.value.path == str(manifest_path(tmp_path))


@pytest.mark.parametrize(
    "sections",
    [
        [],
        [b"not json"],
        [b"[]"],
        [b"{}"],
        [orjson.dumps({"sequence": 1, "next_collection": 2, "collections": [{"number": 1}], "state": {}})],
        [orjson.dumps({"sequence": 1, "next_collection": 2, "collections": None, "state": {}})],
    ],
)
def test_a_well_formed_file_that_is_no_manifest_is_corrupted(tmp_path: Path, sections: list[bytes]) -> None:
    write_checked(manifest_path(tmp_path), MAGIC, VERSION, sections)
    with pytest.raises(Corrupted, match="not a manifest"):
        load_manifest(tmp_path)


def test_a_newer_manifest_is_refused(tmp_path: Path) -> None:
    write_checked(manifest_path(tmp_path), MAGIC, VERSION + 1, [b"whatever"])
    with pytest.raises(VersionMismatch):
        load_manifest(tmp_path)
