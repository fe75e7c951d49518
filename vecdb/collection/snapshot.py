"""What one reader sees of a collection; never changed once published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vecdb.index.vector_index import View
from vecdb.native.index import RowMask


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Snapshot:
    """A collection as of journal sequence `sequence`. While it is held, the rows it shows are not freed."""

    sequence: int = 0
    live: RowMask = field(default_factory=RowMask)
    views: Mapping[str, View] = field(default_factory=dict)  # by vector name
