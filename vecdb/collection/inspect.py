"""Looking at a collection from outside: sizes, recall, and whether everything is as it was written."""

from __future__ import annotations

from typing import Final

from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.keys import row_of_key, unpack_row
from vecdb.collection.measure import recalls, sampled_queries
from vecdb.collection.scrub import check_rows
from vecdb.collection.state import CollectionState, RowNumbers
from vecdb.collection.vector_column import VectorColumn
from vecdb.errors import Corrupted
from vecdb.ids import encode_id
from vecdb.index.hnsw import HnswIndex
from vecdb.payload import decode_payload
from vecdb.types import CollectionStats, RecallReport, VectorStats, VerifyReport

_CHUNK_ROWS: Final = 4096
_CHUNK_BYTES: Final = 64 << 20  # of vectors


def collection_stats(state: CollectionState) -> CollectionStats:
    """Rows, memory and disk at one sequence."""
    snapshot = state.snapshot
    vectors = {}
    for name, column in state.columns.items():
        tail = len(snapshot.views[name].tail)
        vectors[name] = VectorStats(
            dimension=column.vector.dimension,
            dtype=column.vector.dtype,
            rows_indexed=len(snapshot.live) - tail if column.index.absorbs else 0,
            rows_tail=tail,
            memory_bytes=column.index.memory_bytes(),
            disk_bytes=column.rows.bytes_on_disk(),
        )
    disk = sum(each.disk_bytes for each in vectors.values()) + state.heads.rows.bytes_on_disk()
    if state.folder is not None:
        disk += sum(path.stat().st_size for path in (state.folder / "index").glob("*.graph"))
    return CollectionStats(
        name=state.schema.name,
        rows=len(snapshot.live),
        rows_deleted=state.free_rows.next_row - len(snapshot.live) - state.free_rows.free(),
        sequence=snapshot.sequence,
        memory_bytes=sum(each.memory_bytes for each in vectors.values()),
        disk_bytes=disk,
        vectors=vectors,
    )


def recall_report(
    state: CollectionState,
    column: VectorColumn,
    sample: int,
    k: int,
    ef: int | None,
    seed: int,
    deadline: Deadline = NEVER,
) -> RecallReport:
    """Recall@k over stored vectors as queries; each finds itself, as it should. Timeout."""
    snapshot = state.snapshot
    used = ef if ef is not None else state.curves[column.name].ef_by_default(k)
    if len(snapshot.live) == 0:
        return RecallReport(recall=1.0, recall_minimum=1.0, k=k, sample=0, ef=used, seed=seed)
    queries = sampled_queries(column, snapshot, sample, seed)
    shares = recalls(column, snapshot, queries, k, used, deadline)
    return RecallReport(
        recall=float(shares.mean()),
        recall_minimum=float(shares.min()),
        k=k,
        sample=len(queries),
        ef=used if column.index.absorbs else None,
        seed=seed,
    )


def verify(state: CollectionState, commits: CommitQueue, deadline: Deadline = NEVER) -> VerifyReport:
    """Checks every row's head, vectors, id and payload, and every link of the indexes. Timeout between rows.

    An index whose file is found to be damaged is forgotten: searches are exact until it is built again.
    """
    problems: list[str] = []
    with deadline.holding(state.index_lock), deadline.holding(commits.apply_lock):
        commits.settle()
        live = state.snapshot.live
        rows = live.rows()
        step = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // state.row_bytes))
        for first in deadline.each(range(0, len(rows), step)):
            some = rows[first : first + step]
            try:
                check_rows(state, some)
                keys = state.keys.ids([encode_id(each) for each in state.ids_of(some)])
                for row, value in zip(some.tolist(), state.key_value.get_many(keys), strict=True):
                    if value is None or unpack_row(value) != row:
                        problems.append(f"the id of row {row} leads elsewhere")
            except Corrupted as error:
                problems.append(str(error))
        problems += _store_problems(state, rows, deadline)
        files = len(state.heads.rows.chunk_buffers())
        for name, column in deadline.each(state.columns.items()):
            files += len(column.rows.chunk_buffers()) + 1
            try:
                while column.load_index(_CHUNK_BYTES):
                    deadline.check()
            except Corrupted as error:
                problems.append(str(error))
                state.forget_index(name)
            if isinstance(column.index, HnswIndex) and (unsound := column.index.graph.unsound_links()):
                problems.append(f"vector '{name}': {unsound} unsound links in the graph")
    return VerifyReport(files=files, rows=len(rows), problems=tuple(problems))


def _store_problems(state: CollectionState, rows: RowNumbers, deadline: Deadline) -> list[str]:
    problems = []
    try:
        ids = sum(1 for _ in deadline.each(state.key_value.scan(state.keys.id_prefix)))
        if ids != len(rows):
            problems.append(f"{ids} ids lead to {len(rows)} rows")
        live, found = state.snapshot.live, 0
        for key, text in deadline.each(state.key_value.scan(state.keys.payload_prefix)):
            if row_of_key(key) in live:
                decode_payload(text)
                found += 1
        if found != len(rows):
            problems.append(f"{found} payloads for {len(rows)} rows")
    except (Corrupted, ValueError) as error:
        problems.append(str(error))
    return problems
