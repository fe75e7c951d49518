"""Who runs when: pure functions, so that tables can test them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """A lap to do: which contestant, and which of its places, the groups of query arguments."""

    contestant: int
    place: int


def turns(needs: Sequence[Sequence[int]]) -> Iterator[Turn]:
    """Every lap that is needed, needs[contestant][place] of them, interleaved.

    A round does each place, and a place each contestant, one lap each, so that what the machine does meanwhile hits all
    alike; the order of the contestants is reversed from one place to the next and from one round to the next, so that
    none always follows the same.
    """
    rounds = max((laps for own in needs for laps in own), default=0)
    places = max((len(own) for own in needs), default=0)
    for number in range(rounds):
        for place in range(places):
            order = range(len(needs))
            for contestant in reversed(order) if (number + place) % 2 else order:
                own = needs[contestant]
                if place < len(own) and own[place] > number:
                    yield Turn(contestant, place)


def groups(contestants: Sequence[int], baseline: int | None, most: int) -> list[list[int]]:
    """The contestants in groups of `most` at most (two at least), of equal sizes, the baseline first in every one.

    For those whose indexes do not fit the memory together: only laps of one group are interleaved.
    """
    others = [each for each in contestants if each != baseline]
    first = [] if baseline is None or baseline not in contestants else [baseline]
    if not others:
        return [first] if first else []
    count = math.ceil(len(others) / max(1, most - len(first)))
    bounds = [len(others) * part // count for part in range(count + 1)]
    return [first + others[start:end] for start, end in zip(bounds, bounds[1:], strict=False)]
