"""The doors of a database: embedded, through the client of a server, and through the asyncio client of another server.

Each door has a database of its own, so that the same steps give the same sequences.
"""

from __future__ import annotations

import asyncio
import inspect
import operator
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import vecdb
from vecdb.client.async_database import AsyncDatabase
from vecdb.server import Server, ServerSettings

MEMORY: Final = ":memory:"


@dataclass(frozen=True)
class Stream:
    """What an iterator gave, and what ended it before its end."""

    items: list[Any]
    error: Exception | None


@dataclass
class Door:
    """One way in. `address` is what its errors call the database; `folder` is for files; `held` has its handles."""

    name: str
    folder: Path
    address: str
    held: dict[str, Any]
    given: Any = None  # by the last step
    reports: list[tuple[int, int]] = field(default_factory=list)  # of the step under way

    def perform(self, target: str, verb: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """What a verb gives; an iterator is read to its end."""
        found = _called(self.held[target], verb, _PROTOCOLS, arguments, options)
        return _read(found) if isinstance(found, Iterator) else found


@dataclass
class AwaitingDoor(Door):
    """The way in by asyncio, one run of its loop a verb."""

    runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def perform(self, target: str, verb: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """What a verb gives, awaited."""

        async def awaited() -> Any:
            found = _called(self.held[target], verb, _AWAITED_PROTOCOLS, arguments, options)
            if isinstance(found, AsyncIterator):
                return await _collected(found)
            return await found if inspect.isawaitable(found) else found

        return self.runner.run(awaited())


@contextmanager
def opened(folder: Path, *, in_memory: bool = True) -> Iterator[list[Door]]:
    """The three doors, each with an empty database, in memory or below `folder`. One thread: builds are alike."""
    with ExitStack() as last:
        # Names of one length: where a message cuts a long path, it cuts them alike.
        own = {name: folder / f"door{place}" for place, name in enumerate(("embedded", "client", "asyncio"))}
        for each in own.values():
            each.mkdir(parents=True)
        data = {name: MEMORY if in_memory else str(each / "data") for name, each in own.items()}

        database = last.enter_context(vecdb.connect(data["embedded"], threads=1))
        embedded = Door("embedded", own["embedded"], data["embedded"], {"db": database})

        address = last.enter_context(_served(data["client"]))
        remote = last.enter_context(vecdb.connect(address))
        client = Door("client", own["client"], address, {"db": remote})

        address = last.enter_context(_served(data["asyncio"]))
        runner = last.enter_context(asyncio.Runner())
        awaiting = AwaitingDoor("asyncio", own["asyncio"], address, {"db": vecdb.connect_async(address)}, runner=runner)
        last.callback(awaiting.perform, "db", "close", (), {})

        yield [embedded, client, awaiting]


@contextmanager
def _served(data: str) -> Iterator[str]:
    settings = ServerSettings(data=data, port=0, threads=1, log="none")
    server = Server(settings)
    port = server.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.stop(grace_seconds=0)


def _called(
    target: Any,
    verb: str,
    protocols: Mapping[str, Callable[..., Any]],
    arguments: tuple[Any, ...],
    options: Mapping[str, Any],
) -> Any:
    if verb in protocols:
        return protocols[verb](target, *arguments, **options)
    if isinstance(getattr(type(target), verb, None), property):
        return getattr(target, verb)
    return getattr(target, verb)(*arguments, **options)


def _read(items: Iterator[Any]) -> Stream:
    found: list[Any] = []
    try:
        found.extend(items)  # what came before an error stays
    except Exception as error:
        return Stream(found, error)
    return Stream(found, None)


async def _collected(items: AsyncIterator[Any]) -> Stream:
    found: list[Any] = []
    try:
        async for each in items:
            found.append(each)  # noqa: PERF401 (what came before an error stays)
    except Exception as error:
        return Stream(found, error)
    return Stream(found, None)


def _used(database: Any) -> str:
    with database as same:
        assert same is database
    return "left"


async def _used_async(database: AsyncDatabase) -> str:
    async with database as same:
        assert same is database
    return "left"


async def _names(database: AsyncDatabase) -> Stream:
    return Stream(await database.collections(), None)


async def _length(target: Any) -> int:
    return len(await target.collections()) if isinstance(target, AsyncDatabase) else await target.count()


async def _contains(database: AsyncDatabase, name: object) -> bool:
    return name in await database.collections()


_PROTOCOLS: Final[Mapping[str, Callable[..., Any]]] = {
    "__len__": len,
    "__contains__": operator.contains,
    "__iter__": iter,
    "__bool__": bool,
    "__repr__": repr,
    "__getitem__": operator.getitem,
    "__enter__": _used,
}
# Python has no len(), `in` or `for` that waits: asyncio programs ask by name, as these do.
_AWAITED_PROTOCOLS: Final[Mapping[str, Callable[..., Any]]] = {
    **_PROTOCOLS,
    "__len__": _length,
    "__contains__": _contains,
    "__iter__": _names,
    "__enter__": _used_async,
}
