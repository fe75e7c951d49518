"""The key file: atomic, private, and strict about what it holds."""

from __future__ import annotations

import json
import os
import random
import threading
from pathlib import Path

import pytest

from vecdb.errors import Corrupted, Error, InvalidValue, StorageFailed, StorageFull
from vecdb.server.api_keys import ApiKey, new_key
from vecdb.server.key_file import FILE_BYTES, add_key, read_keys, remove_key
from vecdb.server.principal import Role


def key_of(name: str) -> ApiKey:
    return new_key(Role.WRITE, now=1_000.0, name=name, tenant="acme", expires=2_000.0)[0]


def test_keys_are_added_listed_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    keys = [key_of(name) for name in ("b", "a", "c")]
    for key in keys:
        add_key(path, key)
    assert list(read_keys(path).values()) == keys
    assert path.stat().st_mode & 0o777 == 0o600
    remove_key(path, "a")
    assert list(read_keys(path)) == ["b", "c"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]


def test_an_id_is_taken_once_and_removed_once(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    add_key(path, key_of("a"))
    before = path.read_bytes()
    with pytest.raises(InvalidValue):
        add_key(path, key_of("a"))
    with pytest.raises(InvalidValue):
        remove_key(path, "b")
    assert path.read_bytes() == before
    remove_key(path, "a")
    assert read_keys(path) == {}


def test_the_file_keeps_its_place_and_its_group(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    add_key(real, key_of("a"))
    real.chmod(0o644)
    link.symlink_to(real)
    add_key(link, key_of("b"))
    assert link.is_symlink()
    assert list(read_keys(real)) == ["a", "b"]
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "keys.new").symlink_to(tmp_path / "victim")
    add_key(tmp_path / "keys", key_of("a"))
    assert (tmp_path / "victim").read_text() == "mine"
    assert list(read_keys(tmp_path / "keys")) == ["a"]


def test_those_who_add_at_once_all_do(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    adding = [threading.Thread(target=add_key, args=(path, key_of(f"k{number}"))) for number in range(16)]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()
    assert sorted(read_keys(path)) == sorted(f"k{number}" for number in range(16))


def good_lines() -> list[str]:
    return [json.dumps(key_of(name).to_fields()) for name in ("a", "b", "c")]


@pytest.mark.parametrize(
    "bad",
    [
        "garbage",
        "{",
        "[]",
        "null",
        '"vdb_a_secretsecret"',
        '{"id": "vdb_a_secretsecret"}',
        "[" * 4_000,
        "{}" + " " * 5_000,
        "\x00",
        '{"id": "a"}',
        "NaN",
        "9" * 4_000,
    ],
)
def test_a_bad_line_is_named_and_not_repeated(bad: str, tmp_path: Path) -> None:
    lines = good_lines()
    path = tmp_path / "keys"
    path.write_text("\n".join([lines[0], "", bad, lines[1]]))
    with pytest.raises(Corrupted, match="line 3") as caught:
        read_keys(path)
    assert "secretsecret" not in str(caught.value)


def test_an_id_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("\n".join([*good_lines(), good_lines()[0]]))
    with pytest.raises(Corrupted, match=r"line 4.*twice"):
        read_keys(path)


def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    add_key(path, key_of("a"))
    path.chmod(0o602)
    with pytest.raises(Corrupted, match="every user may write"):
        read_keys(path)
    with pytest.raises(Corrupted):
        add_key(path, key_of("b"))


def test_files_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for change in (read_keys, lambda path: remove_key(path, "a")):
        with pytest.raises(StorageFailed, match="the file is missing") as caught:
            change(tmp_path / "none")
        assert caught.value.path == str(tmp_path / "none")
    with pytest.raises(StorageFailed, match="its folder is missing"):
        add_key(tmp_path / "no" / "keys", key_of("a"))
    with pytest.raises(StorageFailed):
        read_keys(tmp_path)
    with pytest.raises(Error):
        add_key(tmp_path / "no" / "folder", key_of("a"))
    with pytest.raises(Error):
        remove_key(tmp_path / "none", "a")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(Error):
        add_key(tmp_path / "loop", key_of("a"))
    (tmp_path / "large").write_bytes(b"\n" * (FILE_BYTES + 1))
    with pytest.raises(Corrupted, match="more than"):
        read_keys(tmp_path / "large")


def test_random_bytes_are_refused_or_read(tmp_path: Path) -> None:
    """Whatever stands in the file, the answer is keys or a vecdb error."""
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    random_of = random.Random(seed)
    good = ("\n".join(good_lines()) + "\n").encode()
    path = tmp_path / "keys"
    for step in range(300):
        content = bytearray(good)
        for _ in range(random_of.randrange(1, 8)):
            content[random_of.randrange(len(content))] = random_of.randrange(256)
        path.write_bytes(content[: random_of.randrange(len(content) + 1)])
        try:
            keys = read_keys(path)
        except Corrupted:
            continue
        assert all(isinstance(key, ApiKey) for key in keys.values()), f"seed {seed}, step {step}"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    add_key(path, key_of("a"))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        add_key(path, key_of("b"))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]
