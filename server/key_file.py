"""The file of API keys: one JSON object a line, written whole and atomically, never readable by others."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from vecdb.errors import Corrupted, Error, InvalidValue, StorageFailed
from vecdb.server.api_keys import ApiKey
from vecdb.storage.disk import disk_error, sync_folder

FILE_BYTES: Final = 16 << 20
_LINE_BYTES: Final = 4_096


def read_keys(path: Path) -> dict[str, ApiKey]:
    """The keys by id, in the file's order. Corrupted names the line, also of a file that everybody may write.

    StorageFailed, also where there is no such file.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & stat.S_IWOTH:
                raise Corrupted(path=str(path), detail=f"every user may write to it (mode {mode & 0o777:o})")
            text = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise _refused(path, error) from error
    if len(text) > FILE_BYTES:
        raise Corrupted(path=str(path), detail=f"more than {FILE_BYTES} bytes")
    keys: dict[str, ApiKey] = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            try:
                key = _key_of(line)
                if key.id in keys:
                    raise ValueError(f"id '{key.id}' is given twice")
            except InvalidValue as error:
                # Not what was received: a secret may have come to stand in the wrong place.
                detail = f"line {number}, '{error.argument}': expected {error.expected}"
                raise Corrupted(path=str(path), detail=detail) from None
            except ValueError as error:
                raise Corrupted(path=str(path), detail=f"line {number}: {error}") from None
            keys[key.id] = key
    return keys


def add_key(path: Path, key: ApiKey) -> None:
    """Adds a key, making the file if there is none. InvalidValue if the id is taken; as read_keys; StorageFull."""
    with _changing(path) as target:
        keys = read_keys(target) if target.exists() else {}
        if key.id in keys:
            raise InvalidValue(argument="id", expected="an id that no key has", received=key.id)
        _write_keys(target, [*keys.values(), key])


def remove_key(path: Path, key_id: str) -> None:
    """Takes a key away. InvalidValue if no key has the id; as read_keys; StorageFull."""
    with _changing(path) as target:
        keys = read_keys(target)
        if keys.pop(key_id, None) is None:
            raise InvalidValue(argument="id", expected="the id of a key in the file", received=key_id)
        _write_keys(target, keys.values())


def _key_of(line: bytes) -> ApiKey:
    if len(line) > _LINE_BYTES:
        raise ValueError(f"{len(line)} bytes are no key")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object") from None
    return ApiKey.of_fields(fields)


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[Path]:
    """Holds the file's folder, so that of two that change the file at once none loses the other's key."""
    try:
        target = path.resolve()  # a link stays one, and the file behind it is replaced
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, RuntimeError) as error:
        refused = error if isinstance(error, OSError) else OSError(str(error))
        raise _refused(path, refused) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield target
    finally:
        os.close(folder)


def _refused(path: Path, error: OSError) -> Error:
    """A file that an administrator names and that is not there is a mistake in the name, not damage."""
    if isinstance(error, FileNotFoundError):
        missing = "the file" if path.parent.is_dir() else "its folder"
        return StorageFailed(path=str(path), detail=f"{missing} is missing")
    return disk_error(path, error)


def _write_keys(path: Path, keys: Iterable[ApiKey]) -> None:
    text = "".join(json.dumps(key.to_fields()) + "\n" for key in keys).encode()
    temporary = path.with_name(path.name + ".new")
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()  # of a run that was killed
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            _keep_owner(path, descriptor)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def _keep_owner(path: Path, descriptor: int) -> None:
    """A file that was the server's stays the server's; its group may keep reading it, nobody else."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        before = path.stat()
        os.fchown(descriptor, before.st_uid, before.st_gid)
        os.fchmod(descriptor, 0o600 | (before.st_mode & stat.S_IRGRP))
