"""Changes come back from their bytes; bytes that are no change are a ValueError and nothing else."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from vecdb.collection.records import KINDS, Change, Create, Delete, Drop, Update, Upsert, decode

NO_ROWS = np.empty(0, np.uint32)
ROWS = np.array([0, 7, 2**31 - 1], np.uint32)
IDS = [b"\x02a", b"", b"\x03" + bytes(16)]
PAYLOADS = [b"{}", b'{"a":"\xc3\xbc"}', b""]
VECTORS = [np.arange(12, dtype=np.uint8).reshape(3, 4), np.zeros((3, 8), np.uint8)]

CHANGES: list[Change] = [
    Create(0, b""),
    Create(2**32 - 1, b'{"version":1}'),
    Drop(5),
    Upsert(1, ROWS, NO_ROWS, IDS, PAYLOADS, VECTORS),
    Upsert(1, ROWS, ROWS[:1], IDS, PAYLOADS, VECTORS[:1]),
    Update(2, ROWS, PAYLOADS),
    Update(2, NO_ROWS, []),
    Delete(3, ROWS, IDS),
    Delete(3, NO_ROWS, []),
]


def bytes_of(change: Change) -> bytes:
    return b"".join(bytes(part) for part in change.parts())


def facts(change: Change) -> list[object]:
    """Everything in a change, with arrays as lists."""
    values: list[object] = [type(change)]
    for name in change.__slots__:
        value = getattr(change, name)
        if isinstance(value, np.ndarray):
            value = (str(value.dtype), value.tolist())
        elif name == "vectors":
            value = [(each.shape, each.tolist()) for each in value]
        values.append(value)
    return values


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_a_change_comes_back(change: Change) -> None:
    again = decode(KINDS[type(change)], memoryview(bytes_of(change)))
    assert facts(again) == facts(change)


@pytest.mark.parametrize("kind", [0, 6, 255, -1])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    with pytest.raises(ValueError):
        decode(kind, memoryview(bytes_of(Drop(1))))


def test_a_record_cut_anywhere_is_refused() -> None:
    for change in CHANGES:
        whole = bytes_of(change)
        for size in range(len(whole)):
            with pytest.raises(ValueError):
                decode(KINDS[type(change)], memoryview(whole[:size]))


@pytest.mark.parametrize("kind", KINDS.values())
def test_random_bytes_are_a_value_error_or_a_change(kind: int) -> None:
    seed = 20261120 + kind
    numbers = random.Random(seed)
    for attempt in range(2000):
        sizes = [numbers.choice([0, 1, 4, 8, 12, 40]) for _ in range(numbers.randrange(9))]
        header = struct.pack(f"<II{len(sizes)}Q", 1, numbers.choice([len(sizes)] * 9 + [2**32 - 1]), *sizes)
        body = numbers.choice([header, b""]) + numbers.randbytes(sum(sizes))
        try:
            decode(kind, memoryview(body))
        except ValueError:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}, attempt {attempt}: {body!r}") from error


def test_a_changed_byte_is_a_value_error_or_a_change() -> None:
    for change in CHANGES:
        whole = bytes_of(change)
        for place in range(len(whole)):
            for flip in (1, 128):
                body = bytearray(whole)
                body[place] ^= flip
                try:
                    decode(KINDS[type(change)], memoryview(body))
                except ValueError:
                    pass
                except Exception as error:
                    raise AssertionError(f"{change}, byte {place} ^ {flip}") from error
