"""The commands that pages show at a prompt are those of the program: each is carried out, but for the serving."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, commands_of
from vecdb.cli import main
from vecdb.server.key_file import read_keys
from vecdb.server.settings import ServerSettings

README, SERVER = ROOT / "README.md", ROOT / "docs" / "server.md"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """What the commands would serve, in place of serving it."""
    found: list[ServerSettings] = []

    def run(settings: ServerSettings) -> int:
        found.append(settings)
        return 0

    monkeypatch.setattr(import_module("vecdb.server.process"), "run", run)
    return found


def carry_out(page: Path, folder: Path) -> None:
    """Each command of the page, with the folder for /etc/vecdb."""
    for words in commands_of(page, "vecdb"):
        assert main([word.replace("/etc/vecdb", str(folder)) for word in words]) == 0, words


def test_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: list[ServerSettings]) -> None:
    monkeypatch.chdir(tmp_path)
    carry_out(README, tmp_path)
    assert [(each.address, each.api_keys, each.tls_key) for each in served] == [
        ("127.0.0.1:6339", None, None),
        ("0.0.0.0:6339", "keys", "server.key"),
    ]
    assert [(key.id, key.role.text) for key in read_keys(tmp_path / "keys").values()] == [("loader", "write")]


def test_the_page_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: list[ServerSettings]) -> None:
    monkeypatch.chdir(tmp_path)
    carry_out(SERVER, tmp_path)
    assert [each.data for each in served] == ["./data", "/var/lib/vecdb/db"]
    assert list(read_keys(tmp_path / "keys")) == ["loader"]  # the other was added and removed
