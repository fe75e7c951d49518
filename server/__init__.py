"""The gRPC server: the embedded database for many clients at once.

Server(ServerSettings(data="./data")) serves in this process; run(settings) until it is told to stop. They are loaded
when they are used: what only makes keys does without gRPC.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vecdb.server.process import run
    from vecdb.server.server import Server
    from vecdb.server.settings import ServerSettings

__all__ = ["Server", "ServerSettings", "run"]

_HOMES = {
    "Server": "vecdb.server.server",
    "ServerSettings": "vecdb.server.settings",
    "run": "vecdb.server.process",
}


def __getattr__(name: str) -> object:
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module 'vecdb.server' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
