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
|-- Overloaded                        what, retry_after_seconds
|-- Unavailable                       target, reason
|-- Unauthenticated                   reason
|-- PermissionDenied                  action, role, required
|-- ServerFailed                      reason
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
from dataclasses import dataclass

from vecdb.error_base import Error, brief
from vecdb.invalid_argument import (
    DimensionMismatch,
    DuplicateId,
    FilterError,
    InvalidArgument,
    InvalidId,
    InvalidName,
    InvalidPayload,
    InvalidSchema,
    InvalidType,
    InvalidValue,
    InvalidVector,
    LimitExceeded,
)

__all__ = [
    "Closed",
    "CollectionExists",
    "CollectionNotFound",
    "Corrupted",
    "DimensionMismatch",
    "DuplicateId",
    "Error",
    "FilterError",
    "Forked",
    "InvalidArgument",
    "InvalidId",
    "InvalidName",
    "InvalidPayload",
    "InvalidSchema",
    "InvalidType",
    "InvalidValue",
    "InvalidVector",
    "LimitExceeded",
    "Locked",
    "NotFound",
    "Overloaded",
    "PermissionDenied",
    "ReadOnly",
    "ServerFailed",
    "StorageFailed",
    "StorageFull",
    "Timeout",
    "Unauthenticated",
    "Unavailable",
    "VectorNotFound",
    "VersionMismatch",
    "brief",
]


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


@dataclass(kw_only=True, eq=False)
class Overloaded(Error):
    """The server takes no more work just now, and did nothing of this call. `retry_after_seconds`: if it can tell."""

    what: str  # what is full: "lane 'search'"
    retry_after_seconds: float | None = None

    def __str__(self) -> str:
        after = "" if self.retry_after_seconds is None else f"; try again in {self.retry_after_seconds:g} seconds"
        return f"{self.what} is overloaded{after}"


@dataclass(kw_only=True, eq=False)
class Unavailable(Error):
    """No answer from the server. A write may or may not have happened."""

    target: str
    reason: str

    def __str__(self) -> str:
        return f"server '{self.target}' is unavailable: {self.reason}"


@dataclass(kw_only=True, eq=False)
class Unauthenticated(Error):
    """The server does not know who calls: no credentials, wrong ones, or expired ones."""

    reason: str

    def __str__(self) -> str:
        return f"not authenticated: {self.reason}"


@dataclass(kw_only=True, eq=False)
class PermissionDenied(Error):
    """The caller is known, and its role does not allow the action."""

    action: str
    role: str
    required: str  # the least role that may

    def __str__(self) -> str:
        return f"{self.action} needs the role '{self.required}', this caller has '{self.role}'"


@dataclass(kw_only=True, eq=False)
class ServerFailed(Error):
    """The server failed inside, or answered with a status that means nothing here. A write may have happened."""

    reason: str

    def __str__(self) -> str:
        return f"the server failed: {self.reason}"
