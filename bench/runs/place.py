"""Place: one algorithm with one group of query arguments, the laps it has, and the file they are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from vecdb.bench.runs.messages import Built, Command, Reply


class Place(Protocol):
    """Laps of one kind; each is written to its file as it comes, so that a run that is killed loses one at most."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def title(self) -> str:
        """What is measured, in a line."""

    @property
    def laps_done(self) -> int:
        """Laps that need not be done again."""

    def begin(self, built: Built) -> None:
        """An index was built for it: laps of other versions of the libraries do not belong to it."""

    def command(self) -> Command:
        """What the next lap asks of the worker."""

    def record(self, reply: Reply) -> None:
        """Adds the lap and writes the file; WrongAnswer."""
