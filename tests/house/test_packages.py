"""pyproject.toml lists every package, and the editable install finds each where it is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from tests.house.source_tree import CODE_FOLDERS, PACKAGE_FOLDERS, ROOT, packages


def test_every_folder_with_an_init_is_listed() -> None:
    listed = {folder.resolve() for folder in packages().values()}
    tops = ("vecdb", *PACKAGE_FOLDERS)
    found = {path.parent.resolve() for top in tops for path in (ROOT / top).rglob("__init__.py")}
    assert found == listed


def test_every_package_is_imported_from_this_tree() -> None:
    for name, folder in packages().items():
        module = importlib.import_module(name)
        assert module.__file__ is not None, name
        assert Path(module.__file__).resolve().parent == folder.resolve(), name


def test_every_extension_has_its_types() -> None:
    sources = sorted((ROOT / "native").glob("*.pyx"))
    assert sources
    assert [path.name for path in sources if not path.with_suffix(".pyi").exists()] == []


def test_the_packages_are_marked_as_typed() -> None:
    assert (ROOT / "vecdb" / "py.typed").exists()


def test_folders_have_names_of_the_field() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|common|managers?|misc)($|_)")
    paths = [path for top in CODE_FOLDERS for path in (ROOT / top).rglob("*")]
    assert [str(path) for path in paths if path.suffix != ".pyc" and vague.search(path.stem)] == []
