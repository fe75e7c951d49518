"""Copies of a database folder: holes stay holes, and a folder that changes meanwhile is copied again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ATTEMPTS = 50


def copy_folder(source: Path, target: Path) -> None:
    """Copies a folder that nobody writes to."""
    subprocess.run(["cp", "-r", "--sparse=always", str(source), str(target)], check=True, capture_output=True)


def copy_quiet(source: Path, target: Path) -> None:
    """Copies the folder of an open database as a kill would leave it: all files as of one moment."""
    for _ in range(ATTEMPTS):
        before = _state(source)
        try:
            copy_folder(source, target)
        except subprocess.CalledProcessError:  # a file went away between the listing and its copy
            pass
        else:
            if _state(source) == before:
                return
        shutil.rmtree(target, ignore_errors=True)
    raise AssertionError(f"{source} did not keep still for {ATTEMPTS} copies")


def _state(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for path, folders, names in os.walk(folder):  # passes over a folder that goes away meanwhile, as rglob does not
        for name in (*folders, *names):
            file = os.path.join(path, name)
            try:
                facts = os.stat(file)
            except FileNotFoundError:
                continue
            found[file] = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return found
