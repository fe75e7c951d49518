"""KeyRing: finds the principal of an API key; follows the key file, so that a removed key stops working."""

from __future__ import annotations

import logging
import threading
import time
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Final

from vecdb.errors import Error
from vecdb.server.api_keys import KEY_CHARACTERS, PREFIX, ApiKey
from vecdb.server.key_file import read_keys
from vecdb.server.principal import Principal
from vecdb.server.request_log import log_event

_Entry = tuple[str, Principal | None]
# What an unknown id is compared with: as much work as a known one, and never equal.
_NOBODY: Final[_Entry] = ("-" * 64, None)
_Stamp = tuple[int, int, int, int] | None


class KeyRing:
    """The keys of a file, read again at most every `check_seconds` if it has changed. As read_keys, at start only.

    A file that has become unreadable or broken is logged, and the keys that were read last stay.
    """

    def __init__(self, path: str | Path, check_seconds: float = 1.0) -> None:
        self._path = Path(path)
        self._check_seconds = check_seconds
        self._reading = threading.Lock()
        self._stamp = self._current_stamp()
        self._entries = _entries_of(read_keys(self._path))
        self._check_next = time.monotonic() + check_seconds

    def find(self, text: str) -> Principal | None:
        """Whose key this text is, expired ones included; None if nobody's."""
        if time.monotonic() >= self._check_next:
            self._follow()
        if len(text) > KEY_CHARACTERS or not text.startswith(PREFIX) or not text.isascii():
            return None
        key_id, _, secret = text[len(PREFIX) :].partition("_")
        expected, principal = self._entries.get(key_id, _NOBODY)
        return principal if compare_digest(expected, sha256(secret.encode()).hexdigest()) else None

    def _follow(self) -> None:
        if not self._reading.acquire(blocking=False):
            return  # another call is at it
        try:
            self._check_next = time.monotonic() + self._check_seconds
            stamp = self._current_stamp()
            if stamp == self._stamp:
                return
            self._stamp = stamp  # also of a broken file: it is logged once
            self._entries = _entries_of(read_keys(self._path))
            log_event("key file read again", {"path": str(self._path), "keys": len(self._entries)})
        except Error as error:
            facts = {"path": str(self._path), "detail": str(error), "keys": len(self._entries)}
            log_event("key file broken, its last keys stay", facts, logging.ERROR)
        finally:
            self._reading.release()

    def _current_stamp(self) -> _Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def _entries_of(keys: dict[str, ApiKey]) -> dict[str, _Entry]:
    return {key.id: (key.sha256, _principal_of(key)) for key in keys.values()}


def _principal_of(key: ApiKey) -> Principal:
    return Principal(name=key.id, role=key.role, tenant=key.tenant, expires=key.expires)
