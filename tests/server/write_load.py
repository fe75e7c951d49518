"""Writers on one server, by streams and by single calls, whose every state can be told from how far they came.

A writer makes its operations one after the other; each replaces or deletes all rows of one of its slots. So a server
that was stopped in any way must hold exactly the state after some operation, none before the last acknowledged one and
none after the last that was sent; rows of one slot from two operations would be half a batch.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import grpc
import numpy as np
import numpy.typing as npt

import vecdb
from tests.server.raw_client import RawClient, meaning, upsert_request
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.v1 import points_pb2, types_pb2

SLOTS, SLOT_ROWS, DIMENSION = 8, 25, 8
IN_FLIGHT = 6  # batches of a stream that are sent and not acknowledged


@dataclass(frozen=True)
class Operation:
    """What a writer does at a step, which begins with 1."""

    writer: int
    step: int

    @property
    def slot(self) -> int:
        return self.step * 5 % SLOTS

    @property
    def deletes(self) -> bool:
        return self.step % 7 == 0

    @property
    def ids(self) -> range:
        first = (self.writer * SLOTS + self.slot) * SLOT_ROWS
        return range(first, first + SLOT_ROWS)

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        return np.random.default_rng([self.writer, self.step]).standard_normal((SLOT_ROWS, DIMENSION), np.float32)

    def upsert(self, ref: types_pb2.CollectionRef) -> points_pb2.UpsertRequest:
        return upsert_request(ref, list(self.ids), self.vectors, [{"step": self.step}] * SLOT_ROWS)

    def delete(self, ref: types_pb2.CollectionRef) -> points_pb2.DeleteRequest:
        return points_pb2.DeleteRequest(collection=ref, ids=ids_to_message(list(self.ids)))


class Writer:
    """One thread with a connection of its own. `acknowledged` and `sent` are steps; `ended` is the error it met."""

    def __init__(self, target: str, ref: types_pb2.CollectionRef, number: int, step: int, streams: bool) -> None:
        self.number = number
        self.streams = streams
        self.acknowledged = self.sent = step
        self.ended: vecdb.Error | None = None
        self.sequences: list[int] = []
        self._target, self._ref = target, ref
        self._free = threading.Semaphore(IN_FLIGHT)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sends no more; what was sent is still acknowledged."""
        self._stopped = True

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive(), f"writer {self.number} still waits for an answer"

    def _run(self) -> None:
        with RawClient(self._target) as client:
            try:
                if self.streams:
                    for reply in client.stream("Write", self._messages(), None):
                        self._acknowledge(points_pb2.WriteAcknowledgement.FromString(reply).result)
                        self._free.release()
                else:
                    for operation in self._operations():
                        verb = "Delete" if operation.deletes else "Upsert"
                        request = operation.delete(self._ref) if operation.deletes else operation.upsert(self._ref)
                        self._acknowledge(client.call(verb, request, 20))
            except grpc.RpcError as failed:
                self.ended = meaning(failed)

    def _operations(self) -> Iterator[Operation]:
        while not self._stopped:
            self.sent += 1
            yield Operation(self.number, self.sent)

    def _messages(self) -> Iterator[points_pb2.WriteRequest]:
        for operation in self._operations():
            if operation.deletes:
                yield points_pb2.WriteRequest(delete=operation.delete(self._ref))
            else:
                yield points_pb2.WriteRequest(upsert=operation.upsert(self._ref))
            while not self._free.acquire(timeout=0.1):
                if self.ended is not None or self._stopped:
                    return

    def _acknowledge(self, result: points_pb2.WriteResponse) -> None:
        self.acknowledged += 1
        self.sequences.append(result.sequence)


def state_after(writer: int, step: int) -> dict[int, int]:
    """By id the step that wrote it, once a writer has done its first `step` operations."""
    state: dict[int, int] = {}
    for each in range(max(1, step - 20 * SLOTS), step + 1):  # every slot is rewritten long before
        operation = Operation(writer, each)
        for row in operation.ids:
            state.pop(row, None)
            if not operation.deletes:
                state[row] = each
    return state


def settle(records: Sequence[vecdb.Record], writers: Sequence[Writer]) -> list[int]:
    """The step that each writer is found at; fails where there is no such step, or a vector is not its own."""
    found: dict[int, dict[int, int]] = {writer.number: {} for writer in writers}
    for record in records:
        row = record.id
        assert isinstance(row, int)
        writer, step = row // (SLOTS * SLOT_ROWS), record.payload["step"]
        found[writer][row] = step
        written = Operation(writer, step).vectors[row % SLOT_ROWS]
        assert record.vectors is not None
        assert np.array_equal(record.vectors[""], written), f"row {row} of step {step} has another vector"
    steps = []
    for each in writers:
        possible = range(each.acknowledged, each.sent + 1)
        fitting = [step for step in possible if state_after(each.number, step) == found[each.number]]
        assert fitting, (
            f"writer {each.number} ({'stream' if each.streams else 'calls'}): acknowledged {each.acknowledged}, sent "
            f"{each.sent}; found {sorted(set(found[each.number].values()))}"
        )
        steps.append(fitting[-1])
    return steps
