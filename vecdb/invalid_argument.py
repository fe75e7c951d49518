"""The errors of refused input, members of the tree in vecdb.errors."""

# The names are the public contract; vecdb.Error is the root and the suffix would repeat it.
# ruff: noqa: N818

from __future__ import annotations

from dataclasses import dataclass

from vecdb.error_base import Error, brief


@dataclass(kw_only=True, eq=False)
class InvalidArgument(Error, ValueError):
    """The caller's input was refused before anything was written. A family: catch it, raise one of its members."""

    def __str__(self) -> str:
        return "invalid argument"


@dataclass(kw_only=True, eq=False)
class InvalidValue(InvalidArgument):
    """An argument of the right type with a value that has no meaning here (k=0)."""

    argument: str
    expected: str
    received: object

    def __str__(self) -> str:
        return f"argument '{self.argument}': expected {self.expected}, received {brief(self.received)}"


@dataclass(kw_only=True, eq=False)
class InvalidType(InvalidArgument, TypeError):
    """An argument of the wrong Python type (k="ten"). `received` is the value itself."""

    argument: str
    expected: str
    received: object

    def __str__(self) -> str:
        kind = type(self.received).__name__
        return f"argument '{self.argument}': expected {self.expected}, received {brief(self.received)} ({kind})"


@dataclass(kw_only=True, eq=False)
class LimitExceeded(InvalidArgument):
    """More than a bound allows; `limit` is the bound's name in `vecdb.limits`."""

    limit: str
    maximum: int
    received: int
    remedy: str = ""  # what to do instead, where there is something

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"limit {self.limit}: at most {self.maximum}, received {self.received}{remedy}"


@dataclass(kw_only=True, eq=False)
class DimensionMismatch(InvalidArgument):
    """Vectors or a query with another number of components than the collection's vector has."""

    collection: str
    vector: str
    expected: int
    received: int

    def __str__(self) -> str:
        place = _vector_place(self.collection, self.vector, None)
        return f"{place}: expected dimension {self.expected}, received {self.received}"


@dataclass(kw_only=True, eq=False)
class InvalidVector(InvalidArgument):
    """A vector that cannot be stored or searched: NaN, infinity, zero under cosine, a dtype that would lose data."""

    vector: str
    reason: str
    collection: str | None = None
    row: int | None = None  # None: the whole array is at fault, its dtype or its shape

    def __str__(self) -> str:
        return f"{_vector_place(self.collection, self.vector, self.row)}: {self.reason}"


@dataclass(kw_only=True, eq=False)
class InvalidPayload(InvalidArgument):
    """A payload that is not JSON, too large, or whose declared field has another type. `field` is a path: a.b[3]."""

    row: int
    field: str  # "": the payload as a whole
    reason: str

    def __str__(self) -> str:
        place = f", field '{self.field}'" if self.field else ""
        return f"payload of row {self.row}{place}: {self.reason}"


@dataclass(kw_only=True, eq=False)
class InvalidId(InvalidArgument):
    """An id that is not an int of 0 .. 2**63-1, a non-empty str or a UUID."""

    row: int
    reason: str

    def __str__(self) -> str:
        return f"id of row {self.row}: {self.reason}"


@dataclass(kw_only=True, eq=False)
class DuplicateId(InvalidArgument):
    """One id twice in a batch."""

    id: object
    first_row: int
    second_row: int

    def __str__(self) -> str:
        return f"id {brief(self.id)} is given twice, in rows {self.first_row} and {self.second_row}"


@dataclass(kw_only=True, eq=False)
class InvalidName(InvalidArgument):
    """A name that is not safe for a collection, a vector or a field."""

    name: object
    reason: str

    def __str__(self) -> str:
        return f"name {brief(self.name)}: {self.reason}"


@dataclass(kw_only=True, eq=False)
class InvalidSchema(InvalidArgument):
    """A schema that contradicts itself or cannot be read."""

    reason: str

    def __str__(self) -> str:
        return f"schema: {self.reason}"


@dataclass(kw_only=True, eq=False)
class FilterError(InvalidArgument):
    """A filter that cannot be read or has no meaning for the collection's fields."""

    position: int | str  # a character offset in the string spelling, else a path in the tree: and[1].not
    reason: str

    def __str__(self) -> str:
        if isinstance(self.position, int):
            return f"filter, character {self.position}: {self.reason}"
        return f"filter at '{self.position}': {self.reason}" if self.position else f"filter: {self.reason}"


def _vector_place(collection: str | None, vector: str, row: int | None) -> str:
    parts = [] if collection is None else [f"collection '{collection}'"]
    if vector or not parts:
        parts.append(f"vector '{vector}'")
    if row is not None:
        parts.append(f"row {row}")
    return ", ".join(parts)
