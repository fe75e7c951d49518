"""Ctrl-C at every place of a call where Python would run a signal handler: the database stays whole and goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import vecdb
from tests.directory_image import copy_folder
from tests.test_review import DIMENSION, ROWS, contents, sound, within_time


class InterruptAt:
    """Raises KeyboardInterrupt at the n-th place within a block where Python would run a signal handler.

    These are the entries of Python functions and the returns of C functions: what a profiler is told of.
    """

    def __init__(self, place: int) -> None:
        self._left = place
        self.fired = False

    def __enter__(self) -> InterruptAt:
        sys.setprofile(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:  # noqa: ARG002
        if event in ("call", "c_return") and "vecdb" in frame.f_code.co_filename and not self.fired:
            if frame.f_code.co_filename == __file__:
                return
            self._left -= 1
            if self._left < 0:
                self.fired = True
                sys.setprofile(None)
                raise KeyboardInterrupt


VERBS: list[tuple[str, Callable[[vecdb.Collection, int], object]]] = [
    ("upsert", lambda docs, n: docs.upsert(ids=[0, n], vectors=ROWS[:2], payloads=[{"n": n}, {"n": n}])),
    ("update", lambda docs, n: docs.update(ids=[0], set={"n": n})),
    ("delete", lambda docs, _: docs.delete(ids=[0])),
    ("get", lambda docs, _: docs.get([0])),
]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the interrupt ends generators too
@pytest.mark.parametrize(("verb", "call"), VERBS, ids=[verb for verb, _ in VERBS])
def test_an_interrupt_anywhere_in_a_call_leaves_a_sound_database(
    verb: str, call: Callable[[vecdb.Collection, int], object], tmp_path: Path
) -> None:
    path, place = str(tmp_path / "db"), 0
    while True:
        db = vecdb.connect(path)
        docs = db["docs"] if "docs" in db else db.create_collection("docs", dimension=DIMENSION)
        fired = 0
        for _ in range(40):
            docs.upsert(ids=[0, 1], vectors=ROWS[:2], payloads=[{"n": -1}, {"n": -1}])
            allowed = [{"n": -1}, {"n": place + 10}, *([None] if verb == "delete" else [])]
            try:
                with InterruptAt(place) as interrupt:
                    call(docs, place + 10)
            except KeyboardInterrupt:
                pass
            assert interrupt.fired or place > 20
            fired += interrupt.fired
            found = {record.id: record.payload for record in docs.get([0])}
            assert found.get(0) in allowed, (verb, place, found)
            within_time(partial(docs.upsert, ids=[0], vectors=ROWS[:1], payloads=[{"n": -2}]))
            assert docs.get([0])[0].payload == {"n": -2}, (verb, place)
            place += 1
            if not interrupt.fired:
                break
        image = tmp_path / f"image {place}"  # as a kill would leave it
        copy_folder(Path(path), image)
        with vecdb.connect(str(image)) as killed:
            sound(killed["docs"], contents(docs))
        expected = contents(docs)
        within_time(db.close)
        with vecdb.connect(path) as db:
            sound(db["docs"], expected)
        if fired < 40:
            break
