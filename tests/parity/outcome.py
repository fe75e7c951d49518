"""Outcomes: values and errors as plain trees that are equal exactly when a caller could tell no difference."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np

import vecdb
from tests.parity.doors import MEMORY, Door, Stream
from vecdb.errors import brief
from vecdb.proto.facts import Described

# What a database has on its disk and in its memory depends on when its background work ran.
LEFT_OUT: Final = frozenset(
    {
        ("CollectionStats", "disk_bytes"),
        ("CollectionStats", "memory_bytes"),
        ("CollectionStats", "rows_deleted"),
        ("DatabaseStats", "checkpoint_sequence"),
        ("DatabaseStats", "disk_bytes"),
        ("DatabaseStats", "journal_bytes"),
        ("DatabaseStats", "memory_bytes"),
        ("VectorStats", "disk_bytes"),
        ("VectorStats", "memory_bytes"),
    }
)
_ONE_OF_THREE: Final = re.compile(r"\b(?:Remote|Async)(Collection|Database)\b")
_PLACES: Final = re.compile(r" at (?:'<address>'|0x[0-9a-f]+)")


@dataclass(frozen=True)
class Outcome:
    """The value, or the error, and what was reported of progress. `error` is the name of its class."""

    value: Any
    error: str | None
    reports: tuple[tuple[int, int], ...]


def outcome_of(found: Any, door: Door) -> Outcome:
    """What a step gave or raised at a door; a stream that raised counts as an error."""
    error = found.error if isinstance(found, Stream) else found if isinstance(found, Exception) else None
    # An iterator may raise when it is made or when it is first asked: a caller who reads it sees the same.
    value = error if isinstance(found, Stream) and error is not None and not found.items else found
    return Outcome(_plain(value, door), None if error is None else type(error).__name__, tuple(door.reports))


def difference(one: Outcome, other: Outcome) -> str | None:
    """The first place where two outcomes differ; None if they are the same."""
    if one == other:
        return None
    return _difference("", (one.value, one.reports), (other.value, other.reports))


def _difference(place: str, one: Any, other: Any) -> str:
    if type(one) is type(other) and isinstance(one, list | tuple) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            if left != right:
                return _difference(f"{place}[{number}]", left, right)
    return f"at {place}: {str(one)[:1000]}\n  against: {str(other)[:1000]}"


def _plain(value: Any, door: Door) -> Any:
    match value:
        case Stream(items, error):
            return ("stream", [_plain(each, door) for each in items], _plain(error, door))
        case Exception():
            return _plain_error(value, door)
        case vecdb.Hits():
            return _plain_hits(value, door)
        case vecdb.HitsBatch():
            return _plain_batch(value, door)
        case np.ndarray() if value.dtype == object:
            return ("objects", value.shape, _plain(value.tolist(), door))
        case np.ndarray():
            return ("array", value.dtype.str, value.shape, value.tobytes())
        case np.generic():
            return _plain(value.item(), door)  # a number that the caller gave, or one of an array
        case bool() | int() | None | UUID():
            return (type(value).__name__, value)
        case float():
            return ("float", value.hex())
        case Path() | str():
            return (type(value).__name__, _without_place(str(value), door))
        case Mapping():
            return ("mapping", [(_plain(key, door), _plain(each, door)) for key, each in value.items()])
        case Sequence():
            return (type(value).__name__, [_plain(each, door) for each in value])
    if is_dataclass(value):
        return _plain_facts(value, door)
    return ("collection", value.name, _plain(value.schema, door))


def _plain_error(error: Exception, door: Door) -> Any:
    facts = {name: _plain_fact(each, door) for name, each in sorted(vars(error).items())}
    return ("error", type(error).__name__, facts, _without_place(str(error), door))


def _plain_fact(fact: Any, door: Door) -> Any:
    """What crosses the network only as the text that shows it is compared as that text."""
    if isinstance(fact, Described):
        return ("described", _without_place(str(fact), door))
    if fact is None or isinstance(fact, str | bool | int | float | UUID):
        return _plain(fact, door)
    if isinstance(fact, tuple | list) and all(isinstance(each, str) for each in fact):
        return ("texts", [_without_place(each, door) for each in fact])
    return ("described", _without_place(brief(fact), door))


def _plain_hits(hits: vecdb.Hits, door: Door) -> Any:
    arrays = hits.vectors
    # Hit by hit they are what they are as arrays: compared here, at each door by itself.
    for place, hit in enumerate(hits):
        assert (hit.id, hit.score, hit.payload) == (hits.ids[place], hits.scores[place], hits.payloads[place])
        assert (hit.vectors is None) == (arrays is None)
        for name, array in (hit.vectors or {}).items():
            assert arrays is not None
            np.testing.assert_array_equal(array, arrays[name][place])
    assert len(hits) == len(hits.ids) == len(hits.scores) == len(hits.payloads)
    facts = [hits.ids, hits.scores, hits.distances, hits.payloads, hits.plan, arrays, repr(hits)]
    return ("hits", [_plain(each, door) for each in facts])


def _plain_batch(batch: vecdb.HitsBatch, door: Door) -> Any:
    arrays = (batch.id_array, batch.scores, batch.distances)
    # Query by query it is what it is as arrays.
    for place, hits in enumerate(batch):
        assert batch[place] is hits
        assert batch.ids[place] == hits.ids
        own = [hits.ids, hits.scores.tolist(), hits.distances.tolist()]
        assert [array[place, : len(hits)].tolist() for array in arrays] == own
    assert len(batch) == len(batch.ids) == len(batch.counts)
    assert batch.counts.tolist() == [len(hits) for hits in batch]
    facts = [batch.ids, *arrays, batch.counts, repr(batch), list(batch)]
    return ("batch", [_plain(each, door) for each in facts])


def _plain_facts(value: Any, door: Door) -> Any:
    kind = type(value).__name__
    names = [each.name for each in fields(value) if (kind, each.name) not in LEFT_OUT]
    return (kind, [(name, _plain(getattr(value, name), door)) for name in names])


def _without_place(text: str, door: Door) -> str:
    """A text without what tells the doors apart: their folders, addresses and classes."""
    text = text.replace(door.address, "<address>").replace(MEMORY, "<address>").replace(str(door.folder), "<folder>")
    return _PLACES.sub("", _ONE_OF_THREE.sub(r"\1", text)).replace(f"/{door.folder.name}/", "/<door>/")
