"""connect() and connect_async(): a folder opens the embedded database, an address the one on a server.

What an address needs (grpc) and what a folder needs (the engine) is imported when it is asked for.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Literal, cast

from vecdb.errors import InvalidValue

if TYPE_CHECKING:
    from vecdb.client.async_database import AsyncDatabase
    from vecdb.client.settings import Pem
    from vecdb.database import Database

_SCHEMES = ("grpc://", "grpcs://", "grpc+unix://")
_EXPECTED = "a folder, ':memory:' or grpc://host:port; ./ goes before the name of a folder that looks like an address"

# What is surely meant for a server, and would make a folder of that name: "localhost:6339", "grpc:localhost".
_LIKE_AN_ADDRESS = re.compile(r"(?i:grpcs?:|grpc\+unix:|[a-z][a-z0-9+.-]*://)|[A-Za-z0-9.-]+:[0-9]{1,5}/?$")


def connect(
    path: str | os.PathLike[str],
    *,
    durability: Literal["sync", "async"] = "sync",
    read_only: bool = False,
    threads: int | None = None,
    api_key: str | None = None,
    timeout: float | None = None,
    connect_timeout: float | None = None,
    retries: int | None = None,
    tls_ca: Pem | None = None,
    tls_certificate: Pem | None = None,
    tls_key: Pem | None = None,
    insecure: bool = False,
) -> Database:
    """Opens the database in a folder, or ":memory:", or connects to a server at "grpc://host:port" or "grpcs://" (TLS).

    A folder: it is made if there is none. `durability="async"` acknowledges writes before they are on disk: a crash of
    the machine may lose the last of them. `read_only` shows the last checkpoint of an existing one, for as long as it
    is open, beside any writer. `threads` is how many share a batch of queries or build an index: VECDB_THREADS, or the
    cores this process may use. Locked names the process that has it open; Corrupted, VersionMismatch, StorageFull,
    StorageFailed.

    An address: the port is 6339 if it is not given. `api_key` is a key or a token, or VECDB_API_KEY; it goes in the
    clear only to this machine, elsewhere only with `insecure`. `timeout` is the default deadline of a call in seconds
    (60), of all its tries together; `retries` is how many more of them there may be (3). `connect_timeout` is how long
    the server may take to answer now (10). `tls_ca`, `tls_certificate` and `tls_key` are paths of PEM files, or their
    bytes. The result has the same verbs (RemoteDatabase). Unavailable, Unauthenticated, VersionMismatch.
    """
    remote = {
        "api_key": api_key,
        "timeout": timeout,
        "connect_timeout": connect_timeout,
        "retries": retries,
        "tls_ca": tls_ca,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "insecure": insecure or None,
    }
    if _is_address(path):
        local = {"durability": durability != "sync", "read_only": read_only, "threads": threads is not None}
        for argument, given in local.items():
            if given:
                raise InvalidValue(argument=argument, expected="a folder for it, not an address", received=path)
        from vecdb.client.database import RemoteDatabase

        # Typed as the embedded one: a program changes doors by changing one string.
        return cast("Database", RemoteDatabase(_settings(path, remote)))
    if _LIKE_AN_ADDRESS.match(path if isinstance(path, str) else ""):
        raise InvalidValue(argument="path", expected=_EXPECTED, received=path)
    for argument, value in remote.items():
        if value is not None:
            raise InvalidValue(argument=argument, expected="a grpc:// or grpcs:// address for it", received=path)
    from vecdb.database import connect as open_database

    return open_database(path, durability=durability, read_only=read_only, threads=threads)


def connect_async(
    path: str,
    *,
    api_key: str | None = None,
    timeout: float | None = None,
    connect_timeout: float | None = None,
    retries: int | None = None,
    tls_ca: Pem | None = None,
    tls_certificate: Pem | None = None,
    tls_key: Pem | None = None,
    insecure: bool = False,
) -> AsyncDatabase:
    """A database on a server for asyncio; the arguments are those of connect() for an address.

    It needs no running loop. `await` it to connect now, else the first call does.
    """
    if not _is_address(path):
        raise InvalidValue(argument="path", expected="a grpc:// or grpcs:// address", received=path)
    from vecdb.client.async_database import AsyncDatabase

    remote = {
        "api_key": api_key,
        "timeout": timeout,
        "connect_timeout": connect_timeout,
        "retries": retries,
        "tls_ca": tls_ca,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "insecure": insecure or None,
    }
    return AsyncDatabase(_settings(path, remote))


def _is_address(path: object) -> bool:
    return isinstance(path, str) and path.startswith(_SCHEMES)


def _settings(address: Any, given: dict[str, Any]) -> Any:
    from vecdb.client.settings import ClientSettings

    return ClientSettings.of(address, **{name: value for name, value in given.items() if value is not None})
