"""What the collections of one open database share: whether it is usable, and its background work."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable

from vecdb.collection.catalog import Catalog
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.maintenance import Maintenance
from vecdb.collection.state import CollectionState
from vecdb.errors import Closed, Forked, ReadOnly
from vecdb.progress import Progress, reporter


class Session:
    """One open database. `trouble` is set once it is closed, or in a forked child: every call then raises."""

    def __init__(self, path: str, catalog: Catalog, commits: CommitQueue, *, read_only: bool = False) -> None:
        self._path = path
        self.what = f"database '{path}'"
        self.catalog = catalog
        self.commits = commits
        self.trouble: type[Closed] | type[Forked] | None = None
        self.read_only = read_only
        self._maintenance = Maintenance(catalog, commits, read_only=read_only)
        _SESSIONS.add(self)

    def check(self) -> None:
        """Closed or Forked if the database cannot be used."""
        if self.trouble is not None:
            raise self.trouble(what=self.what)

    def check_write(self, state: CollectionState | None = None) -> None:
        """Closed, Forked or ReadOnly; else waits until there is room for more rows."""
        self.check()
        if self.read_only:
            raise ReadOnly(path=self._path)
        if state is not None:
            self._maintenance.throttle(state)

    def wrote(self, state: CollectionState) -> None:
        """Rows came or went: there may be work in the background."""
        self._maintenance.touch(state)

    def optimize(self, state: CollectionState, wait: bool, progress: Progress) -> None:
        """Absorbs, heals and checkpoints everything; see Maintenance.optimize(). Closed if close() came first."""
        if not self._maintenance.optimize(state, wait, reporter(progress, "optimize")):
            raise Closed(what=self.what)

    def between_steps(self, task: Callable[[], None]) -> None:
        """Runs a short task beside no background work; see Maintenance.between_steps(). Closed if close() was first."""
        if self.read_only:
            task()
        elif not self._maintenance.between_steps(task):
            raise Closed(what=self.what)

    def close(self) -> None:
        """Refuses new calls and ends the background work. May be called again, also after an interrupt."""
        self.trouble = self.trouble or Closed
        self._maintenance.close()


_SESSIONS: weakref.WeakSet[Session] = weakref.WeakSet()


def _mark_forked() -> None:
    for session in _SESSIONS:
        session.trouble = Forked


os.register_at_fork(after_in_child=_mark_forked)
