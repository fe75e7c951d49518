"""The writer's lock and the readers' mark, within a process, across processes, after a kill."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vecdb.errors import Locked
from vecdb.storage.directory_lock import DirectoryLock, SharedReaders, without_readers

HOLD = """
import sys
from vecdb.storage.directory_lock import DirectoryLock, SharedReaders
held = {kind}(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def holder(kind: str, folder: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until its stdin closes or it is killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(kind=kind), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def finish(child: subprocess.Popen[str], kill: bool = False) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    if kill:
        child.kill()
    child.stdin.close()
    child.wait(10)
    child.stdout.close()


def test_a_second_writer_of_the_same_process_is_told_its_pid(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path):
        with pytest.raises(Locked) as raised:
            DirectoryLock(tmp_path)
        assert raised.value.pid == os.getpid()
        assert raised.value.path == str(tmp_path / "LOCK")
    lock = DirectoryLock(tmp_path)
    lock.close()
    lock.close()


def test_another_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    child = holder("DirectoryLock", tmp_path)
    try:
        with pytest.raises(Locked) as raised:
            DirectoryLock(tmp_path)
        assert raised.value.pid == child.pid
    finally:
        finish(child, kill=True)
    DirectoryLock(tmp_path).close()


def test_closing_in_a_forked_child_leaves_the_parent_its_lock(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    if (child := os.fork()) == 0:
        lock.close()
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(Locked):
        DirectoryLock(tmp_path)
    lock.close()


def test_closing_frees_the_folder_although_a_forked_child_lives(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    os.close(read_end)
    lock.close()
    DirectoryLock(tmp_path).close()
    os.close(write_end)
    os.waitpid(child, 0)


def test_readers_are_seen_and_do_not_disturb_each_other_or_the_writer(tmp_path: Path) -> None:
    assert not readers_present(tmp_path)
    with DirectoryLock(tmp_path), SharedReaders(tmp_path), SharedReaders(tmp_path):
        assert readers_present(tmp_path)
    assert not readers_present(tmp_path)
    child = holder("SharedReaders", tmp_path)
    try:
        assert readers_present(tmp_path)
        with SharedReaders(tmp_path):
            assert readers_present(tmp_path)
        assert readers_present(tmp_path)
    finally:
        finish(child, kill=True)
    assert not readers_present(tmp_path)


def readers_present(folder: Path) -> bool:
    with without_readers(folder) as alone:
        return not alone


def test_no_reader_opens_while_files_are_taken_away(tmp_path: Path) -> None:
    opened: list[SharedReaders] = []
    with without_readers(tmp_path) as alone:
        assert alone
        thread = threading.Thread(target=lambda: opened.append(SharedReaders(tmp_path)))
        thread.start()
        thread.join(0.1)
        assert opened == []
    thread.join(10)
    assert len(opened) == 1
    opened[0].close()
