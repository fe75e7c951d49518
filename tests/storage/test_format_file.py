"""FORMAT: which release may open what."""

import json
from pathlib import Path

import pytest

from vecdb.errors import Corrupted, VersionMismatch
from vecdb.storage.format_file import FORMAT_VERSION, check_format, format_path, store_format


def test_our_own_format_is_accepted_and_people_can_read_it(tmp_path: Path) -> None:
    store_format(tmp_path)
    check_format(tmp_path)
    check_format(tmp_path, read_only=True)
    assert json.loads(format_path(tmp_path).read_text())["format"] == FORMAT_VERSION


@pytest.mark.parametrize(
    ("version", "minimum_reader", "writes", "reads"),
    [
        (FORMAT_VERSION + 1, FORMAT_VERSION, False, True),
        (FORMAT_VERSION + 5, FORMAT_VERSION + 1, False, False),
    ],
)
def test_a_newer_format_is_refused_unless_it_lets_us_read(
    tmp_path: Path, version: int, minimum_reader: int, writes: bool, reads: bool
) -> None:
    body = {"product": "vecdb", "format": version, "minimum_reader": minimum_reader}
    format_path(tmp_path).write_text(json.dumps(body))
    for read_only, allowed in ((False, writes), (True, reads)):
        if allowed:
            check_format(tmp_path, read_only=read_only)
        else:
            with pytest.raises(VersionMismatch) as raised:
                check_format(tmp_path, read_only=read_only)
            assert raised.value.supported == FORMAT_VERSION


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "nonsense", '{"product": "other", "format": 1, "minimum_reader": 1}']
)
def test_anything_else_is_corrupted(tmp_path: Path, text: str) -> None:
    format_path(tmp_path).write_text(text)
    with pytest.raises(Corrupted):
        check_format(tmp_path)


def test_no_format_file_is_corrupted(tmp_path: Path) -> None:
    with pytest.raises(Corrupted, match="missing"):
        check_format(tmp_path)
