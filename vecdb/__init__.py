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
    ReadOnly,
    StorageFailed,
    StorageFull,
    Timeout,
    VectorNotFound,
    VersionMismatch,
)
from vecdb.filters import Expression, field, has_id
from vecdb.ids import Id
from vecdb.schema import CollectionSchema, Flat, Hnsw, Vector
from vecdb.types import (
    CollectionStats,
    DatabaseStats,
    Hit,
    Plan,
    RecallReport,
    Record,
    VectorStats,
    VerifyReport,
    WriteResult,
)

if TYPE_CHECKING:
    from vecdb.collection.collection import Collection
    from vecdb.collection.hits import Hits
    from vecdb.database import Database, connect

__version__ = "0.1.0"

__all__ = [
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
    "Plan",
    "ReadOnly",
    "RecallReport",
    "Record",
    "StorageFailed",
    "StorageFull",
    "Timeout",
    "Vector",
    "VectorNotFound",
    "VectorStats",
    "VerifyReport",
    "VersionMismatch",
    "WriteResult",
    "connect",
    "field",
    "has_id",
]

_ENGINE = {
    "Collection": "vecdb.collection.collection",
    "Database": "vecdb.database",
    "Hits": "vecdb.collection.hits",
    "connect": "vecdb.database",
}


def __getattr__(name: str) -> object:
    module = _ENGINE.get(name)
    if module is None:
        raise AttributeError(f"module 'vecdb' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
