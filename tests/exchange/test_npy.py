"""Arrays from elsewhere: every order and number type, and files that are not what they say."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import vecdb
from tests.exchange.rows_in_files import TWO, imported, refusal

ROWS = np.array([[1, 2], [3, -4], [0.5, 0.25]])


def saved(path: Path, array: npt.NDArray[Any]) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">f8", "<f2", "longdouble", "i1", "<i8", "u1"])
def test_numbers_of_any_kind_and_order(tmp_path: Path, kind: str, order: Any) -> None:
    rows = np.abs(ROWS).astype(kind).copy(order=order)
    found = imported(saved(tmp_path / "rows.npy", rows), batch=2)
    assert found == {(int, row): ({}, {"": values}) for row, values in enumerate(rows.astype(float).tolist())}


def test_ids_and_payloads_beside(tmp_path: Path) -> None:
    saved(tmp_path / "rows.npy", ROWS)
    (tmp_path / "rows.npy.jsonl").write_text('{"id": "a", "payload": {"x": 1}}\n{"id": 5}\n{"payload": null, "id": 9}')
    assert imported(tmp_path / "rows.npy", batch=1) == {
        (str, "a"): ({"x": 1}, {"": [1, 2]}),
        (int, 5): ({}, {"": [3, -4]}),
        (int, 9): ({}, {"": [0.5, 0.25]}),
    }


@pytest.mark.parametrize("beside", ["", '{"id": 1}\n{"id": 2}\n', '{"id": 1}\n{"id": 2}\n{"id": 3}\n{"id": 4}\n'])
def test_another_number_of_ids_is_refused(tmp_path: Path, beside: str) -> None:
    saved(tmp_path / "rows.npy", ROWS)
    (tmp_path / "rows.npy.jsonl").write_text(beside)
    assert "3 lines" in str(refusal(tmp_path / "rows.npy"))


@pytest.mark.parametrize(
    "line", ["{}", '{"id": 1, "vector": [1, 2]}', "[]", "", '{"id": 1.5}', '{"id": 2, "payload": 5}']
)
def test_a_bad_line_beside_is_refused(tmp_path: Path, line: str) -> None:
    saved(tmp_path / "rows.npy", ROWS)
    (tmp_path / "rows.npy.jsonl").write_text(f'{{"id": 8}}\n{line}\n{{"id": 9}}\n')
    assert "2" in str(refusal(tmp_path / "rows.npy")) or "row 1" in str(refusal(tmp_path / "rows.npy"))


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1, None]], object),
        np.array([["a", "b"]]),
        np.array([[True, False]]),
        np.array([[1 + 2j, 3]]),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]),
        np.array([[1, 2]], "datetime64[s]"),
        np.ones(2),
        np.ones((1, 2, 1)),
        np.float32(1),
        np.ones((2, 3)),
        np.ones((0, 3)),
        np.array([[1, np.nan]]),
        np.array([[1, 1e39]]),
        np.array([[1, 2**40 + 1]]),
    ],
    ids=str,
)
def test_arrays_that_are_no_rows(tmp_path: Path, array: Any) -> None:
    refusal(saved(tmp_path / "rows.npy", array))


def test_no_rows(tmp_path: Path) -> None:
    assert imported(saved(tmp_path / "rows.npy", np.ones((0, 2)))) == {}


def test_a_row_of_another_dimension_carries_the_facts(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path / "rows.npy", np.ones((2, 3))))
    assert isinstance(error, vecdb.DimensionMismatch)
    assert (error.expected, error.received) == (2, 3)


def header(text: str) -> bytes:
    body = (text + " " * (117 - len(text)) + "\n").encode()
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("rows.npy", b"")
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"not numpy at all" * 100,
        zipped(),
        b"\x80\x04\x95.",
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 2), }"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 2), }") + bytes(100),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }") + bytes(100),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': 'x', }") + bytes(100),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2), }") + bytes(100),
        header("__import__('os').abort()") + bytes(100),
        header("{" * 60) + bytes(100),
    ],
)
def test_files_that_are_no_arrays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.npy"
    path.write_bytes(content)
    assert isinstance(refusal(path), vecdb.InvalidValue)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "rows.npy", ROWS)
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        refusal(path)


def test_several_vectors_have_no_array(tmp_path: Path) -> None:
    two = {"a": TWO[""], "b": TWO[""]}
    assert "2 vectors" in str(refusal(saved(tmp_path / "rows.npy", ROWS), two))
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", vectors=two)
        with pytest.raises(vecdb.InvalidValue, match="2 vectors"):
            docs.export(tmp_path / "out.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.npy"]


def test_numpy_reads_an_export(tmp_path: Path) -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=2, metric="l2")
        docs.upsert([5, "b", 7], ROWS, [{"x": 1}, None, {}])
        docs.export(tmp_path / "rows.npy")
    array = np.load(tmp_path / "rows.npy", allow_pickle=False)
    assert array.dtype == np.dtype("<f4")
    assert array.tolist() == ROWS.tolist()
    assert (tmp_path / "rows.npy.jsonl").read_text() == (
        '{"id":5,"payload":{"x":1}}\n{"id":"b","payload":{}}\n{"id":7,"payload":{}}\n'
    )
