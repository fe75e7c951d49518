"""EarlyRequests: the way into a lane on which gRPC's own thread receives a call's request, and no thread waits for it.

Left to itself gRPC wakes a thread of the lane, which asks for the request and sleeps until gRPC's thread has it: two
more changes of thread. gRPC has no public way to ask sooner. So what is taken of its inside is looked for when this is
imported; a release that has something else is left to itself. A call that is short enough (ShortCalls) is answered by
gRPC's thread at once, where the lane is empty: that is one change of thread less, a third of the time of a lone search.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from inspect import signature
from typing import Any, Final

from vecdb.server.early_request import EarlyRequest
from vecdb.server.lane import Lane
from vecdb.server.open_streams import OpenStreams
from vecdb.server.short_calls import ShortCalls

EARLY: Final = 8  # calls beyond those at work; of more the requests come when a thread asks, so that memory is bounded


class EarlyRequests(ThreadPoolExecutor):
    """Takes calls of one request into their lane when it is there. Each has its place, and `longest_seconds`.

    Those that `short` takes are answered before the lane; None: it takes none.
    """

    def __init__(self, lane: Lane, streams: OpenStreams, longest_seconds: float, short: ShortCalls | None) -> None:
        super().__init__(max_workers=1)  # gRPC asks for the type; submit() is ours
        self._lane = lane
        self._streams = streams
        self._longest_seconds = longest_seconds
        self._short = short
        self._calls_maximum = lane.workers + EARLY

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """What gRPC submits, with the arguments it has for the work of a call. RuntimeError as from the lane."""
        lane, streams, short, inside = self._lane, self._streams, self._short, _INSIDE
        if inside is None or lane.taken >= self._calls_maximum or not inside.knows(args):
            return lane.submit(fn, *args, **kwargs)
        work, event, state, handler, requests, *others = args
        place = lane.hold_place()
        early = EarlyRequest(event.call, state, requests(), self._longest_seconds)
        streams.expect(early)
        received = inside.received(state, event.call, None)

        def enter(message: Any) -> Any:
            outcome = received(message)
            streams.came(early)
            if short is not None:
                short.came()
                if lane.taken == 1 and state.request is not None and short.take(state.request):
                    lane.run(place, fn, work, event, state, handler, lambda: early, *others, **kwargs)
                    short.answered()
                    return outcome
            lane.enter(place, fn, work, event, state, handler, lambda: early, *others, **kwargs)
            return outcome

        event.call.start_server_batch((inside.receive(0),), enter)
        state.due.add(inside.token)
        return place


class _Inside:
    """What is used of gRPC's inside. AttributeError, ImportError or TypeError in a release that has something else."""

    def __init__(self) -> None:
        server: Any = import_module("grpc._server")
        self.receive: Callable[[int], Any] = import_module("grpc._cython.cygrpc").ReceiveMessageOperation
        self.received: Callable[[Any, Any, None], Callable[[Any], Any]] = server._receive_message
        self.token: str = server._RECEIVE_MESSAGE_TOKEN
        self._work = server._unary_response_in_pool
        self._state = server._RPCState
        if list(signature(self.received).parameters) != ["state", "call", "request_deserializer"]:
            raise TypeError
        if not callable(server._RequestIterator._look_for_request):
            raise TypeError

    def knows(self, args: tuple[Any, ...]) -> bool:
        """Whether these are the arguments for a call of one reply."""
        return len(args) > 4 and args[0] is self._work and isinstance(args[2], self._state)


def _inside() -> _Inside | None:
    try:
        return _Inside()
    except (AttributeError, ImportError, TypeError):
        return None


_INSIDE: Final = _inside()
