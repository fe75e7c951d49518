"""Where raw data is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecdb.bench.datasets.source import SOURCES_VARIABLE, first_file, source_places

NEARBY = (Path("shared/data"), Path("../shared/data"))


def test_places_are_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOURCES_VARIABLE, raising=False)
    assert source_places() == NEARBY
    monkeypatch.setenv(SOURCES_VARIABLE, "/one:/two")
    assert source_places(tmp_path) == (tmp_path, Path("/one"), Path("/two"), *NEARBY)


def test_a_file_stands_for_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOURCES_VARIABLE, raising=False)
    (tmp_path / "a.gz").touch()
    assert source_places(tmp_path / "a.gz")[0] == tmp_path


def test_the_first_place_with_a_file_wins(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    (one / "a").mkdir(parents=True)  # a folder is no file
    two.mkdir()
    (two / "a").touch()
    (two / "b").touch()
    assert first_file([one, two], "a", "b") == two / "a"
    assert first_file([two, one], "b", "a") == two / "b"
    assert first_file([one], "a", "b") is None
