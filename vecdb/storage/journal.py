"""The log that everything else can be redone from: append, group commit, read back, drop what a checkpoint covers."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from vecdb.errors import Closed, Corrupted, LimitExceeded, StorageFailed
from vecdb.limits import JOURNAL_FILE_BYTES, JOURNAL_RECORD_BYTES
from vecdb.native.kernels import crc32c
from vecdb.storage.disk import disk_error, flat_bytes, sync_folder, write_at
from vecdb.storage.journal_frame import (
    CLOSED_KIND,
    CONTINUED_KIND,
    FILE_HEADER_BYTES,
    OWN_KINDS,
    Frame,
    LogFile,
    file_header,
    frame_header,
    log_files,
    log_path,
    padding_bytes,
)

# A sync costs about half where the blocks are already written and the size of the file stays: small frames write this
# many zeros ahead now and then. Behind a large frame it would not pay.
_AHEAD_BYTES: Final = 256 << 10
_AHEAD_FRAME_BYTES: Final = 32 << 10
_ZEROS = memoryview(bytes(_AHEAD_BYTES))
_POSITION_BYTES: Final = 256 << 10


def read(folder: str | Path, after: int) -> Iterator[Frame]:
    """Every frame with a sequence above `after`, in order, without a gap; a torn tail is the end. Corrupted otherwise.

    May run beside the writer, as long as that drops no file which is still to be read.
    """
    folder = Path(folder)
    files = log_files(folder)
    # The last file that begins at or before the wanted sequence; those before it hold nothing new.
    position = bisect.bisect_right(files, after + 1, key=lambda file: file[0]) - 1
    if position < 0:
        first = f"begins with sequence {files[0][0]}" if files else "has no file"
        raise Corrupted(path=str(folder), detail=f"the journal {first}, {after + 1} is needed")
    while True:
        first_sequence, path = files[position]
        following = files[position + 1][0] if position + 1 < len(files) else None
        log = LogFile(path, first_sequence)
        for frame in log.frames(following):
            if frame.sequence > after:
                yield frame
        if following is None:
            if not log.continued:
                break
            files = log_files(folder)
            position = bisect.bisect_right(files, first_sequence, key=lambda file: file[0]) - 1
            _require_following(files, position, log)
        position += 1
    if log.last_sequence < after:
        raise Corrupted(path=str(log.path), detail=f"ends with sequence {log.last_sequence}, {after} was checkpointed")


class Journal:
    """The journal of `folder`, open for appending by many threads; one process at a time (see DirectoryLock).

    `sync`: wait_durable() waits for the disk; without it, it returns at once and only sync(), rotate() and close() do.
    `create`: an empty or missing folder is a new journal that begins after `at_least`; else it is Corrupted, as is a
    journal that ends before sequence `at_least`. Opening truncates a torn tail and makes every good frame durable.

    StorageFull from append(): nothing was written, a later append may work. After a failed sync the journal is failed
    for good, because the kernel may have dropped the pages: every later call is StorageFailed.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        sync: bool,
        at_least: int = 0,
        create: bool = False,
        file_bytes: int = JOURNAL_FILE_BYTES,
    ) -> None:
        self._folder = Path(folder)
        self._waits = sync
        self._file_bytes = file_bytes
        # Appends are serialised by `_writing`; what a syncing thread needs is behind `_state`, never held over I/O.
        self._writing = threading.Lock()
        # The lock is taken by itself: Condition's own `with` runs Python, and an interrupt there would leave it taken.
        self._lock = threading.Lock()
        self._state = threading.Condition(self._lock)
        self._syncing = False
        self._failure: str | None = None
        self._closed = False
        self._last = self._durable = at_least
        self._recorded = 0  # the highest synced sequence that a frame of the current file names
        self._path = self._folder
        self._descriptor = -1
        self._salt = 0
        self._end = self._zeroed_end = 0
        self._total_bytes = 0
        # (sequence, total bytes before it), a few per file.
        self._positions: list[tuple[int, int]] = []
        try:
            self._open(at_least, create)
        except OSError as error:
            raise disk_error(self._folder, error) from error

    @property
    def last_sequence(self) -> int:
        """Sequence of the last frame appended; frames begin with 1."""
        return self._last

    @property
    def durable_sequence(self) -> int:
        """Every frame up to this one is on disk."""
        return self._durable

    def append(self, kind: int, parts: Sequence[object]) -> int:
        """Appends one frame, its body these C-contiguous buffers joined; its sequence, not yet durable. StorageFull."""
        assert 0 <= kind < OWN_KINDS
        views = [flat_bytes(part) for part in parts]
        body_bytes = sum(map(len, views))
        if body_bytes > JOURNAL_RECORD_BYTES:
            raise LimitExceeded(limit="JOURNAL_RECORD_BYTES", maximum=JOURNAL_RECORD_BYTES, received=body_bytes)
        views.append(_ZEROS[: padding_bytes(body_bytes)])
        body_crc = 0
        for view in views:
            body_crc = crc32c(view, body_crc)
        with self._writing:
            self._check()
            if self._end >= self._file_bytes:
                self._next_file()
            sequence = self._last + 1
            header = frame_header(self._salt, body_crc, body_bytes, sequence, self._durable, kind)
            start = self._end
            try:
                self._write([memoryview(header), *views])
                self._advance(self._end - start, sequence)
                self._last = sequence
            except BaseException:
                if self._last < sequence:
                    self._end = self._zeroed_end = start  # an interrupt: the next frame takes the place of this one
                raise
            self._recorded = self._durable
            return sequence

    def wait_durable(self, sequence: int) -> None:
        """Returns when every frame up to `sequence` is on disk; concurrent callers share one sync. StorageFailed."""
        if self._waits:
            self._sync_to(sequence)
        else:
            self._check()

    def sync(self) -> None:
        """Makes all that was appended durable, in either mode. StorageFailed."""
        self._sync_to(self._last)

    def rotate(self) -> None:
        """Begins a new file, unless the current one is empty, so that drop_before() can remove the old. Syncs."""
        with self._writing:
            self._check()
            if self._end > FILE_HEADER_BYTES:
                self._next_file()

    def drop_before(self, sequence: int) -> None:
        """Deletes the files whose frames all come before `sequence`; never the current one."""
        with self._writing:
            self._check()
            files = log_files(self._folder)
            dropped = [path for (_, path), (following, _) in itertools.pairwise(files) if following <= sequence]
            try:
                # Oldest first: a crash on the way leaves no gap.
                for path in dropped:
                    path.unlink()
                if dropped:
                    sync_folder(self._folder)
            except OSError as error:
                raise disk_error(self._folder, error) from error
            first = bisect.bisect_right(self._positions, sequence, key=lambda entry: entry[0]) - 1
            # A new list: bytes_since() reads the old one without a lock.
            self._positions = self._positions[max(first, 0) :]

    def bytes_since(self, sequence: int) -> int:
        """Bytes of the frames after `sequence`, up to 256 KiB too many: what a replay from there would read."""
        positions = self._positions
        if sequence >= self._last or not positions:
            return 0
        index = max(bisect.bisect_right(positions, sequence + 1, key=lambda entry: entry[0]) - 1, 0)
        return self._total_bytes - positions[index][1]

    def close(self) -> None:
        """Syncs and closes; may be called twice. StorageFailed if the sync fails; it is closed all the same."""
        with self._writing:
            if self._closed:
                return
            try:
                if self._failure is None:
                    self._sync_to(self._last)
                    self._seal()
            except OSError as error:
                raise disk_error(self._path, error) from error
            finally:
                with self._lock:
                    self._closed = True
                    while self._syncing:
                        self._state.wait()
                os.close(self._descriptor)

    def _open(self, at_least: int, create: bool) -> None:
        if create:
            self._folder.mkdir(exist_ok=True)
            sync_folder(self._folder.parent)
        for leftover in self._folder.glob("*.new"):
            leftover.unlink()
        files = log_files(self._folder)
        if not files:
            if not create:
                raise Corrupted(path=str(self._folder), detail="the journal has no file")
            self._begin_file()
            return
        first_sequence, path = files[-1]
        log = LogFile(path, first_sequence)
        for _ in log.frames(None):
            pass
        if log.continued:
            _require_following(files, len(files) - 1, log)
        if log.last_sequence < at_least:
            detail = f"ends with sequence {log.last_sequence}, {at_least} was checkpointed"
            raise Corrupted(path=str(path), detail=detail)
        self._descriptor = os.open(path, os.O_RDWR)
        try:
            if log.file_bytes != log.end:
                os.ftruncate(self._descriptor, log.end)
            os.fsync(self._descriptor)
            sync_folder(self._folder)
        except OSError:
            os.close(self._descriptor)
            raise
        self._path, self._salt = path, log.salt
        self._last = self._durable = log.last_sequence
        self._recorded = log.synced_sequence
        for first, earlier in files[:-1]:
            self._positions.append((first, self._total_bytes))
            self._total_bytes += earlier.stat().st_size
        self._positions.append((first_sequence, self._total_bytes))
        self._total_bytes += log.end - FILE_HEADER_BYTES
        self._end = self._zeroed_end = log.end

    def _begin_file(self) -> None:
        first_sequence = self._last + 1
        path = log_path(self._folder, first_sequence)
        salt = int.from_bytes(os.urandom(8), "little")
        temporary = path.with_suffix(".new")
        # A file gets its name when its header is durable: an invalid header is never a crash, always damage.
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            write_at(descriptor, [memoryview(file_header(first_sequence, salt))], 0)
            os.fsync(descriptor)
            os.rename(temporary, path)
            sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            for name in (temporary, path):
                with contextlib.suppress(OSError):
                    name.unlink(missing_ok=True)
            raise
        with self._lock:
            self._descriptor = descriptor
        self._path, self._salt = path, salt
        self._recorded = self._last
        self._positions.append((first_sequence, self._total_bytes))
        self._end = self._zeroed_end = FILE_HEADER_BYTES

    def _next_file(self) -> None:
        # Nobody appends now, so once all is durable no thread will sync the old descriptor again.
        self._sync_to(self._last)
        old_path, old, old_salt, old_end = self._path, self._descriptor, self._salt, self._end
        try:
            os.ftruncate(old, old_end)
            self._zeroed_end = old_end
            self._begin_file()
        except OSError as error:
            raise disk_error(old_path, error) from error
        # Only a witness that this file was not the last one: without it the log reads the same.
        with contextlib.suppress(OSError):
            write_at(old, [memoryview(frame_header(old_salt, 0, 0, self._last, self._last, CONTINUED_KIND))], old_end)
        os.close(old)

    def _seal(self) -> None:
        os.ftruncate(self._descriptor, self._end)
        if self._recorded < self._last:
            # Says that the last frames were durable, so that damage to them is told from a torn tail.
            mark = frame_header(self._salt, 0, 0, self._last, self._last, CLOSED_KIND)
            with contextlib.suppress(OSError):
                write_at(self._descriptor, [memoryview(mark)], self._end)
        os.fsync(self._descriptor)

    def _write(self, buffers: list[memoryview]) -> None:
        frame_bytes = sum(map(len, buffers))
        start, end = self._end, self._end + frame_bytes
        ahead = frame_bytes <= _AHEAD_FRAME_BYTES and end > self._zeroed_end
        try:
            try:
                write_at(self._descriptor, [*buffers, _ZEROS] if ahead else buffers, start)
            except OSError:
                if not ahead:
                    raise
                # The zeros are only wanted, not needed.
                ahead = False
                write_at(self._descriptor, buffers, start)
        except OSError as error:
            self._cut(start)
            raise disk_error(self._path, error) from error
        self._end = end
        self._zeroed_end = end + _AHEAD_BYTES if ahead else max(self._zeroed_end, end)

    def _cut(self, start: int) -> None:
        try:
            os.ftruncate(self._descriptor, start)
        except OSError as error:
            self._fail(f"a partial frame could not be removed: {error.strerror}")
            raise StorageFailed(path=str(self._path), detail=self._failure or "") from error
        self._zeroed_end = start

    def _advance(self, frame_bytes: int, sequence: int) -> None:
        if self._total_bytes - self._positions[-1][1] >= _POSITION_BYTES:
            self._positions.append((sequence, self._total_bytes))
        self._total_bytes += frame_bytes

    def _sync_to(self, sequence: int) -> None:
        assert sequence <= self._last, "a sequence that was never appended"
        mine = durable = False
        path = self._path
        try:
            with self._lock:
                while True:
                    if self._durable >= sequence:
                        return
                    self._check()
                    if not self._syncing:
                        break
                    self._state.wait()
                self._syncing = mine = True
                target, descriptor, path = self._last, self._descriptor, self._path
            os.fdatasync(descriptor)
            durable = True
        except OSError as error:
            self._fail(f"sync failed: {error.strerror}")
            raise StorageFailed(path=str(path), detail=self._failure or "") from error
        finally:
            if mine:
                if durable and target > self._durable:
                    self._durable = target
                # Before anything that an interrupt can stop: nobody else would ever sync again.
                self._syncing = False
                with self._lock:
                    self._state.notify_all()

    def _fail(self, detail: str) -> None:
        with self._lock:
            self._failure = self._failure or detail

    def _check(self) -> None:
        if self._failure is not None:
            raise StorageFailed(path=str(self._folder), detail=self._failure)
        if self._closed:
            raise Closed(what=f"journal '{self._folder}'")


def _require_following(files: list[tuple[int, Path]], position: int, log: LogFile) -> None:
    if position + 1 >= len(files):
        detail = f"the file that begins with sequence {log.last_sequence + 1} is missing"
        raise Corrupted(path=str(log.path.parent), detail=detail)
