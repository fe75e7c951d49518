"""The manifest: what was stored comes back, quickly, or an error names the file."""

import time

import orjson
import pytest

from vecdb.errors import Corrupted, VersionMismatch
from vecdb.storage.checked_file import write_checked
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


def entry(number):
    return CollectionEntry(
        number=number,
        name=f"collection-{number}",
        schema={"vectors": {"": {"dimension": 384, "metric": "cosine"}}, "fields": {"year": "integer"}},
        next_row=number * 1000,
        state_file=f"state-{number}.bin",
        indexes={"": IndexEntry(generation=number, file=f"index/0/{number}.bin")},
        state={"deleted": number, "tenancy": None},
    )


def test_what_was_stored_is_loaded(tmp_path):
    manifest = Manifest(sequence=2**63, next_collection=9, collections=(entry(1), entry(8)), state={"a": [1, "ü"]})
    store_manifest(tmp_path, manifest)
    assert load_manifest(tmp_path) == manifest
    store_manifest(tmp_path, Manifest())
    assert load_manifest(tmp_path) == Manifest()


def test_ten_thousand_collections_load_within_60_milliseconds(tmp_path):
    manifest = Manifest(next_collection=10_001, collections=tuple(entry(number) for number in range(10_000)))
    store_manifest(tmp_path, manifest)
    seconds = []
    for _ in range(5):
        start = time.thread_time()
        loaded = load_manifest(tmp_path)
        seconds.append(time.thread_time() - start)
        assert loaded == manifest
        del loaded
    assert min(seconds) < 0.060


def test_a_missing_manifest_is_corrupted(tmp_path):
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
def test_a_well_formed_file_that_is_no_manifest_is_corrupted(tmp_path, sections):
    write_checked(manifest_path(tmp_path), MAGIC, VERSION, sections)
    with pytest.raises(Corrupted, match="not a manifest"):
        load_manifest(tmp_path)


def test_a_newer_manifest_is_refused(tmp_path):
    write_checked(manifest_path(tmp_path), MAGIC, VERSION + 1, [b"whatever"])
    with pytest.raises(VersionMismatch):
        load_manifest(tmp_path)
