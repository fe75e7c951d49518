"""What tests/disk_recorder.c wrote down, and the folders that a loss of power at any moment of it may leave.

A disk keeps what was synced before that moment. Of the rest it keeps of each file any of the writes, and of each folder
the first few of its changes of names: POSIX promises no more, and a folder's names are not synced with its files.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct("<cQQQQ")
_SECTOR_BYTES = 512


class Record(NamedTuple):
    """C create, M make folder, R rename, U unlink, W write, T truncate, S and E sync, A to standard output."""

    kind: str
    inode: int
    offset: int
    data: bytes
    second: bytes


@dataclass(eq=False)
class File:
    """Writes (offset, data) and truncations (size, None), in order; the first `synced` are on the disk for sure."""

    changes: list[tuple[int, bytes | None]] = field(default_factory=list)
    synced: int = 0


@dataclass(eq=False)
class Folder:
    """Changes of names: (name, file), (name, None) for gone; one change may be several of these at once."""

    changes: list[list[tuple[str, File | Folder | None]]] = field(default_factory=list)
    synced: int = 0


def read_record(path: Path) -> list[Record]:
    """All that was recorded, but for a last record cut short."""
    text = path.read_bytes()
    records = []
    place = 0
    while place + _HEADER.size <= len(text):
        kind, inode, offset, size, second_size = _HEADER.unpack_from(text, place)
        place += _HEADER.size
        if place + size + second_size > len(text):
            break
        data, second = text[place : place + size], text[place + size : place + size + second_size]
        records.append(Record(kind.decode(), inode, offset, data, second))
        place += size + second_size
    return records


def lay_out(records: list[Record], root: Path, root_inode: int, target: Path, choose: random.Random) -> None:
    """Makes `target` what may be left of `root` when the power goes after these records."""
    _write_folder(target, _replayed(records, root, root_inode), choose, choose.choice(["none", "all", "some"]))


def _replayed(records: list[Record], root: Path, root_inode: int) -> Folder:
    top = Folder()
    things: dict[int, File | Folder] = {root_inode: top}
    by_path: dict[str, File | Folder] = {str(root): top}
    begun: dict[tuple[int, int], tuple[File | Folder, int]] = {}
    for kind, inode, offset, data, second in records:
        if kind in "CM":
            path = data.decode()
            things[inode] = by_path[path] = File() if kind == "C" else Folder()
            _parent(by_path, path).changes.append([(_name(path), things[inode])])
        elif kind == "U":
            path = data.decode()
            by_path.pop(path, None)
            _parent(by_path, path).changes.append([(_name(path), None)])
        elif kind == "R":
            path, new_path = data.decode(), second.decode()
            assert Path(path).parent == Path(new_path).parent, "a rename across folders is two changes"
            by_path[new_path] = by_path.pop(path)
            _parent(by_path, path).changes.append([(_name(path), None), (_name(new_path), by_path[new_path])])
        elif kind in "WT":
            thing = things[inode]
            assert isinstance(thing, File)
            thing.changes.append((offset, data if kind == "W" else None))
        elif kind == "S":
            begun[inode, offset] = (things[inode], len(things[inode].changes))
        elif kind == "E":
            synced, count = begun.pop((inode, offset))
            synced.synced = max(synced.synced, count)
    return top


def _parent(by_path: dict[str, File | Folder], path: str) -> Folder:
    folder = by_path[str(Path(path).parent)]
    assert isinstance(folder, Folder)
    return folder


def _name(path: str) -> str:
    return Path(path).name


def _write_folder(target: Path, folder: Folder, choose: random.Random, rest: str) -> None:
    target.mkdir()
    kept = folder.synced + _some(len(folder.changes) - folder.synced, choose, rest)
    names: dict[str, File | Folder | None] = {}
    for change in folder.changes[:kept]:
        names.update(change)
    for name, thing in names.items():
        if isinstance(thing, Folder):
            _write_folder(target / name, thing, choose, rest)
        elif thing is not None:
            _write_file(target / name, thing, choose, rest)


def _write_file(target: Path, file: File, choose: random.Random, rest: str) -> None:
    with open(target, "wb") as out:
        for number, (offset, data) in enumerate(file.changes):
            if number >= file.synced:
                if rest == "none" or (rest == "some" and choose.random() < 0.5):
                    continue
                if rest == "some" and data is not None and choose.random() < 0.3:  # torn
                    data = data[: choose.randrange(len(data) // _SECTOR_BYTES + 1) * _SECTOR_BYTES]
            if data is None:
                out.truncate(offset)
            else:
                out.seek(offset)
                out.write(data)


def _some(count: int, choose: random.Random, rest: str) -> int:
    return {"none": 0, "all": count, "some": choose.randint(0, count)}[rest]
