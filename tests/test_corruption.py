"""Damage to every kind of file: Corrupted or VersionMismatch that names it, or all the right rows; never wrong ones."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pytest

import vecdb
from tests.directory_image import copy_folder, copy_quiet

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
ROWS = 3_000
FIELDS = {"group": "integer", "word": "keyword"}
SEED = 20_251
REFUSALS = {"Corrupted", "VersionMismatch", "Problems"}


class Reader:
    """tests.damage_reader as a child, started again when it dies."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def read(self, path: Path) -> dict[str, Any]:
        if self._child is None:
            command = [sys.executable, "-X", "faulthandler", "-m", "tests.damage_reader"]
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
            )
        wanted, given = pipes(self._child)
        print(path, file=wanted, flush=True)
        line = given.readline()
        if not line:
            errors = self.close()
            return {"process": {"error": "crash", "text": errors}}
        return dict(json.loads(line))

    def close(self) -> str:
        """Ends the child; what it wrote to stderr."""
        if self._child is None:
            return ""
        child, self._child = self._child, None
        _, errors = child.communicate(timeout=30)
        return f"status {child.returncode}: {errors}"


def pipes(child: subprocess.Popen[str]) -> tuple[TextIO, TextIO]:
    assert child.stdin is not None
    assert child.stdout is not None
    return child.stdin, child.stdout


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A database closed properly, and the same one, with more in its journal, as a kill leaves it."""
    folder = tmp_path_factory.mktemp("images")
    db = vecdb.connect(str(folder / "open"))
    fill(db)
    db.close()
    copy_folder(folder / "open", folder / "closed")
    db = vecdb.connect(str(folder / "open"))
    numbers = np.random.default_rng(2)
    for name in ("graph", "flat"):
        for first in range(0, 100, 10):
            write(db[name], range(first, first + 10), numbers, "later")
        db[name].delete(ids=[7, 8])
    copy_quiet(folder / "open", folder / "killed")
    db.close()
    return {"closed": folder / "closed", "killed": folder / "killed"}


def fill(db: vecdb.Database) -> None:
    numbers = np.random.default_rng(1)
    graph = db.create_collection("graph", dimension=8, metric="l2", fields=FIELDS)
    flat = db.create_collection("flat", vectors={"": vecdb.Vector(8, index=vecdb.Flat())}, fields=FIELDS)
    write(graph, range(ROWS), numbers, "first")
    write(flat, range(200), numbers, "first")
    graph.optimize(wait=True)
    for docs in (graph, flat):
        docs.delete(where={"group": 3})
        docs.update(ids=list(range(50)), set={"word": "changed"})
        write(docs, range(20, 60), numbers, "again")


def write(docs: vecdb.Collection, ids: range, numbers: np.random.Generator, word: str) -> None:
    rows = numbers.standard_normal((len(ids), 8), dtype=np.float32)
    docs.upsert(ids=list(ids), vectors=rows, payloads=[{"group": row % 4, "word": f"{word} {row}"} for row in ids])


def kind_of(path: Path) -> str:
    """Files of one kind differ in numbers only."""
    return re.sub(r"\d+", "#", str(path))


def files_by_kind(image: Path) -> dict[str, list[Path]]:
    kinds: dict[str, list[Path]] = {}
    for path in sorted(image.rglob("*")):
        if path.is_file():
            kinds.setdefault(kind_of(path.relative_to(image)), []).append(path.relative_to(image))
    return kinds


def damages(size: int, choose: random.Random) -> list[tuple[str, int]]:
    """What is done to a file of `size` bytes, and where."""
    cases = [("delete", 0)]
    if size:
        places = {0, 9, size // 4, size // 2, 3 * size // 4, size - 1, choose.randrange(size), choose.randrange(size)}
        cases += [("flip", place) for place in sorted(places) if place < size]
        cases += [("cut", place) for place in sorted({0, size // 2, size - 1})]
        cases += [("zero page", place) for place in sorted({0, size // 2 // 4096 * 4096})]
    return cases


def damage(path: Path, how: str, place: int) -> bool:
    """Damages a file; False if that changed nothing."""
    if how == "delete":
        path.unlink()
        return True
    before = path.read_bytes()
    after = bytearray(before)
    if how == "flip":
        after[place] ^= 0x10
    elif how == "cut":
        del after[place:]
    else:
        page = after[place : place + 4096]
        after[place : place + len(page)] = bytes(len(page))
    path.write_bytes(after)
    return bytes(after) != before


def objection(expected: dict[str, Any], found: dict[str, Any], file: Path) -> str | None:
    """Why this answer must not be; None if it may."""
    refused = [way for way, what in found.items() if "error" in what]
    for way in refused:
        error, text = found[way]["error"], found[way]["text"]
        if error not in REFUSALS:
            return f"{way}: {error}: {text}"
        if not names(text, file):
            return f"{way}: the file is not named: {text}"
    wrong = [way for way, what in found.items() if "digest" in what and what != expected[way]]
    if wrong:
        return f"wrong: {wrong}; refused: {refused}"
    if not refused and found.keys() != expected.keys():
        return f"missing: {expected.keys() - found.keys()}"
    return None


def names(text: str, file: Path) -> bool:
    """The file, or the folder of files that only make sense together."""
    folder = file.parts[0]
    return file.name in text or (folder in ("kv", "journal") and re.search(rf"\b{folder}\b", text) is not None)


@pytest.mark.parametrize("image", ["closed", "killed"])
def test_damage_is_named_or_repaired(image: str, images: dict[str, Path], reader: Reader, tmp_path: Path) -> None:
    choose = random.Random(SEED)
    copy = tmp_path / "copy"
    copy_folder(images[image], copy)
    expected = reader.read(copy)
    assert all("digest" in what for what in expected.values()), expected
    objections = []
    for kind, files in files_by_kind(images[image]).items():
        file = choose.choice(files)
        for how, place in damages(occupied_bytes(images[image] / file), choose):
            shutil.rmtree(copy)
            copy_folder(images[image], copy)
            if not damage(copy / file, how, place):
                continue
            if trouble := objection(expected, reader.read(copy), file):
                objections.append(f"{file} ({kind}), {how} at {place}: {trouble}")
    assert not objections, "\n".join(objections)


def occupied_bytes(path: Path) -> int:
    """Bytes up to the last that is not zero: the rest of a sparse file says nothing."""
    return len(path.read_bytes().rstrip(b"\0"))
