"""Rows on disk: written with pwrite, read through mappings of whole chunks."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import struct
import threading
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.errors import Corrupted, StorageFailed, VersionMismatch
from vecdb.native.kernels import crc32c
from vecdb.storage.disk import disk_error, flat_bytes, sync_folder, write_at
from vecdb.storage.rows import Bytes2D, RowNumbers, as_rows, chunk_shift_of, gather, read_only, runs, whole_pages

HEADER_BYTES: Final = 4096
VERSION: Final = 1

_MAGIC = b"VECDBROW"
_HEADER = struct.Struct("<8sIIIIII")  # magic, version, checksum of the page, row bytes, rows per chunk, chunk, zero
_DESCRIPTORS_MAXIMUM = 32
_PUNCH_HOLE = 3  # FALLOC_FL_PUNCH_HOLE, and FALLOC_FL_KEEP_SIZE, which has to go with it


class RowFile:
    """Rows in files `<stem>-<chunk>.rows` of `folder`: written with pwrite, read through a shared mapping.

    A full disk is StorageFull at the write, never a signal, for nothing is written through the mapping; chunks are
    sparse. `at_least` rows must exist already, or the file is Corrupted; chunks beyond them that a crash left without
    their predecessors are dropped.
    """

    def __init__(
        self, folder: str | Path, stem: str, row_bytes: int, *, at_least: int = 0, read_only: bool = False
    ) -> None:
        self.row_bytes = row_bytes
        self.chunk_shift = chunk_shift_of(row_bytes)
        self._folder = Path(folder)
        self._stem = stem
        self._read_only = read_only
        self._views: list[Bytes2D] = []
        # Open for writing, least recently used first; a chunk stays open at least until it is synced.
        self._descriptors: OrderedDict[int, int] = OrderedDict()
        self._dirty: set[int] = set()
        self._names_dirty = False
        self._failure: str | None = None
        self._syncing = threading.Lock()  # taken before _files; a second sync() waits for what the first one took
        self._files = threading.Lock()  # a writer and sync() share the descriptors and what is dirty
        self._open(at_least)

    @property
    def rows_per_chunk(self) -> int:
        """Rows of a chunk."""
        return 1 << self.chunk_shift

    def ensure(self, rows: int) -> None:
        """Makes rows 0 .. rows - 1 exist. StorageFull, StorageFailed."""
        while len(self._views) << self.chunk_shift < rows:
            assert not self._read_only
            chunk = len(self._views)
            try:
                self._create(chunk)
            except OSError as error:
                raise disk_error(self._path(chunk), error) from error
            self._views.append(self._map(chunk))

    def write(self, rows: RowNumbers, data: npt.NDArray[Any]) -> None:
        """Writes data[i] to rows[i], consecutive rows at once. StorageFull, StorageFailed: then rows may be torn."""
        source = flat_bytes(as_rows(data, len(rows), self.row_bytes))
        mask = self.rows_per_chunk - 1
        for start, stop in runs(rows, self.chunk_shift):
            row = int(rows[start])
            chunk = row >> self.chunk_shift
            assert chunk < len(self._views), "a row that was never ensured"
            part = source[start * self.row_bytes : stop * self.row_bytes]
            try:
                with self._files:
                    write_at(self._descriptor(chunk), [part], HEADER_BYTES + (row & mask) * self.row_bytes)
                    self._dirty.add(chunk)
            except OSError as error:
                raise disk_error(self._path(chunk), error) from error

    def discard(self, rows: RowNumbers) -> None:
        """Gives back the blocks that hold nothing but these rows (ascending), which are read as zeros or as before."""
        for chunk, first, end in whole_pages(rows, self.chunk_shift, self.row_bytes, HEADER_BYTES):
            with self._files:
                if _libc.fallocate(self._descriptor(chunk), _PUNCH_HOLE, first, end - first) != 0:
                    return  # a file system that cannot: the blocks are used again with the rows

    def read(self, rows: RowNumbers) -> Bytes2D:
        """A copy of the rows."""
        return gather(self._views, self.chunk_shift, self.row_bytes, rows)

    def chunk_buffers(self) -> list[Bytes2D]:
        """Every chunk, read-only."""
        return list(self._views)

    def path_of(self, row: int) -> str:
        """The file that holds a row."""
        return str(self._path(row >> self.chunk_shift))

    def bytes_on_disk(self) -> int:
        """Blocks that the chunks take; they are sparse."""
        return sum(os.stat(self._path(chunk)).st_blocks * 512 for chunk in range(len(self._views)))

    def sync(self) -> None:
        """Makes every write so far durable. StorageFailed; after a failed sync, for good."""
        if self._failure is not None:
            raise StorageFailed(path=str(self._folder / self._stem), detail=self._failure)
        with self._syncing:
            waiting: dict[int, int] = {}
            names_dirty = False
            try:
                # Taken before the syncs: a write that comes beside them is dirty again. Copies of the descriptors,
                # because that write may close the originals.
                with self._files:
                    for chunk in sorted(self._dirty):
                        waiting[chunk] = os.dup(self._descriptors[chunk])
                    names_dirty, self._names_dirty = self._names_dirty, False
                    self._dirty.clear()
                self._sync_taken(waiting, names_dirty)
            except BaseException as error:
                with self._files:
                    self._dirty.update(waiting)
                    self._names_dirty |= names_dirty
                if isinstance(error, OSError):
                    raise disk_error(self._folder, error) from error
                raise
            finally:
                for descriptor in waiting.values():
                    os.close(descriptor)

    def close(self) -> None:
        """Closes without syncing; reads and views go on. May be called twice."""
        with self._files:
            while self._descriptors:
                os.close(self._descriptors.popitem()[1])
            self._dirty.clear()

    def _sync_taken(self, waiting: dict[int, int], names_dirty: bool) -> None:
        path = self._folder
        try:
            for chunk, descriptor in waiting.items():
                path = self._path(chunk)
                os.fdatasync(descriptor)
            if names_dirty:
                path = self._folder
                sync_folder(path)
        except OSError as error:
            raise self._failed(path, error) from error

    def _open(self, at_least: int) -> None:
        chunks = set()
        try:
            for name in os.listdir(self._folder):
                stem, _, number = name.removesuffix(".new").removesuffix(".rows").rpartition("-")
                if stem != self._stem or not number.isdecimal():
                    continue
                if name == self._path(int(number)).name:
                    chunks.add(int(number))
                elif name.endswith(".rows.new") and not self._read_only:
                    os.unlink(self._folder / name)
            self._names_dirty = bool(chunks)  # a kill may have left them before their names were durable
            while (chunk := len(self._views)) in chunks:
                self._views.append(self._map(chunk))
            if len(self._views) << self.chunk_shift < at_least:
                raise Corrupted(path=str(self._path(len(self._views))), detail="the file is missing")
            for chunk in sorted(chunks):
                if chunk >= len(self._views) and not self._read_only:
                    os.unlink(self._path(chunk))
        except OSError as error:
            raise disk_error(self._folder, error) from error

    def _path(self, chunk: int) -> Path:
        return self._folder / f"{self._stem}-{chunk}.rows"

    def _header(self, chunk: int) -> bytes:
        facts = (self.row_bytes, self.rows_per_chunk, chunk, 0)
        page = _HEADER.pack(_MAGIC, VERSION, 0, *facts).ljust(HEADER_BYTES, b"\0")
        return _HEADER.pack(_MAGIC, VERSION, crc32c(page), *facts).ljust(HEADER_BYTES, b"\0")

    def _file_bytes(self) -> int:
        return HEADER_BYTES + (self.row_bytes << self.chunk_shift)

    def _create(self, chunk: int) -> None:
        path = self._path(chunk)
        temporary = path.with_name(path.name + ".new")
        # The name comes after the synced header: an invalid header is never a crash, always damage.
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            write_at(descriptor, [memoryview(self._header(chunk))], 0)
            os.ftruncate(descriptor, self._file_bytes())
            os.fsync(descriptor)
            os.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        finally:
            os.close(descriptor)
        self._names_dirty = True

    def _map(self, chunk: int) -> Bytes2D:
        path = self._path(chunk)
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                found_bytes = os.fstat(descriptor).st_size
                page = os.pread(descriptor, HEADER_BYTES, 0)
                self._verify(path, chunk, page, found_bytes)
                memory = _shared_mapping(descriptor, found_bytes)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise disk_error(path, error) from error
        return read_only(memory[HEADER_BYTES:].reshape(self.rows_per_chunk, self.row_bytes))

    def _verify(self, path: Path, chunk: int, page: bytes, found_bytes: int) -> None:
        def corrupted(detail: str) -> Corrupted:
            return Corrupted(path=str(path), detail=detail)

        if len(page) != HEADER_BYTES:
            raise corrupted(f"{found_bytes} bytes are shorter than a header")
        magic, version, crc, row_bytes, rows_per_chunk, found_chunk, _ = _HEADER.unpack_from(page)
        if magic != _MAGIC:
            raise corrupted(f"magic {magic!r} instead of {_MAGIC!r}")
        if crc32c(page[:12] + bytes(4) + page[16:]) != crc:
            raise corrupted("checksum of the header differs")
        if version > VERSION:
            raise VersionMismatch(path=str(path), found=version, supported=VERSION)
        expected = (self.row_bytes, self.rows_per_chunk, chunk)
        if (row_bytes, rows_per_chunk, found_chunk) != expected:
            found = (row_bytes, rows_per_chunk, found_chunk)
            raise corrupted(f"(row bytes, rows per chunk, chunk) are {found}, {expected} were expected")
        if found_bytes != self._file_bytes():
            raise corrupted(f"{found_bytes} bytes, {self._file_bytes()} were written")

    def _descriptor(self, chunk: int) -> int:
        descriptor = self._descriptors.get(chunk)
        if descriptor is None:
            if len(self._descriptors) >= _DESCRIPTORS_MAXIMUM:
                oldest = next(iter(self._descriptors))
                try:
                    self._sync_chunk(oldest)
                except OSError as error:
                    raise self._failed(self._path(oldest), error) from error
                os.close(self._descriptors.pop(oldest))
            descriptor = self._descriptors[chunk] = os.open(self._path(chunk), os.O_WRONLY)
        self._descriptors.move_to_end(chunk)
        return descriptor

    def _sync_chunk(self, chunk: int) -> None:
        """With the lock held."""
        if chunk in self._dirty:
            self._dirty.discard(chunk)
            os.fdatasync(self._descriptors[chunk])

    def _failed(self, path: Path, error: OSError) -> StorageFailed:
        self._failure = f"sync failed: {error.strerror}"
        return StorageFailed(path=str(path), detail=self._failure)


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]


def _shared_mapping(descriptor: int, length: int) -> npt.NDArray[np.uint8]:
    # mmap.mmap keeps a descriptor for each mapping (until Python 3.13 and trackfd=False): a few gigabytes of chunks
    # would use up the usual limit of 1024. Unmapped when the last view of it is gone.
    address = _libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if address == ctypes.c_void_p(-1).value:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    memory = (ctypes.c_uint8 * length).from_address(address)
    weakref.finalize(memory, _libc.munmap, address, length).atexit = False
    return np.frombuffer(memoryview(memory).cast("B"), np.uint8)
