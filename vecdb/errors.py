"""Every error that vecdb raises on purpose; each carries its facts as attributes and takes them by keyword only.

Error                                 catch this for anything vecdb refuses or fails at
|-- InvalidArgument (ValueError)      the caller's input was refused; nothing was written
|   |-- InvalidValue                  argument, expected, received
|   |-- InvalidType (TypeError)       argument, expected, received
|   |-- LimitExceeded                 limit, maximum, received, remedy
|   |-- DimensionMismatch             collection, vector, expected, received
|   |-- InvalidVector                 vector, reason, collection, row
|   |-- InvalidPayload                row, field, reason
|   |-- InvalidId                     row, reason
|   |-- DuplicateId                   id, first_row, second_row
|   |-- InvalidName                   name, reason
|   |-- InvalidSchema                 reason
|   `-- FilterError                   position, reason
|-- NotFound (LookupError)
|   |-- CollectionNotFound            name
|   `-- VectorNotFound                collection, name, known
|-- CollectionExists                  name
|-- Timeout (TimeoutError)            seconds
|-- Closed                            what
|-- Forked                            what
|-- ReadOnly                          path
|-- Locked                            path, pid
|-- Corrupted                         path, detail
|-- VersionMismatch                   path, found, supported
|-- StorageFull                       path, detail
`-- StorageFailed                     path, detail

An argument of the wrong Python type (k="ten") is InvalidType, which is an InvalidArgument and a TypeError at once, so
both habits of catching it work; of the right type but outside its range (k=0) it is InvalidValue, and above a bound of
`vecdb.limits` it is LimitExceeded. Where the wrong value sits inside a batch, a payload or a filter, the error that
names the row, the field or the position is raised instead, whatever the Python type was. An unknown keyword is Python's
own TypeError.
"""

# The names are the public contract; vecdb.Error is the root and the suffix would repeat it.
# ruff: noqa: N818

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(kw_only=True, eq=False)
class Error(Exception):
    """Base of everything vecdb raises on purpose; copies and pickles with its facts."""

    def __str__(self) -> str:
        return "vecdb failed"

    def __reduce__(self) -> tuple[Callable[[type[Error], dict[str, object]], Error], tuple[object, ...]]:
        return _restored, (type(self), dict(vars(self)))


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


@dataclass(kw_only=True, eq=False)
class NotFound(Error, LookupError):
    """Something that was named does not exist. A family: catch it, raise one of its members."""

    def __str__(self) -> str:
        return "not found"


@dataclass(kw_only=True, eq=False)
class CollectionNotFound(NotFound):
    """No collection of this name."""

    name: str

    def __str__(self) -> str:
        return f"collection '{self.name}' does not exist"


@dataclass(kw_only=True, eq=False)
class VectorNotFound(NotFound):
    """The collection has no vector of this name; `known` are those it has."""

    collection: str
    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        known = ", ".join(repr(name) if name else "an unnamed one" for name in self.known)
        asked = f"no vector '{self.name}'" if self.name else "no unnamed vector"
        return f"collection '{self.collection}': {asked}, it has {known or 'none'}"


@dataclass(kw_only=True, eq=False)
class CollectionExists(Error):
    """A collection of this name is already there."""

    name: str

    def __str__(self) -> str:
        return f"collection '{self.name}' already exists"


@dataclass(kw_only=True, eq=False)
class Timeout(Error, TimeoutError):
    """The call did not finish within its deadline."""

    seconds: float

    def __str__(self) -> str:
        return f"not finished within {self.seconds:g} seconds"


@dataclass(kw_only=True, eq=False)
class Closed(Error):
    """A handle used after close(); `what` names it: "database './data'"."""

    what: str

    def __str__(self) -> str:
        return f"{self.what} is closed"


@dataclass(kw_only=True, eq=False)
class Forked(Error):
    """A handle used in a child process that inherited it by fork."""

    what: str

    def __str__(self) -> str:
        return f"{self.what} was opened before fork and cannot be used in the child: open it again there, or spawn"


@dataclass(kw_only=True, eq=False)
class ReadOnly(Error):
    """A write to a database opened for reading, or one that has stopped writing after a storage failure."""

    path: str

    def __str__(self) -> str:
        return f"{self.path}: the database is read-only"


@dataclass(kw_only=True, eq=False)
class Locked(Error):
    """Another writer has the database open; `pid` is None when the owner could not be read."""

    path: str
    pid: int | None

    def __str__(self) -> str:
        owner = "another process" if self.pid is None else f"process {self.pid}"
        if self.pid == os.getpid():
            owner = f"this process ({self.pid}), which has the database open: use that handle or close it"
        return f"{self.path}: locked by {owner}"


@dataclass(kw_only=True, eq=False)
class Corrupted(Error):
    """A file whose content is not what was written."""

    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: corrupted, {self.detail}"


@dataclass(kw_only=True, eq=False)
class VersionMismatch(Error):
    """A file of a format version that this release does not read."""

    path: str
    found: int
    supported: int

    def __str__(self) -> str:
        return f"{self.path}: format version {self.found}, this release reads up to {self.supported}"


@dataclass(kw_only=True, eq=False)
class StorageFull(Error):
    """The disk or its quota is full. The write is not acknowledged; if the journal has it, it is carried out later."""

    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: no space left, {self.detail}"


@dataclass(kw_only=True, eq=False)
class StorageFailed(Error):
    """The operating system refused a read, a write or a sync; the operation was not acknowledged."""

    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: storage failed, {self.detail}"


def brief(value: object) -> str:
    """A repr of bounded length and cost: a message stays one readable line, whatever came in."""
    return _BRIEF.repr(value)


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 80

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002
        return repr(x) if x.bit_length() <= 128 else f"an int of {x.bit_length()} bits"


_BRIEF = _Brief()


def _vector_place(collection: str | None, vector: str, row: int | None) -> str:
    parts = [] if collection is None else [f"collection '{collection}'"]
    if vector or not parts:
        parts.append(f"vector '{vector}'")
    if row is not None:
        parts.append(f"row {row}")
    return ", ".join(parts)


def _restored(kind: type[Error], facts: dict[str, object]) -> Error:
    error = kind.__new__(kind)
    vars(error).update(facts)
    return error
