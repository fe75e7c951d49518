"""FORMAT: one line of JSON that says which releases may open a database, readable by every release and by people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from vecdb.errors import Corrupted, VersionMismatch
from vecdb.storage.disk import disk_error, replace_file

FORMAT_VERSION: Final = 1
MINIMUM_READER: Final = 1  # the oldest format version whose releases can read what this one writes


def format_path(folder: str | Path) -> Path:
    """Where a database keeps its format."""
    return Path(folder) / "FORMAT"


def store_format(folder: str | Path) -> None:
    """Marks the database at `folder` as written by this release, durably. StorageFull, StorageFailed."""
    body = {"product": "vecdb", "format": FORMAT_VERSION, "minimum_reader": MINIMUM_READER}
    replace_file(format_path(folder), [memoryview(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE))])


def check_format(folder: str | Path, *, read_only: bool = False) -> None:
    """Returns if this release may open the database. VersionMismatch; Corrupted, also if there is no FORMAT file.

    A newer format that still allows our readers may be opened to read; writing to it would take away what is new in it.
    """
    path = format_path(folder)
    try:
        body = orjson.loads(path.read_bytes())
        product, version, minimum_reader = body["product"], body["format"], body["minimum_reader"]
    except OSError as error:
        raise disk_error(path, error) from error
    except (LookupError, TypeError, ValueError) as error:
        raise Corrupted(path=str(path), detail="not the FORMAT file of a database") from error
    if product != "vecdb" or type(version) is not int or type(minimum_reader) is not int:
        raise Corrupted(path=str(path), detail="not the FORMAT file of a database")
    needed = minimum_reader if read_only else version
    if needed > FORMAT_VERSION:
        raise VersionMismatch(path=str(path), found=needed, supported=FORMAT_VERSION)
