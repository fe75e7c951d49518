"""docs/file_formats.md is true: a reader that was written from it finds in the files what was put into the database."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

import vecdb
from tests.docs import plain_reader
from tests.docs.plain_reader import (
    CELL_BYTES,
    coded_rows_of,
    decoded,
    frames_of,
    graph_of,
    id_of,
    live_rows,
    row_bytes_of,
)
from vecdb.storage.key_value import RocksKeyValue

ROWS = 1200
LONG_ID = "long " * 20
IDS: list[Any] = [*range(ROWS - 3), "text", UUID(int=7), LONG_ID]
A = np.random.default_rng(5).standard_normal((ROWS, 6)).astype(np.float32)
B = np.random.default_rng(6).standard_normal((ROWS, 4)).astype(np.float32)
VECTORS = {
    "a": vecdb.Vector(6, metric="l2", index=vecdb.Hnsw(m=4)),
    "b": vecdb.Vector(4, index=vecdb.Flat(), dtype="float16"),
}


def test_a_reader_written_from_the_page_finds_every_row(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", vectors=VECTORS, fields={"n": "integer"})
        docs.upsert(ids=IDS, vectors={"a": A, "b": B}, payloads=[{"n": n} for n in range(ROWS)])
        docs.optimize()
        docs.delete(ids=[0, 1])
        docs.update(ids=[2], set={"n": -2})
        docs.upsert(ids=[3], vectors={"a": A[:1], "b": B[:1]})
        unit = {record.id: record.vectors for record in docs.scan(with_vectors=True)}
        payloads = {record.id: record.payload for record in docs.scan()}

    manifest = plain_reader.manifest_of(tmp_path / "db")
    ((number, name, schema, next_row, state_file, indexes, state),) = manifest["collections"]
    assert (number, name, manifest["sequence"], manifest["next_collection"]) == (1, "docs", 5, 2)
    assert [(name, each.get("dtype")) for name, each in schema["vectors"].items()] == [("a", None), ("b", "float16")]
    assert (next_row, state["recall:a"]["rows"]) == (ROWS + 1, ROWS)
    folder = tmp_path / "db" / "collections" / "1"
    rows = live_rows(folder / state_file)
    assert len(rows) == ROWS - 2
    # RocksDB is the one format that is not ours; reading it takes RocksDB.
    store = RocksKeyValue(tmp_path / "db" / "kv", read_only=True)
    assert manifest["state"]["key_value_position"] == store.position
    collection = number.to_bytes(4, "big")
    leads_to = {decoded(key[5:]): int.from_bytes(value, "little") for key, value in store.scan(b"i" + collection)}
    found = set()
    for row in rows:
        vectors = [row_bytes_of(folder, "va", row, 24), row_bytes_of(folder, "vb", row, 8)]
        name_of = id_of(row_bytes_of(folder, "heads", row, CELL_BYTES), vectors)
        payload, long_id = store.get_many([kind + collection + row.to_bytes(4, "big") for kind in (b"p", b"l")])
        if name_of is None:
            assert long_id is not None
            name_of = decoded(long_id)
        expected = unit[name_of]
        assert expected is not None
        assert np.frombuffer(vectors[0], np.float32).tolist() == expected["a"].tolist()
        assert np.frombuffer(vectors[1], np.float16).tolist() == expected["b"].tolist()
        assert payload is not None
        assert json.loads(payload) == payloads[name_of]
        assert leads_to[name_of] == row
        found.add(name_of)
    store.close()
    assert found == set(leads_to) == set(IDS) - {0, 1}

    ((generation, file),) = indexes.values()
    assert file == f"index/va-{generation}.graph"
    m, levels, links, entry = graph_of(folder / file)
    members = set(np.flatnonzero(levels).tolist())
    assert m == 4
    assert entry in members
    assert members >= set(rows) - {ROWS}
    assert {int(link) for row in members for link in links[row]} <= members
    coded, squares = coded_rows_of(folder / file)
    of_members = sorted(members & set(rows))
    stored = np.stack([np.frombuffer(row_bytes_of(folder, "va", row, 24), np.float32) for row in of_members])
    assert np.abs(coded[of_members] - stored).max() < 0.5, "four bits a number say about where a row lies"
    assert np.corrcoef(squares[of_members], ((stored - stored.mean(axis=0)) ** 2).sum(axis=1))[0, 1] > 0.99


def test_a_reader_written_from_the_page_finds_every_change(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", vectors=VECTORS)
        docs.upsert(ids=["x", 9], vectors={"a": A[:2], "b": B[:2]}, payloads=[{"n": 1}, {}])
        docs.upsert(ids=[9], vectors={"a": A[2:3], "b": B[2:3]})
        docs.update(ids=["x"], set={"n": 2})
        docs.delete(ids=["x"])
        db.drop_collection("docs")
        shutil.copytree(tmp_path / "db", tmp_path / "open")  # close() cuts the journal
        create, first, second, update, delete, drop = frames_of(tmp_path / "open")

    assert [each[:2] for each in (create, first, second, update, delete, drop)] == [
        (kind, 1) for kind in (1, 3, 3, 4, 5, 2)
    ]
    assert json.loads(create[2][0])["name"] == "docs"
    rows, replaced, id_sizes, ids, payload_sizes, payloads, a, b = first[2]
    assert (np.frombuffer(rows, "<u4").tolist(), replaced) == ([0, 1], b"")
    assert [decoded(each) for each in plain_reader.strings_of(id_sizes, ids)] == ["x", 9]
    assert plain_reader.strings_of(payload_sizes, payloads) == [b'{"n":1}', b"{}"]
    assert a == A[:2].tobytes()
    assert len(b) == 2 * 8
    assert [np.frombuffer(each, "<u4").tolist() for each in second[2][:2]] == [[2], [1]]
    assert plain_reader.strings_of(*update[2][1:]) == [b'{"n":2}']
    assert [decoded(each) for each in plain_reader.strings_of(*delete[2][1:])] == ["x"]
    assert drop[2] == []
