"""Whether a server can have its ports, asked before it opens its database: a refused start leaves no folder behind."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from vecdb.errors import InvalidValue
from vecdb.server.settings import ServerSettings


def check_ports(settings: ServerSettings) -> None:
    """OSError where the address cannot be listened on, InvalidValue where the port of the metrics is taken.

    Another process may take one a moment later: then gRPC says so.
    """
    if settings.host.startswith("unix:"):
        folder = Path(settings.host.removeprefix("unix:")).parent
        if not folder.is_dir():
            raise cannot_listen(settings, "there is no such folder")
    elif settings.port:
        _check_address(settings)
    if settings.metrics_port and (error := _refusal("127.0.0.1", settings.metrics_port, socket.AF_INET)):
        raise metrics_port_taken(settings.metrics_port, error)


def cannot_listen(settings: ServerSettings, reason: str) -> OSError:
    """The error of an address that cannot be had."""
    return OSError(f"cannot listen on {settings.address}: {reason}")


def metrics_port_taken(port: int, error: OSError) -> InvalidValue:
    """The error of a port of 127.0.0.1 that cannot be had."""
    expected = f"a port of 127.0.0.1 that is free ({error.strerror})"
    return InvalidValue(argument="metrics_port", expected=expected, received=port)


def _check_address(settings: ServerSettings) -> None:
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise cannot_listen(settings, error.strerror or str(error)) from error
    # gRPC is content with one of several addresses of a name.
    refusals = [_refusal(place[0], port, family) for family, _, _, _, place in found]
    if all(refusals):
        reason = "taken by another process, or not an address of this machine that it may use"
        raise cannot_listen(settings, reason) from refusals[0]


def _refusal(host: str | int, port: int, family: int) -> OSError | None:
    """Why a socket cannot be bound there; None if it can."""
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        # As gRPC does: what connections of before have left is no hindrance, a listener is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
