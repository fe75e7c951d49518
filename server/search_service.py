"""vecdb.v1.Search: queries in, hits out, all arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from vecdb.collection.collection import vector_bytes
from vecdb.collection.hits import StoredHits
from vecdb.collection.hits_batch import StoredHitsBatch
from vecdb.collection.reply_bytes import reply_too_large
from vecdb.errors import InvalidValue
from vecdb.hits import Floats
from vecdb.limits import BATCH_BYTES
from vecdb.proto.convert.filters import filter_from_message
from vecdb.proto.convert.ids import fill_ids
from vecdb.proto.convert.matrices import fill_named_matrices, matrix_from_message
from vecdb.proto.convert.payloads import payloads_to_bytes
from vecdb.proto.convert.results import plan_to_message
from vecdb.proto.v1 import search_pb2
from vecdb.server.call import Call
from vecdb.server.engine import Engine, parsed
from vecdb.types import Plan, Vectors

# What a search that is answered at once may have at most; it then takes about a tenth of a millisecond.
_SHORT_BYTES: Final = 64 << 10
_SHORT_K: Final = 100
_SHORT_EF: Final = 500
_SHORT_RECALL: Final = 0.99
_SHORT_ROWS_SCANNED: Final = 2_000
_NAMES_KEPT: Final = 1_000


class SearchService:
    """Near queries, one message or a stream of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._short: set[str] = set()  # collections whose last search of one query was short

    def search(self, call: Call, data: bytes) -> search_pb2.SearchResponse:
        """The hits of every query of one request."""
        request = parsed(search_pb2.SearchRequest, data)
        stage = request.query.WhichOneof("stage")
        if stage != "near":
            raise InvalidValue(argument="query", expected="a stage that this server runs: near", received=stage)
        # Each attribute of a message is made when it is read: they are read once.
        near, ref, with_vectors = request.query.near, request.collection, request.with_vectors
        k, filters = near.k, near.where
        call.collection = ref.name
        collection = self._engine.collection(ref)
        queries = matrix_from_message(near.queries, "queries")
        self._engine.check_at_most("K_MAXIMUM", k)
        self._engine.check_at_most("EF_MAXIMUM", near.ef)
        self._engine.check_at_most("QUERIES_MAXIMUM", len(queries))
        if len(filters) > max(1, len(queries)):
            raise InvalidValue(argument="where", expected=f"one filter, or {len(queries)}", received=len(filters))
        options = _effort(near)
        if near.HasField("using"):
            options["using"] = near.using
        if request.HasField("select"):
            options["select"] = list(request.select.fields)
        if request.HasField("min_score"):
            options["min_score"] = request.min_score
        wheres = [filter_from_message(each) for each in filters] if filters else []
        if with_vectors:
            # They are read before the reply is measured, and how many rows there will be is not known before.
            most = len(queries) * vector_bytes(collection, k)
            if most > BATCH_BYTES:
                raise reply_too_large(self._engine.settings.message_bytes, most)
        timeout = call.seconds_left()
        if len(queries) == 1 and len(wheres) < 2:
            where = wheres[0] if wheres else None
            found = collection.search(queries[0], k, where=where, with_vectors=with_vectors, timeout=timeout, **options)
            if where is None and "exact" not in options:
                self._learn(ref.name, found.plan)
            response = self._response(found, [len(found)], found.scores, found.vectors, options.get("select"))
            response.plans.append(plan_to_message(found.plan))
        else:
            several = wheres if len(wheres) > 1 else (wheres[0] if wheres else None)
            batch = collection.search(queries, k, where=several, with_vectors=with_vectors, timeout=timeout, **options)
            counts, vectors = batch.counts.tolist(), batch.flat_vectors
            response = self._response(batch, counts, batch.flat_scores, vectors, options.get("select"))
            response.plans.extend(map(plan_to_message, batch.plans))
            if len(batch.plans) > 1:
                response.plan_of.extend(batch.plan_of.tolist())
        return response

    def search_stream(self, call: Call, requests: Iterator[bytes]) -> Iterator[search_pb2.SearchResponse]:
        """Requests answered in their order."""
        for data in requests:
            with self._engine.in_flight.holding(len(data)):
                yield self.search(call, data)

    def is_short(self, data: bytes) -> bool:
        """Whether a request is one query for few rows of a collection in which the last such search was short."""
        if len(data) > _SHORT_BYTES:
            return False
        request = search_pb2.SearchRequest()
        try:
            request.ParseFromString(data)
        except (DecodeError, RecursionError):
            return False
        near = request.query.near
        return (
            request.collection.name in self._short
            and near.queries.rows == 1
            and near.k <= _SHORT_K
            and near.ef <= _SHORT_EF
            and near.recall <= _SHORT_RECALL
            and not (near.exact or near.where or request.with_vectors)
        )

    def _learn(self, name: str, plan: Plan) -> None:
        if plan.rows_scanned > _SHORT_ROWS_SCANNED or (plan.ef or 0) > _SHORT_EF:
            self._short.discard(name)
        elif name not in self._short and len(self._short) < _NAMES_KEPT:
            self._short.add(name)

    def _response(
        self,
        found: StoredHits | StoredHitsBatch,
        counts: list[int],
        scores: Floats,
        vectors: Vectors | None,
        select: Sequence[str] | None,
    ) -> search_pb2.SearchResponse:
        """A response that lacks only plans."""
        data = scores.astype("<f4", copy=False).tobytes()
        response = search_pb2.SearchResponse(counts=counts, scores=data)
        fill_ids(response.ids, found.id_batch())
        size = len(data)
        if select != []:
            # Of payloads that are sent whole no more is read than may be sent; of others more, to find the fields.
            texts = found.payload_texts(BATCH_BYTES if select else self._engine.settings.message_bytes)
            size += sum(map(len, texts))
            self._engine.check_reply(size)
            response.payloads = payloads_to_bytes(texts)
        if vectors is not None:
            size += sum(array.nbytes for array in vectors.values())
            self._engine.check_reply(size)
            fill_named_matrices(response.vectors, vectors)
        return response


def _effort(near: search_pb2.Near) -> dict[str, Any]:
    effort = near.WhichOneof("effort")
    return {} if effort is None else {effort: getattr(near, effort)}
