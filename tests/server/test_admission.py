"""ByteBudget and Admission: bounds that hold under many threads."""

from __future__ import annotations

import os
import random
import threading

import pytest

from vecdb.errors import Overloaded
from vecdb.server.admission import Admission, ByteBudget
from vecdb.server.settings import ServerSettings


def test_bytes_are_taken_up_to_the_maximum_and_no_further() -> None:
    budget = ByteBudget(100)
    budget.take(60)
    budget.take(40)
    with pytest.raises(Overloaded) as caught:
        budget.take(1)
    assert "100" in str(caught.value)
    assert (budget.taken, budget.refused) == (100, 1)
    budget.give_back(60)
    with pytest.raises(Overloaded):
        budget.take(61)
    budget.take(60)
    budget.take(0)
    assert (budget.taken, budget.refused) == (100, 2)


def test_more_than_was_taken_cannot_be_given_back() -> None:
    budget = ByteBudget(10)
    budget.take(5)
    for count in (6, -1):
        with pytest.raises(AssertionError):
            budget.give_back(count)


def test_many_threads_never_pass_the_maximum() -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    budget = ByteBudget(1_000)
    over: list[int] = []
    counts = [[0, 0] for _ in range(8)]

    def work(number: int) -> None:
        random_of = random.Random(seed + number)
        for _ in range(3_000):
            size = random_of.randrange(1, 600)
            try:
                budget.take(size)
            except Overloaded:
                counts[number][1] += 1
                continue
            if budget.taken > 1_000:
                over.append(budget.taken)
            budget.give_back(size)
            counts[number][0] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert over == [], f"seed {seed}"
    assert budget.taken == 0
    assert budget.refused == sum(refused for _, refused in counts)
    assert sum(map(sum, counts)) == 24_000


def test_lanes_are_as_the_settings_say() -> None:
    settings = ServerSettings(data=":memory:", search_workers=3, write_workers=4, streams=5, queue=6)
    admission = Admission.of(settings)
    try:
        found = [(lane.name, lane.workers, lane.queue) for lane in admission.lanes]
        assert found == [("search", 3, 6), ("write", 4, 6), ("stream", 5, 0)]
        assert admission.in_flight.maximum == settings.in_flight_bytes
    finally:
        for lane in admission.lanes:
            lane.shutdown()
