"""Parquet files that pyarrow wrote by hand: what is read, and what is refused with its row."""

from __future__ import annotations

import random
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecdb
from tests.exchange.rows_in_files import TWO, imported, refusal

LIST = pa.list_(pa.float32())
IDS = pa.array([1, 2, 3])
ROWS = [[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]]


def table_of(**columns: Any) -> pa.Table:
    return pa.table({name.replace("__", "."): column for name, column in columns.items()})


def written(path: Path, **columns: Any) -> Path:
    pq.write_table(table_of(**columns), path, row_group_size=2)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float64()),
        pa.list_(pa.float16()),
        pa.large_list(pa.float32()),
        pa.list_(pa.float32(), 2),
        pa.list_(pa.float64(), 2),
    ],
    ids=str,
)
def test_lists_of_any_kind(tmp_path: Path, kind: Any) -> None:
    if "halffloat" in str(kind):
        values = pa.array([[np.float16(x) for x in row] for row in ROWS], kind)
    else:
        values = pa.array(ROWS, kind)
    found = imported(written(tmp_path / "rows.parquet", id=IDS, vector=values), batch=2)
    assert found == {(int, row + 1): ({}, {"": values}) for row, values in enumerate(ROWS)}


def test_integers_are_numbers(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.parquet", id=pa.array(["a"]), vector=pa.array([[1, 2]], pa.list_(pa.int8())))
    assert imported(path) == {(str, "a"): ({}, {"": [1, 2]})}


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array([1, 2, 3], pa.uint64()), [1, 2, 3]),
        (pa.array(["1", "2", "ü"]), ["1", "2", "ü"]),
        (pa.array(["1", "2", "ü"], pa.large_string()), ["1", "2", "ü"]),
        (pa.array(["1", "2", "ü"]).dictionary_encode(), ["1", "2", "ü"]),
    ],
    ids=str,
)
def test_ids_of_others(tmp_path: Path, ids: Any, expected: list[Any]) -> None:
    found = imported(written(tmp_path / "rows.parquet", id=ids, vector=pa.array(ROWS)))
    assert list(found) == [(type(each), each) for each in expected]


def test_other_columns_become_the_payload(tmp_path: Path) -> None:
    instant = datetime(2024, 5, 17, 12, 30, tzinfo=UTC)
    path = written(
        tmp_path / "rows.parquet",
        id=IDS,
        title=pa.array(["a", None, "c"]),
        year=pa.array([1999, 2000, 2001], pa.int16()),
        tags=pa.array([["x"], [], None]),
        author=pa.array([{"name": "n", "born": 1}] * 3),
        seen=pa.array([instant] * 3, pa.timestamp("ns", "UTC")),
        day=pa.array([date(2024, 5, 17)] * 3),
        vector=pa.array(ROWS),
    )
    payloads = [payload for payload, _ in imported(path).values()]
    shared = {"author": {"name": "n", "born": 1}, "seen": instant.isoformat(), "day": "2024-05-17"}
    assert payloads == [
        {"title": "a", "year": 1999, "tags": ["x"], **shared},
        {"title": None, "year": 2000, "tags": [], **shared},
        {"title": "c", "year": 2001, "tags": None, **shared},
    ]


def test_a_payload_column_is_json_or_a_struct(tmp_path: Path) -> None:
    path = written(tmp_path / "r.parquet", id=IDS, payload=pa.array(['{"a": 1}', None, "{}"]), vector=pa.array(ROWS))
    assert [payload for payload, _ in imported(path).values()] == [{"a": 1}, {}, {}]
    path = written(tmp_path / "r.parquet", id=IDS, payload=pa.array([{"a": 1}] * 3), vector=pa.array(ROWS))
    assert [payload for payload, _ in imported(path).values()] == [{"a": 1}] * 3


def test_named_vectors(tmp_path: Path) -> None:
    vectors = {"": TWO[""], "text": vecdb.Vector(1, metric="l2")}
    path = written(tmp_path / "r.parquet", id=IDS, vector=pa.array(ROWS), vector__text=pa.array([[1.0], [2.0], [3.0]]))
    assert imported(path, vectors)[(int, 2)] == ({}, {"": [3, -4], "text": [2]})
    path = written(tmp_path / "r.parquet", id=IDS, vector=pa.array(ROWS))
    assert imported(path, {"only": TWO[""]})[(int, 2)] == ({}, {"only": [3, -4]})
    assert "vector.text" in str(refusal(path, vectors))


@pytest.mark.parametrize(
    ("columns", "expected", "reason"),
    [
        ({"vector": pa.array(ROWS)}, vecdb.InvalidValue, "column 'id'"),
        ({"id": IDS}, vecdb.InvalidValue, "column 'vector'"),
        ({"id": IDS, "vector": pa.array([1.0, 2.0, 3.0])}, vecdb.InvalidValue, "lists"),
        ({"id": IDS, "vector": pa.array([["1", "2"]] * 3)}, vecdb.InvalidValue, "lists of numbers"),
        ({"id": IDS, "vector": pa.array([[True, False]] * 3)}, vecdb.InvalidValue, "lists of numbers"),
        ({"id": IDS, "vector": pa.array([[1.0, 2.0], None, [1.0, 2.0]])}, vecdb.InvalidVector, "row 1"),
        ({"id": IDS, "vector": pa.array([[1.0, 2.0], [1.0], [1.0, 2.0, 3.0]])}, vecdb.InvalidVector, "row 1"),
        ({"id": IDS, "vector": pa.array([[1.0, 2.0], [1.0, None], ROWS[2]])}, vecdb.InvalidVector, "row 1"),
        (
            {"id": IDS, "vector": pa.array([[1.0, 2.0, 3.0]] * 3, pa.list_(pa.float32(), 3))},
            vecdb.InvalidVector,
            "row 0",
        ),
        (
            {"id": IDS, "vector": pa.array([ROWS[0], None, ROWS[2]], pa.list_(pa.float32(), 2))},
            vecdb.InvalidVector,
            "row 1",
        ),
        ({"id": IDS, "vector": pa.array([ROWS[0], [1.0, np.nan], ROWS[2]])}, vecdb.InvalidVector, "row 1"),
        ({"id": IDS, "vector": pa.array([ROWS[0], [1.0, 1e39], ROWS[2]])}, vecdb.InvalidVector, "row 1"),
        ({"id": pa.array([1, None, 3]), "vector": pa.array(ROWS)}, vecdb.InvalidId, "row 1"),
        ({"id": pa.array([1.0, 2.0, 3.0]), "vector": pa.array(ROWS)}, vecdb.InvalidId, "row 0"),
        ({"id": pa.array([1, -2, 3]), "vector": pa.array(ROWS)}, vecdb.InvalidId, "row 1"),
        ({"id": pa.array([1, 2, 1]), "vector": pa.array(ROWS)}, vecdb.DuplicateId, "rows 0 and 2"),
        ({"id": IDS, "x": pa.array([1.0, np.nan, 2.0]), "vector": pa.array(ROWS)}, vecdb.InvalidPayload, "row 1"),
        ({"id": IDS, "x": pa.array([b"1"] * 3), "vector": pa.array(ROWS)}, vecdb.InvalidPayload, "row 0"),
        ({"id": IDS, "payload": pa.array(["{}", "{", "{}"]), "vector": pa.array(ROWS)}, vecdb.InvalidPayload, "row 1"),
        ({"id": IDS, "payload": pa.array(["{}", "[]", "{}"]), "vector": pa.array(ROWS)}, vecdb.InvalidPayload, "row 1"),
        (
            {"id": IDS, "payload": pa.array(["{}", '{"n": 18446744073709551616}', None]), "vector": pa.array(ROWS)},
            vecdb.InvalidPayload,
            "row 1",
        ),
        ({"id": IDS, "payload": pa.array([1, 2, 3]), "vector": pa.array(ROWS)}, vecdb.InvalidPayload, "row 0"),
        (
            {"id": IDS, "id_kind": pa.array(["int"] * 3), "payload": pa.array(["{}"] * 3), "vector": pa.array(ROWS)},
            vecdb.InvalidValue,
            "row 0",
        ),
        (
            {
                "id": pa.array(["1", "x", "2"]),
                "id_kind": pa.array(["int"] * 3),
                "payload": pa.array(["{}"] * 3),
                "vector": pa.array(ROWS),
            },
            vecdb.InvalidValue,
            "row 1",
        ),
    ],
)
def test_bad_columns_are_refused(
    tmp_path: Path, columns: dict[str, Any], expected: type[vecdb.Error], reason: str
) -> None:
    error = refusal(written(tmp_path / "rows.parquet", **columns))
    assert type(error) is expected, error
    assert reason in str(error)


def test_an_export_is_plain_parquet(tmp_path: Path) -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=2, metric="l2")
        docs.upsert([5, "5", UUID(int=5)], np.array(ROWS), [{"a": "ü"}, None, {}])
        docs.export(tmp_path / "rows.parquet")
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 2)
    assert table.to_pydict() == {
        "id": ["5", "5", str(UUID(int=5))],
        "id_kind": ["int", "str", "uuid"],
        "payload": ['{"a":"ü"}', "{}", "{}"],
        "vector": ROWS,
    }


def test_damage_is_refused_or_harmless(tmp_path: Path) -> None:
    seed = 20261120
    numbers = random.Random(seed)
    path = written(tmp_path / "rows.parquet", id=IDS, title=pa.array(["a", "b", "c"]), vector=pa.array(ROWS))
    whole = path.read_bytes()
    for size in range(0, len(whole), 41):
        path.write_bytes(whole[:size])
        refusal(path)
    for _ in range(150):
        place = numbers.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << numbers.randrange(8)]) + whole[place + 1 :])
        try:
            imported(path)
        except vecdb.InvalidArgument:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}, byte {place} of the file") from error


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "rows.parquet", id=IDS, vector=pa.array(ROWS))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", vectors=TWO)
        for call in (docs.import_, docs.export):
            with pytest.raises(vecdb.InvalidValue, match=r"pip install vecdb\[parquet\]"):
                call(path)
        with pytest.raises(vecdb.InvalidValue, match=r"pip install vecdb\[parquet\]"):
            docs.export(tmp_path / "new.parquet")
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]
