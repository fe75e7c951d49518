"""A vector search database: an embedded library with a C++ core.

connect(path) opens a database; see Database and Collection for its verbs. The engine is loaded when one of them is
used: a program that only names errors, schemas or filters does without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from vecdb.errors import (
    Closed,
    CollectionExists,
    CollectionNotFound,
    Corrupted,
    DimensionMismatch,
    DuplicateId,
    Error,
    FilterError,
    Forked,
    InvalidArgument,
    InvalidId,
    InvalidName,
    InvalidPayload,
    InvalidSchema,
    InvalidType,
    InvalidValue,
    InvalidVector,
    LimitExceeded,
    Locked,
    NotFound,
    Overloaded,
    PermissionDenied,
    ReadOnly,
    ServerFailed,
    StorageFailed,
    StorageFull,
    Timeout,
    Unauthenticated,
    Unavailable,
    VectorNotFound,
    VersionMismatch,
)
from vecdb.filters import Expression, field, has_id
from vecdb.hits import Hits
from vecdb.hits_batch import HitsBatch
from vecdb.ids import Id
from vecdb.schema import CollectionSchema, Flat, Hnsw, Vector
from vecdb.types import (
    CollectionStats,
    DatabaseStats,
    Hit,
    Plan,
    RecallReport,
    Record,
    SnapshotReport,
    VectorStats,
    VerifyReport,
    WriteResult,
)
from vecdb.version import VERSION

if TYPE_CHECKING:
    from vecdb.client.async_collection import AsyncCollection
    from vecdb.client.async_database import AsyncDatabase
    from vecdb.client.collection import RemoteCollection
    from vecdb.client.database import RemoteDatabase
    from vecdb.collection.collection import Collection
    from vecdb.collection.snapshot_parts import SnapshotParts
    from vecdb.database import Database, restore
    from vecdb.door import connect, connect_async

__version__ = VERSION

__all__ = [
    "AsyncCollection",
    "AsyncDatabase",
    "Closed",
    "Collection",
    "CollectionExists",
    "CollectionNotFound",
    "CollectionSchema",
    "CollectionStats",
    "Corrupted",
    "Database",
    "DatabaseStats",
    "DimensionMismatch",
    "DuplicateId",
    "Error",
    "Expression",
    "FilterError",
    "Flat",
    "Forked",
    "Hit",
    "Hits",
    "HitsBatch",
    "Hnsw",
    "Id",
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
    "Plan",
    "ReadOnly",
    "RecallReport",
    "Record",
    "RemoteCollection",
    "RemoteDatabase",
    "ServerFailed",
    "SnapshotParts",
    "SnapshotReport",
    "StorageFailed",
    "StorageFull",
    "Timeout",
    "Unauthenticated",
    "Unavailable",
    "Vector",
    "VectorNotFound",
    "VectorStats",
    "VerifyReport",
    "VersionMismatch",
    "WriteResult",
    "connect",
    "connect_async",
    "field",
    "has_id",
    "restore",
]

_ENGINE = {
    "AsyncCollection": "vecdb.client.async_collection",
    "AsyncDatabase": "vecdb.client.async_database",
    "Collection": "vecdb.collection.collection",
    "Database": "vecdb.database",
    "RemoteCollection": "vecdb.client.collection",
    "RemoteDatabase": "vecdb.client.database",
    "SnapshotParts": "vecdb.collection.snapshot_parts",
    "connect": "vecdb.door",
    "connect_async": "vecdb.door",
    "restore": "vecdb.database",
}


def __getattr__(name: str) -> object:
    module = _ENGINE.get(name)
    if module is None:
        raise AttributeError(f"module 'vecdb' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
