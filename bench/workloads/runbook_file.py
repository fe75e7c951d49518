"""Runbooks: rows that come, change and go, with searches in between, as YAML in the form of big-ann-benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from vecdb.bench.mistake import Mistake


@dataclass(frozen=True, slots=True)
class Insert:
    """The rows start .. end-1 of the data, each under its own number."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Delete:
    """What was inserted under the numbers start .. end-1."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Replace:
    """The numbers tags_start .. tags_end-1 get the rows ids_start .. ids_end-1 of the data in place of their own."""

    tags_start: int
    tags_end: int
    ids_start: int
    ids_end: int


@dataclass(frozen=True, slots=True)
class Search:
    """All queries, among what is there."""


Step: TypeAlias = Insert | Delete | Replace | Search
OPERATIONS: Final[dict[str, type[Step]]] = {"insert": Insert, "delete": Delete, "replace": Replace, "search": Search}


@dataclass(frozen=True, slots=True)
class Book:
    """The steps for one data set, the first an Insert; `rows_maximum` rows are there at once at most, as it says.

    Mistake if a step cannot be: an empty range, a replacement of another length.
    """

    dataset: str
    rows_maximum: int
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps or not isinstance(self.steps[0], Insert):
            raise Mistake(f"runbook for {self.dataset}: expected an insert as the first step")
        for number, step in enumerate(self.steps, 1):
            if isinstance(step, Replace):
                sizes = step.tags_end - step.tags_start, step.ids_end - step.ids_start
                starts = step.tags_start, step.ids_start
            elif isinstance(step, Search):
                continue
            else:
                sizes, starts = (step.end - step.start,) * 2, (step.start,) * 2
            if sizes[0] < 1 or sizes[0] != sizes[1] or min(starts) < 0:
                raise Mistake(f"runbook for {self.dataset}, step {number}: no such rows: {step}")

    @property
    def rows_needed(self) -> int:
        """Rows that the data must have."""
        return max(_ends(step)[1] for step in self.steps)

    @property
    def numbers(self) -> int:
        """One more than the highest number that a row gets."""
        return max(_ends(step)[0] for step in self.steps)


def read_book(path: Path, dataset: str) -> Book:
    """The runbook for a data set, or the file's only one; Mistake for a file that is not one, or has none for it."""
    try:
        import yaml
    except ImportError:
        raise Mistake("pyyaml is not installed: pip install vecdb[bench]") from None
    try:
        books = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Mistake(f"{path}: expected a runbook: {error}") from error
    if not isinstance(books, dict) or not books or not all(isinstance(book, dict) for book in books.values()):
        raise Mistake(f"{path}: expected a runbook for each data set by name")
    if dataset not in books and len(books) > 1:
        raise Mistake(f"{path}: expected a runbook for {dataset}, received those for {', '.join(map(str, books))}")
    name = dataset if dataset in books else next(iter(books))
    return _book(path, str(name), books[name])


def write_book(path: Path, book: Book) -> None:
    """Writes one runbook as YAML."""
    lines = [f"{book.dataset}:", f"  max_pts: {book.rows_maximum}"]
    for number, step in enumerate(book.steps, 1):
        lines += [f"  {number}:", f"    operation: {type(step).__name__.lower()}"]
        lines += [f"    {name}: {getattr(step, name)}" for name in type(step).__dataclass_fields__]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _book(path: Path, name: str, entries: Mapping[Any, Any]) -> Book:
    """The steps are numbered from 1 without gaps; what has another name (gt_url) is about the steps."""
    numbered = [key for key in entries if isinstance(key, int)]
    if sorted(numbered) != list(range(1, len(numbered) + 1)):
        raise Mistake(f"{path}: {name}: expected steps numbered from 1 without gaps, received {sorted(numbered)}")
    steps = tuple(_step(f"{path}: {name}, step {number}", entries[number]) for number in sorted(numbered))
    return Book(name, _integer(f"{path}: {name}", "max_pts", entries), steps)


def _step(place: str, entry: Any) -> Step:
    operation = entry.get("operation") if isinstance(entry, dict) else None
    if operation not in OPERATIONS:
        raise Mistake(f"{place}: expected an operation among {', '.join(OPERATIONS)}, received {entry!r}")
    kind = OPERATIONS[operation]
    return kind(**{name: _integer(place, name, entry) for name in kind.__dataclass_fields__})


def _integer(place: str, name: str, entry: Mapping[Any, Any]) -> int:
    value = entry.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Mistake(f"{place}: {name}: expected a number of rows, received {value!r}")
    return value


def _ends(step: Step) -> tuple[int, int]:
    """Where the numbers and where the rows of a step end."""
    if isinstance(step, Search):
        return 0, 0
    return (step.tags_end, step.ids_end) if isinstance(step, Replace) else (step.end, step.end)
