"""Requests that no honest client sends: fields out of every range, names that are paths, trees without end."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.server.raw_client import normal, search_request, upsert_request
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.convert.matrices import matrix_to_message
from vecdb.proto.v1 import admin_pb2, collections_pb2, points_pb2, search_pb2, types_pb2

DIMENSION = 8
REF = types_pb2.CollectionRef(name="docs")
NAMES = (
    "../../etc",
    "..",
    ".",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "\0",
    "docs\0",
    "\r\n",
    "",
    " ",
    "x" * 129,
    "ü",
    "\u202edocs",
)
LARGE = "x" * 10_000_000


def valid_messages() -> dict[str, Any]:
    """By method a request that is accepted."""
    where = types_pb2.Filter(negation=types_pb2.Filter(exists="a"))
    vector = collections_pb2.VectorSchema(dimension=4, metric=collections_pb2.METRIC_L2, flat=collections_pb2.Flat())
    schema = collections_pb2.CollectionSchema(name="other", vectors=[vector])
    upsert = upsert_request(REF, [1, 2], normal(2, DIMENSION), [{"a": 1}, None])
    update = points_pb2.UpdateRequest(collection=REF, ids=ids_to_message([1]), set=b'{"a":2}', unset=["b"])
    delete = points_pb2.DeleteRequest(collection=REF, ids=ids_to_message(["x"]))
    search = search_request(REF, normal(2, DIMENSION), 3)
    search.query.near.where.append(where)
    return {
        "CreateCollection": collections_pb2.CreateCollectionRequest(schema=schema),
        "GetCollection": collections_pb2.GetCollectionRequest(name="docs"),
        "ListCollections": collections_pb2.ListCollectionsRequest(),
        "DropCollection": collections_pb2.DropCollectionRequest(collection=types_pb2.CollectionRef(name="other")),
        "Upsert": upsert,
        "Update": update,
        "Delete": delete,
        "Write": points_pb2.WriteRequest(upsert=upsert),
        "Get": points_pb2.GetRequest(collection=REF, ids=ids_to_message([1, "a"]), with_vectors=True),
        "Count": points_pb2.CountRequest(collection=REF, where=where),
        "Scan": points_pb2.ScanRequest(collection=REF, where=where, order_by="-a", batch=10, with_vectors=True),
        "Search": search,
        "SearchStream": search,
        "GetCapabilities": admin_pb2.GetCapabilitiesRequest(),
        "GetStats": admin_pb2.GetStatsRequest(),
        "GetCollectionStats": admin_pb2.GetCollectionStatsRequest(collection=REF),
        "MeasureRecall": admin_pb2.MeasureRecallRequest(collection=REF, sample=5, k=3, ef=10, seed=1),
        "Verify": admin_pb2.VerifyRequest(collection=REF),
        "Optimize": admin_pb2.OptimizeRequest(collection=REF, wait=True),
        "Snapshot": admin_pb2.SnapshotRequest(),
    }


def garbage(choose: random.Random, valid: bytes) -> bytes:
    """Random bytes, or a valid message changed in one or several places."""
    kind = choose.randrange(6)
    data = bytearray(valid)
    if kind == 0 or not data:
        return choose.randbytes(choose.choice((1, 2, 5, 20, 300, 5_000)))
    for _ in range(choose.randint(1, 4)):
        place = choose.randrange(len(data) + 1)
        if kind == 1:
            del data[place:]
        elif kind == 2:
            data[place:place] = choose.randbytes(choose.randint(1, 9))
        elif kind == 3:
            data[place:place] = data[: choose.randint(1, 40)]
        elif kind == 4:
            del data[place : place + choose.randint(1, 4)]
        elif place < len(data):
            data[place] ^= 1 << choose.randrange(8)
    return bytes(data)


def field(number: int, content: bytes) -> bytes:
    """One field of bytes, text or a message, on the wire."""
    size, head = len(content), bytearray([number << 3 | 2])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head) + bytes([size]) + content


def deep_filter(depth: int) -> bytes:
    """not (not (... exists)), on the wire: no library would write it."""
    data = field(9, b"a")
    for _ in range(depth):
        data = field(3, data)
    return data


def many_conditions(count: int) -> bytes:
    return field(1, field(1, field(9, b"a")) * count)


Hostile = tuple[str, str, Any]  # what it is, the method, and the request: a message or bytes


def hostile_requests() -> Iterator[Hostile]:
    """All of them are to be refused; made one by one, as some are large."""
    yield from _filters()
    yield from _searches()
    yield from _rows()
    yield from _names()
    yield from _care()


def _filters() -> Iterator[Hostile]:
    ref = field(1, REF.SerializeToString())
    for depth in (17, 50, 99, 10_000):
        yield f"filter {depth} deep", "Count", ref + field(2, deep_filter(depth))
        yield f"filter {depth} deep", "Scan", ref + field(2, deep_filter(depth)) + b"\x20\x0a"
        yield f"filter {depth} deep", "Delete", ref + field(3, deep_filter(depth))
        yield f"filter {depth} deep", "Search", search_with(deep_filter(depth))
    for conditions in (1_025, 1_000_000):
        yield f"{conditions} conditions", "Count", ref + field(2, many_conditions(conditions))
        yield f"{conditions} conditions", "Search", search_with(many_conditions(conditions))
    one = types_pb2.Value(integer=1)
    listed = types_pb2.Listed(field="a", values=[one] * 100_001)
    yield "a list too long", "Count", count(types_pb2.Filter(any_of=listed))
    yield (
        "a condition without a value",
        "Count",
        count(types_pb2.Filter(comparison=types_pb2.Comparison(field="a"))),
    )
    for number in (math.nan, math.inf):
        value = types_pb2.Value(number=number)
        comparison = types_pb2.Comparison(field="a", operator=types_pb2.OPERATOR_LESS, value=value)
        yield (
            f"compared with {number}",
            "Count",
            count(types_pb2.Filter(comparison=comparison)),
        )
    yield "a field of 10 MB", "Count", count(types_pb2.Filter(exists=LARGE))
    yield "an empty field", "Count", count(types_pb2.Filter(exists=""))
    yield "delete without rows", "Delete", points_pb2.DeleteRequest(collection=REF)
    yield "delete everything", "Delete", points_pb2.DeleteRequest(collection=REF, where=types_pb2.Filter())


def _searches() -> Iterator[Hostile]:
    for k in (0, 10_001, 2**31, 2**32 - 1):
        yield f"k {k}", "Search", search_request(REF, normal(1, DIMENSION), k)
    for effort in ({"ef": 0}, {"ef": 2**31}, {"recall": math.nan}, {"recall": -1.0}, {"recall": 2.0}):
        yield f"{effort}", "Search", search(**effort)
    for number in (math.nan, math.inf, -math.inf):
        yield (
            f"query {number}",
            "Search",
            search(queries=np.full((2, DIMENSION), number, np.float32)),
        )
    yield (
        "min_score NaN",
        "Search",
        search_pb2.SearchRequest(collection=REF, query=search().query, min_score=math.nan),
    )
    yield "no stage", "Search", search_pb2.SearchRequest(collection=REF)
    yield "queries times k", "Search", search_request(REF, normal(5_000, DIMENSION), 10_000)
    yield "too many queries", "Search", search_request(REF, normal(10_001, DIMENSION), 1)
    yield "using of 10 MB", "Search", search(using=LARGE)
    yield "filters of another number", "Search", search(where=[types_pb2.Filter()] * 5)
    for rows, dimension, data in SHAPES:
        matrix = types_pb2.Matrix(type=types_pb2.COMPONENT_TYPE_FLOAT32, rows=rows, dimension=dimension, data=data)
        yield f"{rows} x {dimension} in {len(data)} bytes", "Search", search(matrix=matrix)
    yield (
        "components of no type",
        "Search",
        search(matrix=types_pb2.Matrix(rows=1, dimension=8, data=b"x" * 32)),
    )


SHAPES = ((2**31, 2**31, b"1234"), (2**32 - 1, 0, b""), (1, 65_537, b""), (1, 2**32 - 1, b"1234"), (1, 8, b"x" * 33))


def _rows() -> Iterator[Hostile]:
    X = normal(2, DIMENSION)
    for ids in ([-1, 2], [1, 1], ["", "a"], ["a", "x" * 1_025], [LARGE, "a"], [1], [1, 2, 3]):
        yield f"ids {str(ids)[:30]}", "Upsert", upsert_request(REF, ids, X)
    yield "ids of half a number", "Upsert", rows_of(types_pb2.Ids(integers=b"123456789"))
    yield "ids of half a UUID", "Upsert", rows_of(types_pb2.Ids(uuids=b"x" * 31))
    yield (
        "an id of nothing",
        "Upsert",
        rows_of(types_pb2.Ids(mixed=types_pb2.MixedIds(values=[types_pb2.Id()] * 2))),
    )
    for number in (math.nan, math.inf):
        yield (
            f"rows of {number}",
            "Upsert",
            upsert_request(REF, [1, 2], np.full((2, 8), number, np.float32)),
        )
    yield "another dimension", "Upsert", upsert_request(REF, [1, 2], normal(2, 9))
    yield "a name twice", "Upsert", twice(X)
    yield "another vector", "Upsert", named("other", X)
    yield "a vector of 10 MB name", "Upsert", named(LARGE, X)
    deep = b"[" + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b",null]"
    texts = (
        b"{",
        b"[]",
        b"[{},{},{}]",
        b'{"a":1}',
        b"[1,2]",
        b'[{"a":NaN},{}]',
        b'[{"a":1e400},{}]',
        b"\xff\xfe",
        deep,
    )
    for text in (*texts, b'[{"\xed\xa0\x80":1},{}]', b'[{"a":"' + b"x" * (2 << 20) + b'"},null]', b"[" * 1_000_000):
        yield f"payloads {text[:20]!r}", "Upsert", rows_of(ids_to_message([1, 2]), payloads=text)
    for text in (b"[]", b"1", b"{", b'{"a":' * 5_000 + b"1" + b"}" * 5_000):
        yield f"set {text[:20]!r}", "Update", update(text)
    yield "an operation of nothing", "Write", points_pb2.WriteRequest()
    yield "a part of nothing", "Write", points_pb2.WriteRequest(more=True)
    yield (
        "a part without its end",
        "Write",
        points_pb2.WriteRequest(upsert=upsert_request(REF, [1], X[:1]), more=True),
    )
    yield "too many ids", "Get", points_pb2.GetRequest(collection=REF, ids=ids_to_message(np.arange(100_001)))
    yield "pages of too many", "Scan", points_pb2.ScanRequest(collection=REF, batch=2**32 - 1)


def _names() -> Iterator[Hostile]:
    for name in (*NAMES, LARGE):
        shown = repr(name[:20])
        yield f"create {shown}", "CreateCollection", create(name=name)
        yield f"get {shown}", "GetCollection", collections_pb2.GetCollectionRequest(name=name)
        ref = types_pb2.CollectionRef(name=name)
        yield f"drop {shown}", "DropCollection", collections_pb2.DropCollectionRequest(collection=ref)
        yield f"upsert to {shown}", "Upsert", upsert_request(ref, [1], normal(1, DIMENSION))
        yield f"scan {shown}", "Scan", points_pb2.ScanRequest(collection=ref, batch=1)
    for name in ("../../etc", "/etc", "a/b", "\0", "..", "x" * 129):
        yield f"a vector {name[:20]!r}", "CreateCollection", create(vector=name)
    for name in ("a..b", "\0", LARGE):
        yield f"a field {name[:20]!r}", "CreateCollection", create(field_name=name)
    yield "no UTF-8", "GetCollection", field(1, b"\xff\xfe\xed\xa0\x80")
    yield "no UTF-8", "CreateCollection", field(1, field(1, b"a\xff") + field(2, b"\x10\x04"))
    for dimension in (0, 65_537, 2**32 - 1):
        yield f"dimension {dimension}", "CreateCollection", create(dimension=dimension)
    yield "17 vectors", "CreateCollection", create(vectors=17)
    yield "no vectors", "CreateCollection", create(vectors=0)
    hnsw = collections_pb2.Hnsw(m=2**31, ef_construction=2**31)
    yield "hnsw", "CreateCollection", create(hnsw=hnsw)


def _care() -> Iterator[Hostile]:
    most = 2**32 - 1
    for sample, k, ef in ((0, 1, 1), (most, 1, 10), (1, 0, 10), (1, most, 10), (1, 1, most), (most, most, 1)):
        request = admin_pb2.MeasureRecallRequest(collection=REF, sample=sample, k=k, ef=ef)
        yield f"recall {sample} {k} {ef}", "MeasureRecall", request
    nowhere = types_pb2.CollectionRef(name="docs", number=2**64 - 1)
    yield "another number", "Verify", admin_pb2.VerifyRequest(collection=nowhere)
    yield "another number", "Optimize", admin_pb2.OptimizeRequest(collection=nowhere, wait=True)
    yield "another number", "GetCollectionStats", admin_pb2.GetCollectionStatsRequest(collection=nowhere)


def count(where: types_pb2.Filter) -> points_pb2.CountRequest:
    return points_pb2.CountRequest(collection=REF, where=where)


def search(queries: Any = None, matrix: types_pb2.Matrix | None = None, **near: Any) -> search_pb2.SearchRequest:
    found = normal(2, DIMENSION) if queries is None else queries
    message = matrix_to_message(found) if matrix is None else matrix
    query = search_pb2.Query(near=search_pb2.Near(**{"queries": message, "k": 3, **near}))
    return search_pb2.SearchRequest(collection=REF, query=query)


def search_with(where: bytes) -> bytes:
    near = field(2, matrix_to_message(normal(1, DIMENSION)).SerializeToString()) + b"\x18\x03" + field(4, where)
    return field(1, REF.SerializeToString()) + field(2, field(1, near))


def rows_of(ids: types_pb2.Ids, payloads: bytes = b"") -> points_pb2.UpsertRequest:
    request = upsert_request(REF, [1, 2], normal(2, DIMENSION))
    request.ids.CopyFrom(ids)
    request.payloads = payloads
    return request


def named(name: str, X: Any) -> points_pb2.UpsertRequest:
    request = upsert_request(REF, [1, 2], X)
    request.vectors[0].name = name
    return request


def twice(X: Any) -> points_pb2.UpsertRequest:
    request = upsert_request(REF, [1, 2], X)
    request.vectors.add().CopyFrom(request.vectors[0])
    return request


def update(text: bytes) -> points_pb2.UpdateRequest:
    return points_pb2.UpdateRequest(collection=REF, ids=ids_to_message([1]), set=text)


def create(
    name: str = "hostile",
    vector: str = "",
    dimension: int = 4,
    field_name: str = "a",
    vectors: int = 1,
    hnsw: collections_pb2.Hnsw | None = None,
) -> collections_pb2.CreateCollectionRequest:
    made = [
        collections_pb2.VectorSchema(
            name=f"{vector}{place or ''}",
            dimension=dimension,
            metric=collections_pb2.METRIC_L2,
            hnsw=hnsw or collections_pb2.Hnsw(m=16, ef_construction=100),
        )
        for place in range(vectors)
    ]
    fields = [collections_pb2.FieldSchema(name=field_name, type=collections_pb2.FIELD_TYPE_KEYWORD)]
    schema = collections_pb2.CollectionSchema(name=name, vectors=made, fields=fields)
    return collections_pb2.CreateCollectionRequest(schema=schema)
