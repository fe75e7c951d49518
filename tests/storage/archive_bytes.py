"""Archives written by hand, as docs/file_formats.md describes them, so that they can say what ours never would."""

from __future__ import annotations

import json
import struct
from typing import Any

from tests.docs.plain_reader import crc32c

Listed = tuple[Any, Any, Any]  # name, bytes, zeros


def archive_bytes(contents: list[bytes], listed: list[Any], *, version: int = 1, text: bytes | None = None) -> bytes:
    """An archive of these contents with any list of files, or the list's text itself; all checksums are right."""
    listing = text if text is not None else json.dumps({"sequence": 7, "files": listed}).encode()
    body = b"".join(content + struct.pack("<I", crc32c(content)) for content in contents)
    size = 32 + len(listing) + len(body) + 16
    return sealed(header(size, listing, version=version) + listing + body)


def header(size: int, listing: bytes, *, version: int = 1) -> bytes:
    facts = (size, len(listing), crc32c(listing))
    blank = struct.pack("<8sIIQII", b"VECDBSNP", version, 0, *facts)
    return struct.pack("<8sIIQII", b"VECDBSNP", version, crc32c(blank), *facts)


def sealed(data: bytes) -> bytes:
    """The data with the end mark behind it."""
    mark = struct.pack("<8sI", b"VECDBEND", crc32c(data))
    return data + mark + struct.pack("<I", crc32c(mark + bytes(4)))
