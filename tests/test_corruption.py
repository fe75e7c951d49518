"""Damage to every kind of file: Corrupted or VersionMismatch that names it, or all the right rows; never wrong ones."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

import vecdb
from tests.directory_image import copy_folder, copy_quiet
from vecdb.schema import FieldType

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
ROWS = 1_300
FIELDS: dict[str, FieldType] = {"group": "integer", "word": "keyword"}
SEED = 20_251
LAST_WRITE_BYTES = 960  # in the journal: a page lost from here on leaves no later write to betray it
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


def pipes(child: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert child.stdin is not None
    assert child.stdout is not None
    return child.stdin, child.stdout


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@dataclass(frozen=True)
class Images:
    """One database at several moments. `later` are the folders after each write of the killed one's journal."""

    older: Path
    closed: Path
    killed: Path
    later: list[Path]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    folder = tmp_path_factory.mktemp("images")
    path = folder / "open"
    with vecdb.connect(str(path)) as db:
        fill(db)
    copy_folder(path, folder / "older")
    with vecdb.connect(str(path)) as db:
        change(db)
    copy_folder(path, folder / "closed")
    later = []
    numbers = np.random.default_rng(2)
    with vecdb.connect(str(path)) as db:
        for step in range(10):
            copy_quiet(path, folder / f"later {step}")
            later.append(folder / f"later {step}")
            if step == 5:
                db["graph"].delete(ids=[7, 8])
            else:
                write(db["flat" if step % 2 else "graph"], range(10 * step, 10 * step + 10), numbers, "later")
        copy_quiet(path, folder / "killed")
    return Images(folder / "older", folder / "closed", folder / "killed", later)


def fill(db: vecdb.Database) -> None:
    numbers = np.random.default_rng(1)
    graph = db.create_collection("graph", dimension=8, metric="l2", fields=FIELDS)
    flat = db.create_collection("flat", vectors={"": vecdb.Vector(8, index=vecdb.Flat())}, fields=FIELDS)
    write(graph, range(ROWS), numbers, "first")
    write(flat, range(200), numbers, "first")
    graph.optimize(wait=True)


def change(db: vecdb.Database) -> None:
    numbers = np.random.default_rng(3)
    for docs in (db["graph"], db["flat"]):
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
        places = {0, 9, size // 4, size // 2, 3 * size // 4, size - 1, choose.randrange(size)}
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


def objection(expected: dict[str, Any], found: dict[str, Any], file: Path | None) -> str | None:
    """Why this answer must not be; None if it may."""
    refused = [way for way, what in found.items() if "error" in what]
    for way in refused:
        error, text = found[way]["error"], found[way]["text"]
        if error not in REFUSALS:
            return f"{way}: {error}: {text}"
        if file is not None and not names(text, file):
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
def test_damage_is_named_or_repaired(image: str, images: Images, reader: Reader, tmp_path: Path) -> None:
    choose = random.Random(SEED)
    source = images.closed if image == "closed" else images.killed
    expected = reader.read(fresh(source, tmp_path))
    assert all("digest" in what for what in expected.values()), expected
    # A journal cut short is one whose last writes never came: all the writes before them, each whole, is right.
    prefixes = [reader.read(fresh(folder, tmp_path)) for folder in images.later] if image == "killed" else []
    objections = []
    for kind, files in files_by_kind(source).items():
        file = choose.choice(files)
        if image == "killed" and is_same(source / file, images.closed / file):
            continue
        size = occupied_bytes(source / file)
        for how, place in damages(size, choose):
            copy = fresh(source, tmp_path)
            if not damage(copy / file, how, place):
                continue
            found = reader.read(copy)
            to_the_end = how == "cut" or (how == "zero page" and place + 4096 > size - LAST_WRITE_BYTES)
            allowed = prefixes if to_the_end else prefixes[-1:]
            if file.parts[0] == "journal" and found in allowed:
                continue
            if trouble := objection(expected, found, file):
                objections.append(f"{file} ({kind}), {how} at {place}: {trouble}")
    assert not objections, "\n".join(objections)


def test_a_file_put_back_from_before_is_noticed(images: Images, reader: Reader, tmp_path: Path) -> None:
    expected = reader.read(fresh(images.closed, tmp_path))
    objections = []
    for file in (path for paths in files_by_kind(images.closed).values() for path in paths):
        before = images.older / file
        if not before.exists() or is_same(before, images.closed / file):
            continue
        copy = fresh(images.closed, tmp_path)
        shutil.copy(before, copy / file)
        # Which of two files that disagree is the old one cannot be known: any name will do.
        if trouble := objection(expected, reader.read(copy), None):
            objections.append(f"{file}: {trouble}")
    assert not objections, "\n".join(objections)


def fresh(source: Path, tmp_path: Path) -> Path:
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    copy_folder(source, tmp_path / "copy")
    return tmp_path / "copy"


def is_same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def occupied_bytes(path: Path) -> int:
    """Bytes up to the last that is not zero: the rest of a sparse file says nothing."""
    return len(path.read_bytes().rstrip(b"\0"))
