"""Collection schemas: frozen, complete and valid once they exist (else InvalidSchema, InvalidName, LimitExceeded)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

from vecdb import limits
from vecdb.errors import InvalidName, InvalidSchema, InvalidValue, LimitExceeded, VectorNotFound, brief
from vecdb.json_bytes import dumps, loads

Metric = Literal["cosine", "dot", "l2"]
Dtype = Literal["float32", "float16"]
FieldType = Literal["keyword", "integer", "float", "boolean", "datetime"]

METRICS: Final[tuple[str, ...]] = get_args(Metric)
DTYPES: Final[tuple[str, ...]] = get_args(Dtype)
FIELD_TYPES: Final[tuple[str, ...]] = get_args(FieldType)
SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hnsw:
    """Graph index (Malkov & Yashunin 2018). Memory: about 4 * 2m bytes a row beside the codes."""

    m: int = 16  # links per row on the upper layers, 2m on the ground layer
    ef_construction: int = 200  # candidates kept while building; more is a better graph, built more slowly

    def __post_init__(self) -> None:
        _require_integer("m", self.m, minimum=2, maximum=limits.HNSW_M_MAXIMUM)
        _require_integer("ef_construction", self.ef_construction, minimum=1, maximum=limits.EF_CONSTRUCTION_MAXIMUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """No structure: every search scans the matching rows. Exact, and the best choice up to some ten thousand rows."""


Index = Hnsw | Flat


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector of `dimension` numbers, 1 .. DIMENSION_MAXIMUM, compared by `metric` and stored as `dtype`.

    "float16" takes half the memory and disk: each number is rounded once, to 11 bits, and must be below 65,520.
    """

    dimension: int
    metric: Metric = field(default="cosine", kw_only=True)
    index: Index = field(default_factory=Hnsw, kw_only=True)
    dtype: Dtype = field(default="float32", kw_only=True)

    def __post_init__(self) -> None:
        _require_integer("dimension", self.dimension, minimum=1, maximum=limits.DIMENSION_MAXIMUM)
        if self.metric not in METRICS:
            raise InvalidSchema(reason=f"metric must be one of {', '.join(METRICS)}, received {brief(self.metric)}")
        if not isinstance(self.index, Hnsw | Flat):
            raise InvalidSchema(reason=f"index must be Hnsw(...) or Flat(), received {brief(self.index)}")
        if not isinstance(self.dtype, str) or self.dtype not in DTYPES:  # numpy's own types equal their names
            raise InvalidSchema(reason=f"dtype must be one of {', '.join(DTYPES)}, received {brief(self.dtype)}")

    @property
    def row_bytes(self) -> int:
        """Bytes of a stored vector."""
        return self.dimension * (2 if self.dtype == "float16" else 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSchema:
    """What a collection holds: one or more vectors by name ("" is the unnamed one) and the declared payload fields."""

    name: str
    vectors: Mapping[str, Vector]
    fields: Mapping[str, FieldType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        safe_name(self.name)
        # Copied and wrapped, so that nobody changes a schema through the dict it was made from.
        object.__setattr__(self, "vectors", MappingProxyType(_checked_vectors(self.vectors)))
        object.__setattr__(self, "fields", MappingProxyType(_checked_fields(self.fields)))

    def __repr__(self) -> str:
        vectors, fields = dict(self.vectors), dict(self.fields)
        return f"CollectionSchema(name={self.name!r}, vectors={vectors!r}, fields={fields!r})"

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.vectors.items()), frozenset(self.fields.items())))

    def __reduce__(self) -> tuple[object, ...]:
        return CollectionSchema.from_json, (self.to_json(),)

    def to_json(self) -> bytes:
        """UTF-8 JSON that from_json reads back to an equal schema, in the declared order."""
        vectors = {_plain(name): _vector_to_dict(vector) for name, vector in self.vectors.items()}
        fields = {_plain(name): _plain(kind) for name, kind in self.fields.items()}
        return dumps({"version": SCHEMA_VERSION, "name": _plain(self.name), "vectors": vectors, "fields": fields})

    @staticmethod
    def from_json(text: bytes | str) -> CollectionSchema:
        """The schema that to_json wrote; anything missing, unknown or of another version is InvalidSchema."""
        try:
            document = loads(text)
        except ValueError as error:
            raise InvalidSchema(reason=f"not JSON: {error}") from None
        body = _require_keys("schema", document, ("version", "name", "vectors", "fields"))
        if body["version"] != SCHEMA_VERSION or isinstance(body["version"], bool):
            raise InvalidSchema(reason=f"version {brief(body['version'])}, this release reads {SCHEMA_VERSION}")
        vectors = body["vectors"]
        if not isinstance(vectors, dict):
            raise InvalidSchema(reason=f"vectors must be an object, received {brief(vectors)}")
        return CollectionSchema(
            name=cast(str, body["name"]),
            vectors={name: _vector_from_dict(name, value) for name, value in vectors.items()},
            fields=cast("dict[str, FieldType]", body["fields"]),
        )


def schema_of(
    name: str,
    dimension: int | None = None,
    *,
    vectors: Mapping[str, Vector] | None = None,
    metric: Metric | None = None,
    index: Index | None = None,
    dtype: Dtype | None = None,
    fields: Mapping[str, FieldType] | None = None,
) -> CollectionSchema:
    """What create_collection() is asked for: one unnamed vector (`dimension`, `metric`, ...), or named ones.

    Cosine of float32 under Hnsw() unless told otherwise. InvalidValue, InvalidName, InvalidSchema, LimitExceeded.
    """
    if (dimension is None) == (vectors is None):
        raise InvalidValue(argument="dimension", expected="one of dimension and vectors", received=(dimension, vectors))
    if vectors is None:
        assert dimension is not None
        unnamed = Vector(dimension, metric=metric or "cosine", index=index or Hnsw(), dtype=dtype or "float32")
        vectors = {"": unnamed}
    elif metric is not None or index is not None or dtype is not None:
        raise InvalidValue(
            argument="metric", expected="metric, index and dtype inside Vector(...) for named vectors", received=metric
        )
    return CollectionSchema(name=name, vectors=vectors, fields=fields or {})


def vector_used(schema: CollectionSchema, using: str | None) -> str:
    """The name of the vector that a search uses: the one asked for, or the only one. VectorNotFound."""
    if using is None and len(schema.vectors) == 1:
        return next(iter(schema.vectors))
    name = using or ""
    if not isinstance(name, str) or name not in schema.vectors:
        raise VectorNotFound(collection=schema.name, name=str(name), known=tuple(schema.vectors))
    return name


def safe_name(name: object) -> str:
    """`name` itself if it matches [A-Za-z0-9_-]{1,128}, the one rule for every identifier; InvalidName otherwise."""
    if not isinstance(name, str):
        raise InvalidName(name=name, reason=f"expected a str, received {type(name).__name__}")
    if _SAFE_NAME.fullmatch(name) is None:
        raise InvalidName(name=name, reason=f"expected 1 to {limits.NAME_BYTES} of the characters A-Z a-z 0-9 _ -")
    return name


def safe_field_name(name: object) -> str:
    """`name` itself if it can be a declared field: names of any characters but . [ ] and controls, joined by dots."""
    if not isinstance(name, str):
        raise InvalidName(name=name, reason=f"expected a str, received {type(name).__name__}")
    if _FIELD_NAME.fullmatch(name) is None:
        raise InvalidName(
            name=name, reason="expected non-empty names without . [ ] or control characters, dots between"
        )
    try:
        size_bytes = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidName(name=name, reason="lone surrogates have no UTF-8 form") from None
    if size_bytes > limits.FIELD_NAME_BYTES:
        raise InvalidName(name=name, reason=f"expected at most {limits.FIELD_NAME_BYTES} UTF-8 bytes")
    return name


_SAFE_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.NAME_BYTES}}}")
_FIELD_NAME = re.compile(r"[^.\[\]\x00-\x1f\x7f]+(\.[^.\[\]\x00-\x1f\x7f]+)*")


def _checked_vectors(vectors: Mapping[str, Vector]) -> dict[str, Vector]:
    if not isinstance(vectors, Mapping):
        raise InvalidSchema(reason=f"vectors must be a mapping of name to Vector, received {brief(vectors)}")
    if not vectors:
        raise InvalidSchema(reason="a collection needs at least one vector")
    if len(vectors) > limits.VECTORS_MAXIMUM:
        raise LimitExceeded(limit="VECTORS_MAXIMUM", maximum=limits.VECTORS_MAXIMUM, received=len(vectors))
    for name, vector in vectors.items():
        if name != "":
            safe_name(name)
        if not isinstance(vector, Vector):
            raise InvalidSchema(reason=f"vector {brief(name)} must be a Vector(...), received {brief(vector)}")
    return dict(vectors)


def _checked_fields(fields: Mapping[str, FieldType]) -> dict[str, FieldType]:
    if not isinstance(fields, Mapping):
        raise InvalidSchema(reason=f"fields must be a mapping of name to type, received {brief(fields)}")
    if len(fields) > limits.FIELDS_MAXIMUM:
        raise LimitExceeded(limit="FIELDS_MAXIMUM", maximum=limits.FIELDS_MAXIMUM, received=len(fields))
    for name, kind in fields.items():
        safe_field_name(name)
        if not isinstance(kind, str) or kind not in FIELD_TYPES:
            raise InvalidSchema(
                reason=f"field {brief(name)} must be one of {', '.join(FIELD_TYPES)}, received {brief(kind)}"
            )
    return dict(fields)


def _plain(text: str) -> str:
    """Of a subclass, such as a str Enum, the text and not its representation."""
    return str.__str__(text)


def _vector_to_dict(vector: Vector) -> dict[str, object]:
    document: dict[str, object] = {"dimension": int(vector.dimension), "metric": _plain(vector.metric)}
    document["index"] = _index_to_dict(vector.index)
    if vector.dtype != "float32":  # left out, so that a release without dtype reads schemas of float32
        document["dtype"] = _plain(vector.dtype)
    return document


def _index_to_dict(index: Index) -> dict[str, object]:
    match index:
        case Hnsw(m=m, ef_construction=ef_construction):
            return {"kind": "hnsw", "m": int(m), "ef_construction": int(ef_construction)}
        case Flat():
            return {"kind": "flat"}


def _vector_from_dict(name: str, value: object) -> Vector:
    given = {"dtype": "float32", **value} if isinstance(value, dict) else value
    body = _require_keys(f"vector {brief(name)}", given, ("dimension", "metric", "index", "dtype"))
    return Vector(
        cast(int, body["dimension"]),
        metric=cast(Metric, body["metric"]),
        index=_index_from_dict(name, body["index"]),
        dtype=cast(Dtype, body["dtype"]),
    )


def _index_from_dict(name: str, value: object) -> Index:
    place = f"index of vector {brief(name)}"
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "hnsw":
        body = _require_keys(place, value, ("kind", "m", "ef_construction"))
        return Hnsw(m=cast(int, body["m"]), ef_construction=cast(int, body["ef_construction"]))
    if kind == "flat":
        _require_keys(place, value, ("kind",))
        return Flat()
    raise InvalidSchema(reason=f"{place} has an unknown kind: {brief(value)}")


def _require_keys(place: str, value: object, expected: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != set(expected):
        raise InvalidSchema(
            reason=f"{place} must be an object of exactly {', '.join(expected)}, received {brief(value)}"
        )
    return value


def _require_integer(argument: str, value: object, *, minimum: int, maximum: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidSchema(reason=f"{argument} must be an int, received {brief(value)}")
    if not minimum <= value <= maximum:
        raise InvalidSchema(reason=f"{argument} must be {minimum} .. {maximum}, received {brief(value)}")
