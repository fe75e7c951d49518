"""JSON lines from elsewhere: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import numpy as np
import orjson
import pytest

import vecdb
from tests.exchange.rows_in_files import imported, refusal
from vecdb.exchange.form import RowBatch
from vecdb.exchange.jsonl import Jsonl
from vecdb.schema import CollectionSchema

GOOD = b'{"id": 1, "vector": [1, 2]}\n'
NAMED = {"a": vecdb.Vector(1, metric="l2"), "b": vecdb.Vector(2, metric="l2")}


def test_what_others_write_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.JSONL"
    path.write_bytes(
        b'{"id":7,"vector":[1,2.5]}\n'
        b'{"vectors":{"":[-0.5,3]},"payload":null,"id":"7"}\r\n'
        b'  {"id": {"$uuid": "12345678123456781234567812345678"}, "payload": {"a": [1]}, "vector": [0, 1e-3]}'
    )
    assert imported(path) == {
        (int, 7): ({}, {"": [1, 2.5]}),
        (str, "7"): ({}, {"": [-0.5, 3]}),
        (UUID, UUID(int=0x12345678123456781234567812345678)): ({"a": [1]}, {"": [0, float(np.float32(1e-3))]}),
    }


def test_named_vectors(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1, "vectors": {"b": [1, 2], "a": [3]}}\n')
    assert imported(path, NAMED) == {(int, 1): ({}, {"a": [3], "b": [1, 2]})}
    path.write_text('{"id": 1, "vector": [3]}\n')
    assert imported(path, {"only": NAMED["a"]}) == {(int, 1): ({}, {"only": [3]})}


def test_long_numbers_are_as_exact_as_short_ones(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"id": 9223372036854775807, "payload": {"n": [18446744073709551615, -9223372036854775808, 1e22],'
        ' "text": "12345678901234567890123"}, "vector": [0.1000000000000000000001, 1]}\n'
    )
    ((key, (payload, vectors)),) = imported(path).items()
    assert key == (int, 2**63 - 1)
    assert payload == {"n": [2**64 - 1, -(2**63), 1e22], "text": "12345678901234567890123"}
    assert vectors == {"": [float(np.float32(0.1)), 1]}


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"")
    assert imported(path) == {}


@pytest.mark.parametrize(
    ("line", "expected", "reason"),
    [
        (b"\n", vecdb.InvalidValue, "line 2 of"),
        (b"null\n", vecdb.InvalidValue, "line 2 of"),
        (b"[1]\n", vecdb.InvalidValue, "line 2 of"),
        (b'{"vector": [1, 2]}\n', vecdb.InvalidValue, "line 2 of"),
        (b'{"id": 2, "vector": [1, 2]', vecdb.InvalidValue, "line 2 of"),  # cut short
        (b'{"id": 2, "vector": [1, 2]}{}\n', vecdb.InvalidValue, "line 2 of"),
        (b'{"id": 2, "vector": [1, NaN]}\n', vecdb.InvalidValue, "line 2 of"),
        (b'{"id": 2, "vector": [1, 1e999]}\n', vecdb.InvalidValue, "line 2 of"),
        (b'{"id": "\xff", "vector": [1, 2]}\n', vecdb.InvalidValue, "line 2 of"),
        (b"[" * 100_000 + b"\n", vecdb.InvalidValue, "line 2 of"),
        (b'{"id": 2, "vector": [1, 2], "title": "lost"}\n', vecdb.InvalidValue, "title"),
        (b'{"id": 2, "vector": [1, 2], "vectors": {"": [1, 2]}}\n', vecdb.InvalidValue, "line 2 of"),
        (b'{"id": 2, "vectors": {"text": [1, 2]}}\n', vecdb.InvalidValue, "text"),
        (b'{"id": 2, "vectors": {"": [1, 2], "text": [1, 2]}}\n', vecdb.InvalidValue, "text"),
        (b'{"id": 2, "vectors": [1, 2]}\n', vecdb.InvalidValue, "line 2 of"),
        (b'{"id": 2}\n', vecdb.InvalidValue, "line 2 of"),
        (b'{"id": {"$uuid": "no"}, "vector": [1, 2]}\n', vecdb.InvalidValue, "UUID"),
        (b'{"id": {"$uuid": 1}, "vector": [1, 2]}\n', vecdb.InvalidValue, "uuid"),
        (b'{"id": {"a": "b"}, "vector": [1, 2]}\n', vecdb.InvalidValue, "uuid"),
        (b'{"id": true, "vector": [1, 2]}\n', vecdb.InvalidId, "row 1"),
        (b'{"id": 1.5, "vector": [1, 2]}\n', vecdb.InvalidId, "row 1"),
        (b'{"id": -1, "vector": [1, 2]}\n', vecdb.InvalidId, "row 1"),
        (b'{"id": "", "vector": [1, 2]}\n', vecdb.InvalidId, "row 1"),
        (b'{"id": 1, "vector": [1, 2]}\n', vecdb.DuplicateId, "rows 0 and 1"),
        (b'{"id": 2, "vector": [1]}\n', vecdb.InvalidVector, "row 1: expected 2 numbers, received 1 of them"),
        (b'{"id": 2, "vector": [1, 2, 3]}\n', vecdb.InvalidVector, "row 1"),
        (b'{"id": 2, "vector": null}\n', vecdb.InvalidVector, "row 1"),
        (b'{"id": 2, "vector": ["1", "2"]}\n', vecdb.InvalidVector, "row 1: expected numbers, received str"),
        (b'{"id": 2, "vector": [true, 2]}\n', vecdb.InvalidVector, "row 1: expected numbers, received bool"),
        (b'{"id": 2, "vector": [[1], [2]]}\n', vecdb.InvalidVector, "row 1"),
        (b'{"id": 2, "vector": [1, 1e39]}\n', vecdb.InvalidVector, "row 1"),
        (b'{"id": 2, "vector": [1, 2], "payload": [1]}\n', vecdb.InvalidPayload, "row 1"),
        (b'{"id": 2, "vector": [1, 2], "payload": "text"}\n', vecdb.InvalidPayload, "row 1"),
        (b'{"id": 2, "vector": [1, 2], "payload": {"n": 18446744073709551616}}\n', vecdb.InvalidPayload, "row 1"),
        (b'{"id": 18446744073709551617, "vector": [1, 2]}\n', vecdb.InvalidId, "row 1"),
    ],
)
def test_a_bad_line_is_refused(tmp_path: Path, line: bytes, expected: type[vecdb.Error], reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + line)
    error = refusal(path)
    assert type(error) is expected
    assert reason in str(error)


def test_a_line_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(1 << 34)  # zeros that take no disk, and would take 16 GiB of memory
    assert "line 2 of" in str(refusal(path))


def test_rows_of_much_text_come_in_smaller_batches(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    text = "x" * (1 << 20)
    with path.open("wb") as file:
        for row in range(40):
            file.write(orjson.dumps({"id": row, "vector": [1, 2], "payload": {"text": text[40:]}}) + b"\n")
    schema = CollectionSchema(name="docs", vectors={"": vecdb.Vector(2)})
    sizes = [len(batch) for batch in Jsonl().read(path, schema, 1000)]
    assert sum(sizes) == 40
    assert max(sizes) < 35


def test_every_float32_is_written_so_that_it_comes_back(tmp_path: Path) -> None:
    seed = 8
    bits = np.random.default_rng(seed).integers(0, 2**32, (500, 400), dtype=np.uint32)
    rows = np.where(np.isfinite(bits.view(np.float32)), bits.view(np.float32), np.float32(0))
    schema = CollectionSchema(name="docs", vectors={"": vecdb.Vector(400, metric="l2")})
    path = tmp_path / "rows.jsonl"
    Jsonl().write(path, schema, 500, [RowBatch(range(500), [{}] * 500, {"": rows})])
    (batch,) = Jsonl().read(path, schema, 500)
    assert (batch.vectors[""].astype(np.float32).view(np.uint32) == rows.view(np.uint32)).all(), f"seed {seed}"
