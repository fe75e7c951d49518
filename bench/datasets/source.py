"""A source: where a data set comes from, and how its file is made."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vecdb.progress import Progress

SOURCES_VARIABLE: Final = "VECDB_BENCH_SOURCES"
NEARBY: Final = (Path("shared/data"), Path("../shared/data"))


class Source(ABC):
    """One data set that can be prepared: `name` as ann-benchmarks would name it, `about` in a line."""

    name: str
    about: str

    @abstractmethod
    def prepare(self, target: Path, places: Sequence[Path], progress: Progress = None) -> None:
        """Writes the data set's HDF5 file to `target` from what lies in `places`; Mistake where that is not enough."""


def source_places(given: Path | None = None) -> tuple[Path, ...]:
    """Folders where raw data may lie, in order: `given` (or the folder of it), $VECDB_BENCH_SOURCES, ones nearby.

    The variable may name several, separated as in PATH.
    """
    named = [] if given is None else [given.parent if given.is_file() else given]
    listed = [Path(place) for place in os.environ.get(SOURCES_VARIABLE, "").split(os.pathsep) if place]
    return (*named, *listed, *NEARBY)


def first_file(places: Sequence[Path], *names: str) -> Path | None:
    """The first file that is there, by place, then by name relative to it."""
    candidates = (place / name for place in places for name in names)
    return next((path for path in candidates if path.is_file()), None)


def places_text(places: Sequence[Path]) -> str:
    """The places as a message lists them."""
    return ", ".join(str(place) for place in places)
