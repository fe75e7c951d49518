"""The file of a graph index: how it is written, and what is in it, to be checked bit by bit while it is searched."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from vecdb.errors import Corrupted
from vecdb.index.code_training import code4_width
from vecdb.index.codes import Codes
from vecdb.native.index import Graph
from vecdb.native.kernels import Metric
from vecdb.native.rows import Code4
from vecdb.storage.checked_file import CheckedFile, write_checked
from vecdb.storage.rows import Bytes2D

MAGIC: Final = b"VECDBGRA"
VERSION: Final = 2

_HEADER = struct.Struct("<QQII")  # entry, rows, m, rows a section of ground links and of codes
_CODES_HEADER = struct.Struct("<IIQ")  # dimension, lines, rows trained on
_SECTION_ROWS: Final = 1 << 16
_HEADER_SECTION, _LEVELS_SECTION, _GROUND_SECTION = 0, 1, 2


def write_graph(path: Path, graph: Graph, m: int, codes: Codes | None) -> None:
    """Writes header, levels, ground links by 65,536 rows, upper links; header, mean, matrix of the codes, codes."""
    levels = graph.levels()
    rows = int(np.flatnonzero(levels)[-1]) + 1 if len(graph) else 0
    bounds = [(first, min(first + _SECTION_ROWS, rows)) for first in range(0, rows, _SECTION_ROWS)]
    header = _HEADER.pack(graph.entry, rows, m, _SECTION_ROWS)
    ground = [graph.ground_links(first, end - first) for first, end in bounds]
    sections: list[object] = [header, levels[:rows], *ground, graph.upper_links()]
    if codes is not None:
        code4 = codes.code4
        sections += [_CODES_HEADER.pack(len(code4.mean), code4.lines, codes.trained_rows), code4.mean, code4.matrix]
        sections += [codes.read(np.arange(first, end, dtype=np.uint32)) for first, end in bounds]
    write_checked(path, MAGIC, VERSION, sections)


@dataclass(frozen=True, slots=True)
class SavedCodes:
    """What a file has of codes: `parts` are the codes of the rows, by GraphFile.part_rows."""

    code4: Code4
    trained_rows: int
    parts: list[Bytes2D]


class GraphFile:
    """A mapped file. Its header, its levels and how its codes are made are verified; links and codes are by check().

    `m`, `dimension` and `metric` (of the codes) are what the index expects. Corrupted, VersionMismatch, StorageFailed.
    """

    def __init__(self, path: Path, m: int, dimension: int, metric: Metric) -> None:
        self._file = CheckedFile(path, MAGIC, VERSION)
        try:
            self._read(m, dimension, metric)
        except (ValueError, IndexError, struct.error) as error:
            raise self.damage(error) from error

    def _read(self, m: int, dimension: int, metric: Metric) -> None:
        sections = self._file.sections
        self._file.check(_HEADER_SECTION)
        self._file.check(_LEVELS_SECTION)
        entry, rows, found_m, part_rows = _HEADER.unpack(sections[_HEADER_SECTION])
        self.entry: int = entry
        self.part_rows: int = part_rows
        if found_m != m:
            raise ValueError(f"a graph of m={found_m}, expected {m}")
        self.levels = np.frombuffer(sections[_LEVELS_SECTION], np.uint8)
        if len(self.levels) != rows or self.part_rows == 0:
            raise ValueError(f"levels of {len(self.levels)} rows, expected {rows}")
        last = _GROUND_SECTION + -(-rows // self.part_rows)  # the section after the ground links
        self.upper = np.frombuffer(sections[last], np.uint32)
        self.ground = [
            np.frombuffer(each, np.uint32).reshape(-1, 2 * m) for each in sections[_GROUND_SECTION:last]
        ] or [np.empty((0, 2 * m), np.uint32)]
        codes = range(last + 1, len(sections))
        for number in codes[:3]:
            self._file.check(number)
        self.codes = self._codes([sections[number] for number in codes], dimension, metric) if codes else None
        self._unchecked = deque([*range(_GROUND_SECTION, last + 1), *codes[3:]])

    @property
    def rows(self) -> int:
        """One past the last row."""
        return len(self.levels)

    @property
    def bytes(self) -> int:
        """What links and codes take."""
        return sum(map(len, self._file.sections))

    @property
    def is_mappable(self) -> bool:
        """Whether its parts are such as a graph can be searched in."""
        return self.part_rows == _SECTION_ROWS

    def check(self, bytes_maximum: int | None = None) -> bool:
        """Verifies about so many bytes of links and codes, or all that is left; True while more are left. Corrupted."""
        left = bytes_maximum
        while self._unchecked and (left is None or left > 0):
            number = self._unchecked[0]
            self._file.check(number)
            self._unchecked.popleft()
            left = None if left is None else left - len(self._file.sections[number])
        return bool(self._unchecked)

    def fill(self, graph: Graph, *, mapped: bool) -> None:
        """Makes an empty graph that of the file: where it is mapped, unchecked, or a copy. Corrupted."""
        try:
            if mapped:
                graph.map(self.levels, self.ground, self.upper, self.entry)
            else:
                ground = self.ground if self.is_mappable else [np.concatenate(self.ground)]
                graph.restore(self.levels, ground, self.upper, self.entry)
        except ValueError as error:
            raise self.damage(error) from error

    def damage(self, error: Exception) -> Corrupted:
        """An error about the file."""
        return Corrupted(path=self._file.path, detail=str(error))

    def _codes(self, sections: list[memoryview], dimension: int, metric: Metric) -> SavedCodes:
        found, lines, trained_rows = _CODES_HEADER.unpack(sections[0])
        if found != dimension:
            raise ValueError(f"codes of {found} dimensions, expected {dimension}")
        mean = np.frombuffer(sections[1], np.float32).copy()
        matrix = np.frombuffer(sections[2], np.float32).reshape(dimension, code4_width(lines)).copy()
        if not (np.isfinite(mean).all() and np.isfinite(matrix).all()):
            raise ValueError("the projection of the codes is not finite")
        code4 = Code4(metric, lines, matrix, mean)
        parts = [np.frombuffer(each, np.uint8).reshape(-1, code4.row_bytes) for each in sections[3:]]
        rows, part_rows = self.rows, self.part_rows
        if [len(each) for each in parts] != [min(part_rows, rows - first) for first in range(0, rows, part_rows)]:
            raise ValueError(f"codes of {sum(map(len, parts))} rows, expected {rows}")
        return SavedCodes(code4, trained_rows, parts)
