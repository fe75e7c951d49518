"""PairMap against a dict under random writes, with keys and values of hostile sizes; a version never changes."""

import random
from collections.abc import Callable

import pytest

from vecdb.native.pairs import PairMap, PairVersion

Draw = Callable[[random.Random], bytes]

LONG = b"shared by all and longer than what a leaf's first key is found by: "


def few(generator: random.Random) -> bytes:
    return bytes(generator.choices(b"\x00ab\xff", k=generator.randint(0, 4)))


def numbered(generator: random.Random) -> bytes:
    return b"i\0\0\0\1\1" + generator.randrange(3000).to_bytes(8, "big")


def long_shared(generator: random.Random) -> bytes:
    return LONG[: generator.choice([15, 16, 17, len(LONG)])] + b"%d" % generator.randrange(500)


def any_size(generator: random.Random) -> bytes:
    return generator.randbytes(generator.choice([0, 1, 15, 16, 17, 127, 128, 129, 1100]))[:-1] + b"\0"


def small_value(generator: random.Random) -> bytes:
    return b"%d" % generator.randrange(10**6)


def large_value(generator: random.Random) -> bytes:
    return generator.randbytes(generator.choice([0, 1, 127, 128, 8191, 8192, 16_383, 16_384, 70_000]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("draw", [few, numbered, long_shared, any_size])
@pytest.mark.parametrize("draw_value", [small_value, large_value])
def test_random_writes_agree_with_a_dict_and_leave_versions_alone(draw: Draw, draw_value: Draw, seed: int) -> None:
    generator = random.Random(seed)
    pairs, model = PairMap(), dict[bytes, bytes]()
    versions: list[tuple[PairVersion, dict[bytes, bytes]]] = []
    sizes = [1, 1, 3, 40] if draw_value is large_value else [1, 1, 10, 700]
    for step in range(120):
        where = f"seed {seed}, step {step}"
        if generator.random() < 0.05:
            prefix = draw(generator)[: generator.randrange(8)]
            pairs.delete_prefix(prefix)
            model = {key: value for key, value in model.items() if not key.startswith(prefix)}
        puts = [(draw(generator), draw_value(generator)) for _ in range(generator.choice(sizes))]
        deletes = [draw(generator) for _ in range(generator.choice(sizes) // 2)]
        if generator.random() < 0.5:
            puts.sort()
        pairs.write(puts, deletes)
        model.update(puts)
        for key in deletes:
            model.pop(key, None)
        keys = [draw(generator) for _ in range(20)] + generator.sample(sorted(model), min(20, len(model)))
        assert pairs.get_many(keys) == [model.get(key) for key in keys], where
        if step % 20 == 0:
            versions.append((pairs.version(), dict(model)))
    versions.append((pairs.version(), model))
    for number, (version, then) in enumerate(versions):
        where = f"seed {seed}, version {number}"
        assert version.pairs(b"", None, 10**9) == sorted(then.items()), where
        keys = [draw(generator) for _ in range(100)]
        assert version.get_many(keys) == [then.get(key) for key in keys], where
        for prefix, after, most in [
            (key[: len(key) // 2], other, 7) for key, other in zip(keys, keys[1:], strict=False)
        ]:
            expected = [pair for pair in sorted(then.items()) if pair[0].startswith(prefix) and pair[0] > after]
            assert version.pairs(prefix, after, most) == expected[:most], where


def test_the_last_of_several_puts_wins_and_deletes_after_them() -> None:
    pairs = PairMap()
    pairs.write([(b"b", b"1"), (b"a", b"1"), (b"b", b"2"), (b"a", b"2"), (b"c", b"3")], [b"c", b"missing"])
    assert pairs.version().pairs(b"", None, 9) == [(b"a", b"2"), (b"b", b"2")]
    pairs.write([], [b"a", b"b"])
    assert pairs.version().pairs(b"", None, 9) == []
    pairs.write([], [b"a"])
    pairs.delete_prefix(b"")
    assert pairs.get_many([b"a", b""]) == [None, None]


def test_no_pairs_are_asked_for() -> None:
    pairs = PairMap()
    pairs.write([(b"", b""), (b"a", b"")], [])
    version = pairs.version()
    assert version.pairs(b"", None, 0) == []
    assert version.pairs(b"", b"", 9) == [(b"a", b"")], "the empty key is not above itself"
    assert pairs.get_many([]) == version.get_many([]) == []


@pytest.mark.parametrize("order", ["ascending", "random", "one by one"])
def test_rows_take_few_bytes(order: str) -> None:
    generator, pairs = random.Random(seed := 5), PairMap()
    count = 20_000
    numbers = list(range(count))
    if order == "random":
        generator.shuffle(numbers)
    puts = [
        (b"i\0\0\0\1\1" + number.to_bytes(8, "big"), row.to_bytes(4, "little")) for row, number in enumerate(numbers)
    ]
    puts += [(b"p\0\0\0\1" + row.to_bytes(4, "big"), b"{}") for row in range(count)]
    step = 1 if order == "one by one" else 500
    for first in range(0, len(puts), step):
        pairs.write(puts[first : first + step], [])
    assert pairs.memory_bytes < 25 * count, f"seed {seed}"
    assert pairs.version().pairs(b"", None, 10**9) == sorted(puts), f"seed {seed}"
    pairs.write([], [key for key, _ in puts[::2]])
    pairs.write([], [key for key, _ in puts[1::2]])
    assert pairs.memory_bytes == 0


def test_what_is_not_bytes_is_refused_and_nothing_is_written() -> None:
    pairs = PairMap()
    for puts, deletes in (
        ([(b"a", b"1"), (b"b", None)], []),
        ([(b"a", b"1"), (None, b"")], []),
        ([(b"a", b"1"), ("b", b"")], []),
        ([(b"a", b"1")], [None]),
        ([(b"a", b"1")], [7]),
        ([(b"a",)], []),
    ):
        with pytest.raises((TypeError, ValueError)):
            pairs.write(puts, deletes)  # type: ignore[arg-type]
    assert pairs.version().pairs(b"", None, 9) == []
    for call in (
        lambda: pairs.get_many([None]),  # type: ignore[list-item]
        lambda: pairs.get_many(None),  # type: ignore[arg-type]
        lambda: pairs.delete_prefix(None),  # type: ignore[arg-type]
        lambda: pairs.version().pairs(None, None, 1),  # type: ignore[arg-type]
        lambda: pairs.version().pairs(b"", None, -1),
    ):
        with pytest.raises((TypeError, OverflowError)):
            call()
