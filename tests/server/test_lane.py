"""Lanes: bounded, in order, and never stuck behind callers that make a thread wait."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest

from vecdb.server.lane import STALL_SECONDS, Lane


def wait_for(condition: object, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.005)
    return False


def test_results_and_errors_come_back() -> None:
    lane = Lane("test", workers=2, queue=4)
    assert lane.submit(lambda a, b: a + b, 1, b=2).result(5) == 3
    with pytest.raises(KeyError):
        lane.submit({}.__getitem__, "absent").result(5)
    assert wait_for(lambda: lane.taken == 0)
    lane.shutdown()


def test_never_more_at_a_time_than_workers_while_calls_finish() -> None:
    lane = Lane("test", workers=2, queue=100)
    running, most, guard = 0, 0, threading.Lock()

    def call() -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with guard:
            running -= 1

    futures = [lane.submit(call) for _ in range(100)]
    for future in futures:
        future.result(10)
    assert most == 2
    lane.shutdown()


def test_full_when_the_capacity_is_held_and_not_before() -> None:
    lane, go = Lane("test", workers=1, queue=2), threading.Event()
    futures, full = [], []
    for _ in range(3):
        futures.append(lane.submit(go.wait, 10))
        full.append(lane.full)
    assert full == [False, False, True]
    go.set()
    assert all(future.result(5) for future in futures)
    assert wait_for(lambda: lane.taken == 0 and not lane.full)
    lane.shutdown()


def test_a_stalled_lane_starts_threads_and_lets_them_go() -> None:
    lane, go = Lane("test", workers=1, queue=8), threading.Event()
    stuck = [lane.submit(go.wait, 10) for _ in range(4)]
    assert lane.submit(lambda: "through").result(5) == "through"
    go.set()
    for future in stuck:
        future.result(5)
    assert wait_for(lambda: lane._started == 1)
    lane.shutdown()


def test_calls_that_work_start_no_threads_however_long_they_take() -> None:
    lane, go = Lane("test", workers=2, queue=8), threading.Event()

    def work() -> None:
        began = lane.begin()
        go.wait(10)
        lane.end(began)

    futures = [lane.submit(work) for _ in range(6)]
    time.sleep(0.4)
    assert lane._started == 2
    go.set()
    for future in futures:
        future.result(5)
    lane.shutdown()


def test_stalled_threads_end_at_the_capacity() -> None:
    lane, go = Lane("test", workers=1, queue=3), threading.Event()
    futures = [lane.submit(go.wait, 10) for _ in range(10)]  # more than would be admitted
    time.sleep(0.6)
    assert lane._started <= 4
    go.set()
    assert all(future.result(5) for future in futures)
    lane.shutdown()


def test_a_closed_lane_finishes_what_it_has_and_takes_no_more() -> None:
    lane = Lane("test", workers=1, queue=3)
    futures = [lane.submit(time.sleep, 0.01) for _ in range(3)]
    lane.shutdown()
    lane.shutdown()
    with pytest.raises(RuntimeError):
        lane.submit(time.sleep, 0)
    for future in futures:
        future.result(5)


def working(lane: Lane, seconds: float, calls: int) -> None:
    """Calls that took `seconds` each, as the lane is told."""
    for _ in range(calls):
        lane.end(lane.begin() - seconds)


def test_a_queue_is_full_when_it_is_worth_too_much_time() -> None:
    lane, go = Lane("test", workers=2, queue=100, queue_seconds=0.5), threading.Event()
    working(lane, 0.1, 300)
    assert lane.mean_seconds == pytest.approx(0.1, rel=0.05)
    futures: list[Future[bool]] = []
    while not lane.full and len(futures) < 100:
        futures.append(lane.submit(go.wait, 10))
    assert 11 <= len(futures) <= 14  # 2 at work; 10 or 11 that wait are worth half a second of two workers
    go.set()
    for future in futures:
        future.result(5)
    lane.shutdown()


def test_one_long_call_does_not_fill_a_queue() -> None:
    lane, go = Lane("test", workers=1, queue=10, queue_seconds=0.5), threading.Event()
    working(lane, 0.01, 300)
    working(lane, 60.0, 1)
    futures = [lane.submit(go.wait, 10) for _ in range(8)]
    assert not lane.full
    go.set()
    for future in futures:
        future.result(5)
    lane.shutdown()


def test_retry_after_is_bounded() -> None:
    lane, go = Lane("test", workers=1, queue=1000), threading.Event()
    assert lane.retry_after_seconds == 0.01
    working(lane, 0.2, 100)
    futures = [lane.submit(go.wait, 10) for _ in range(1000)]
    assert 0.01 < lane.retry_after_seconds <= 2.0
    go.set()
    for future in futures:
        future.result(10)
    lane.shutdown()


def test_a_system_without_threads_makes_calls_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """What submit() raised would end the thread that gRPC hands calls out in, and with it the server."""
    lane = Lane("test", workers=1, queue=2)
    begin = threading.Thread.start

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    future = lane.submit(int, "5")
    time.sleep(4 * STALL_SECONDS)
    assert not future.done()
    monkeypatch.setattr(threading.Thread, "start", begin)
    assert future.result(5) == 5
    assert wait_for(lambda: lane.taken == 0)
    lane.shutdown()


def test_a_place_counts_before_its_call_enters() -> None:
    lane = Lane("test", workers=1, queue=1)
    places = [lane.hold_place() for _ in range(2)]
    assert lane.full
    for place, number in zip(places, (3, 4), strict=True):
        lane.enter(place, int.__add__, number, 1)
    assert [place.result(5) for place in places] == [4, 5]
    assert wait_for(lambda: lane.taken == 0)
    lane.shutdown()


def test_a_call_that_enters_a_closed_lane_is_not_run() -> None:
    lane, ran = Lane("test", workers=1, queue=1), threading.Event()
    place = lane.hold_place()
    lane.shutdown()
    lane.enter(place, ran.set)
    assert place.cancelled()
    assert lane.taken == 0
    assert not ran.wait(0.1)
    with pytest.raises(RuntimeError):
        lane.hold_place()


def test_no_call_is_left_lying_however_many_come_from_everywhere() -> None:
    """Each wakes one thread, and what is woken for nothing rests again."""
    lane = Lane("test", workers=3, queue=10_000)
    done: list[int] = []
    places: list[Future[None]] = []

    def send(number: int) -> None:
        for step in range(500):
            places.append(lane.submit(done.append, 500 * number + step))
            if step % 50 == 0:
                time.sleep(0.001)

    senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(10)
    for place in places:
        place.result(10)
    assert sorted(done) == list(range(2_000))
    assert wait_for(lambda: lane.taken == 0 and len(lane._idle) == 3)
    lane.submit(done.append, 0).result(5)
    lane.shutdown()
    assert wait_for(lambda: lane._started == 0)
