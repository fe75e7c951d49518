"""Every script has the same outcome at every door, step by step."""

from __future__ import annotations

from pathlib import Path

import pytest

import vecdb
from tests.parity.all_scripts import FOLDER_SCRIPTS, SCRIPTS
from tests.parity.doors import opened
from tests.parity.outcome import outcome_of
from tests.parity.script import check


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_door_gives_the_same(name: str, tmp_path: Path) -> None:
    with opened(tmp_path) as doors:
        check(SCRIPTS[name], doors)


@pytest.mark.parametrize("name", FOLDER_SCRIPTS)
def test_every_door_gives_the_same_of_a_folder(name: str, tmp_path: Path) -> None:
    with opened(tmp_path, in_memory=False) as doors:
        check(FOLDER_SCRIPTS[name], doors)


def test_snapshots_of_every_door_are_restored_alike(tmp_path: Path) -> None:
    with opened(tmp_path, in_memory=False) as doors:
        check(FOLDER_SCRIPTS["a snapshot"], doors)
        for name in ("one.snapshot", "two.snapshot"):
            found = []
            for door in doors:
                vecdb.restore(door.folder / name, door.folder / f"restored {name}")
                with vecdb.connect(door.folder / f"restored {name}", read_only=True) as database:
                    rows = {each: list(database[each].scan(with_vectors=True)) for each in database}
                    found.append(outcome_of(rows, door))
            assert rows["docs"]
            assert found == [found[0]] * 3
