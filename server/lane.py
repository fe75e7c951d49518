"""A lane: the threads and the queue that one kind of call shares, bounded, refusing at once what is beyond."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from typing import Any, Final, TypeVar

from vecdb.errors import Overloaded

_Result = TypeVar("_Result")
_Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]

STALL_SECONDS: Final = 0.05  # without a finished call, while others wait, that makes a lane start a thread more
_SMOOTHING: Final = 0.05
_JUMP: Final = 4.0  # one call counts for no more than as many times the mean: a single long one is no sign of load


class Lane(ThreadPoolExecutor):
    """At most `workers` calls run at a time and `queue` wait; `full` says that there is no place for another.

    Nor is there one where the queue is worth more than `queue_seconds` by the time that calls took of late: whoever is
    refused at once can go elsewhere, whoever waits for long has often given up when the answer comes.

    Few threads are the fast way: they fight less over the interpreter. But a thread also waits for a request that is
    still on its way, perhaps for good. So where calls wait, none finishes and fewer than `workers` are at work, another
    thread is started, up to the whole capacity; the surplus ends when the queue is empty.
    """

    def __init__(self, name: str, workers: int, queue: int, queue_seconds: float = inf) -> None:
        super().__init__(max_workers=1, thread_name_prefix=f"vecdb-{name}")  # gRPC asks for the type; submit() is ours
        self.name = name
        self.workers = workers
        self.queue = queue
        self.queue_seconds = queue_seconds
        self.capacity = workers + queue
        self.refused = 0
        self.taken = 0  # submitted and not finished
        self._tasks: deque[_Task] = deque()
        # The lock that each waiting thread is woken by: the one lock of a queue would wake all, one after the other.
        self._idle: list[threading.Lock] = []
        self._guard = threading.Lock()
        self._started = 0
        self._finished = 0
        self._working = 0
        self.mean_seconds = 0.0  # of a call, the newest weighing most
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._start_threads_when_stalled, name=f"vecdb-{name}-watch", daemon=True)
        self._watch.start()

    @property
    def full(self) -> bool:
        """Whether a call that came now would be refused."""
        waiting = self.taken - self.workers
        return waiting >= 0 and (
            waiting >= self.queue or waiting * self.mean_seconds > self.queue_seconds * self.workers
        )

    def overloaded(self) -> Overloaded:
        """The error for a call that found the lane full."""
        self.refused += 1
        return Overloaded(what=f"{self.name} calls", retry_after_seconds=round(self.retry_after_seconds, 3))

    @property
    def retry_after_seconds(self) -> float:
        """When a place is likely: the time in which half of those ahead are done, 10 ms to 2 s."""
        estimate = self.mean_seconds * self.taken / (2 * self.workers)
        return min(max(estimate, 0.01), 2.0)

    def begin(self) -> float:
        """The calling thread has its request and begins to work; what end() needs."""
        with self._guard:
            self._working += 1
        return time.perf_counter()

    def end(self, began: float) -> None:
        """It has done its work."""
        seconds = time.perf_counter() - began
        with self._guard:
            self._working -= 1
            counted = min(seconds, _JUMP * self.mean_seconds + 0.001)
            self.mean_seconds += (counted - self.mean_seconds) * _SMOOTHING

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """Queues a call, also beyond the capacity: who admits asks `full` first. RuntimeError after shutdown()."""
        future: Future[_Result] = self.hold_place()
        self.enter(future, fn, *args, **kwargs)
        return future

    def hold_place(self) -> Future[Any]:
        """A place for a call that is to enter(). RuntimeError after shutdown()."""
        with self._guard:
            if self._closed.is_set():
                raise RuntimeError(f"lane {self.name} is closed")
            self.taken += 1
        return Future()

    def enter(self, place: Future[Any], fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Queues the call of a place; what it returns or raises is the result. After shutdown() it is not run."""
        with self._guard:
            if not self._closed.is_set():
                self._tasks.append((place, fn, args, kwargs))
                if self._idle:
                    self._idle.pop().release()  # the last that came to rest: its caches are the warmest
                elif self._started < self.workers:
                    self._start_thread()
                return
            self.taken -= 1
        place.cancel()  # not while the lock is held: it calls back

    def run(self, place: Future[Any], fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Runs the call of a place in the calling thread. After shutdown() it is not run."""
        if self._closed.is_set():
            with self._guard:
                self.taken -= 1
            place.cancel()
        else:
            self._carry_out(place, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Takes no more calls; the threads end once those queued are done. Does not wait."""
        with self._guard:
            if self._closed.is_set():
                return
            self._closed.set()
            while self._idle:
                self._idle.pop().release()

    def _start_thread(self) -> None:
        name = f"vecdb-{self.name}-{self._started + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:  # the system has no thread left: calls wait, and the next look at them tries again
            return
        self._started += 1

    def _work(self) -> None:
        wake = threading.Lock()
        wake.acquire()
        while (task := self._next_task(wake)) is not None:
            self._carry_out(*task)
            del task  # a waiting thread keeps no request alive

    def _carry_out(
        self, place: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            place.set_result(fn(*args, **kwargs))
        except BaseException as error:
            place.set_exception(error)
        with self._guard:
            self.taken -= 1
            self._finished += 1

    def _next_task(self, wake: threading.Lock) -> _Task | None:
        """Waits for it; None where the thread is to end."""
        while True:
            with self._guard:
                if self._tasks:
                    return self._tasks.popleft()
                # Not while the others stand still: the next call would have to wait until that is noticed again.
                surplus = self._started > self.workers and len(self._idle) >= self.workers
                if surplus or self._closed.is_set():
                    self._started -= 1
                    return None
                self._idle.append(wake)
            wake.acquire()

    def _start_threads_when_stalled(self) -> None:
        finished = -1
        while not self._closed.wait(STALL_SECONDS):
            if not self._tasks:
                finished = -1
                continue
            with self._guard:
                stuck = finished == self._finished and self._working < self.workers
                if stuck and self._started < self.capacity and not self._closed.is_set():
                    self._start_thread()
            finished = self._finished
