"""grpc, imported with the options that make a lone call fast; for servers as well."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Final

VARIABLE: Final = "GRPC_EXPERIMENTS"

# The event engine hands each answer from thread to thread, which adds 0.05 .. 0.15 ms to a loopback echo of 0.25 ms; in
# a server each request, three wakings of a thread and some 45 us of processor time a call.
# grpcio 1.80 is the first to use it by default; releases later than those we know may have lost the names, and grpc
# writes to stderr about names that it does not know.
_WITHOUT_EVENT_ENGINE: Final = "-event_engine_client,-event_engine_listener"
_FIRST: Final = (1, 80)
_LAST: Final = (1, 85)


def _installed_version() -> tuple[int, ...]:
    """Of grpcio, without importing it or reading package metadata, which takes milliseconds."""
    found = importlib.util.find_spec("grpc")
    if found is None or found.origin is None:
        return ()
    source = Path(found.origin).with_name("_grpcio_metadata.py")
    match = re.search(r"(\d+)\.(\d+)", source.read_text()) if source.is_file() else None
    return () if match is None else tuple(map(int, match.groups()))


if "grpc" not in sys.modules and VARIABLE not in os.environ and _FIRST <= _installed_version() <= _LAST:
    os.environ[VARIABLE] = _WITHOUT_EVENT_ENGINE
    try:
        import grpc
    finally:
        del os.environ[VARIABLE]  # it was read; child processes choose for themselves
else:
    try:
        import grpc
    except ModuleNotFoundError as error:
        if error.name != "grpc":
            raise
        needed = "a grpc:// address needs grpcio and protobuf: pip install grpcio protobuf"
        raise ModuleNotFoundError(f"{error}; {needed}", name=error.name) from None

__all__ = ["grpc"]
