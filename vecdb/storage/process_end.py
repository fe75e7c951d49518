"""What RocksDB needs where a process forks or ends with a store open: neither may abort, nor wait for lost threads."""

from __future__ import annotations

import atexit
import ctypes
import os
import weakref
from typing import Protocol


class OpenStore(Protocol):
    """A store of rocksdict from its opening on."""

    def keep_lock(self) -> None:
        """From here on no read lets go of the GIL; returns when none is under way that did."""

    def handle(self) -> object | None:
        """The object of rocksdict, None once it is closed."""


def watch(store: OpenStore) -> None:
    """Sees to `store` until it is gone."""
    _OPEN.add(store)


_OPEN: weakref.WeakSet[OpenStore] = weakref.WeakSet()


def _keep_in_child() -> None:
    """A forked child lacks RocksDB's threads: it must never close a store, nor wait for those threads when it exits."""
    handles = [handle for handle in (store.handle() for store in _OPEN) if handle is not None]
    for handle in handles:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))
    libc = ctypes.CDLL(None)
    if handles and hasattr(libc, "on_exit"):
        libc.on_exit(libc._exit, None)  # with the exit status, before the handlers that were there at the fork
    _OPEN.clear()


def _keep_locks() -> None:
    """The ending interpreter ends a daemon thread that asks for the GIL: inside rocksdict, that aborts the process."""
    for store in list(_OPEN):
        store.keep_lock()


os.register_at_fork(after_in_child=_keep_in_child)
atexit.register(_keep_locks)
