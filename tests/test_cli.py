"""The command `vecdb`, as a shell calls it and as main()."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import vecdb
from vecdb.cli import main
from vecdb.server.key_file import read_keys
from vecdb.server.key_ring import KeyRing
from vecdb.server.principal import Role
from vecdb.server.settings import ServerSettings


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("VECDB_"):
            monkeypatch.delenv(name)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"vecdb {vecdb.__version__}\n"


def test_a_key_is_made_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "keys")
    assert (
        main(["keys", "add", "--file", file, "--role", "write", "--id", "ci", "--tenant", "acme", "--expires", "30d"])
        == 0
    )
    said = capsys.readouterr()
    text = said.out.rstrip("\n")
    assert re.fullmatch(r"vdb_ci_[A-Za-z0-9_-]{43}", text)
    assert text not in said.err
    found = KeyRing(file).find(text)
    assert found is not None
    assert (found.name, found.role, found.tenant) == ("ci", Role.WRITE, "acme")
    key = read_keys(Path(file))["ci"]
    assert key.expires is not None
    assert key.expires - key.created == pytest.approx(30 * 86_400, abs=1.5)

    assert main(["keys", "list", "--file", file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [["id", "role", "tenant"], ["ci", "write", "acme"]]
    assert key.sha256 not in "".join(lines)

    assert main(["keys", "remove", "ci", "--file", file]) == 0
    assert KeyRing(file).find(text) is None
    assert main(["keys", "remove", "ci", "--file", file]) == 2
    assert "'ci'" in capsys.readouterr().err


def test_an_expired_key_is_listed_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    digest = "0" * 64
    file.write_text(
        f'{{"id":"a","sha256":"{digest}","role":"read","created":"2020-01-01T00:00:00Z","expires":"2020-01-02T00:00:00Z"}}'
    )
    assert main(["keys", "list", "--file", str(file)]) == 0
    assert "2020-01-02T00:00:00Z (has expired)" in capsys.readouterr().out


def test_the_key_file_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "list"]) == 2
    assert "VECDB_API_KEYS" in capsys.readouterr().err
    monkeypatch.setenv("VECDB_API_KEYS", str(tmp_path / "keys"))
    assert main(["keys", "add", "--role", "read"]) == 0
    assert len(read_keys(tmp_path / "keys")) == 1


@pytest.mark.parametrize("text", ["0d", "30", "d", "-1d", "1y", "1.5d", "9999999d", "999999w", "", "１d"])
def test_a_time_that_is_none_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    assert main(["keys", "add", "--file", str(file), "--role", "read", f"--expires={text}"]) == 2
    assert "--expires" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["keys"],
        ["nothing"],
        ["keys", "add", "--file", "f"],
        ["keys", "add", "--role", "root"],
        ["serve", "--por", "1"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["serve"], 2),
        (["serve", "--data", "d", "--port", "x"], 2),
        (["serve", "--data", "d", "--host", "0.0.0.0"], 2),
        (["serve", "--data", "d", "--config", "/not/there"], 2),
        (["keys", "list", "--file", "/not/there"], 1),
        (["keys", "add", "--role", "read", "--file", "/not/there/keys"], 1),
        (["keys", "add", "--role", "read", "--file", "/not/there/keys", "--id", "A_B"], 2),
    ],
)
def test_a_failure_is_one_line(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"vecdb: .+\n", said.err)


def test_serve_hands_the_settings_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[ServerSettings] = []

    def run(settings: ServerSettings) -> int:
        given.append(settings)
        return 0

    module = types.ModuleType("vecdb.server.process")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vecdb.server.process", module)
    monkeypatch.setenv("VECDB_QUEUE", "5")
    assert main(["serve", "--data", "./d", "--port", "0", "--read-only"]) == 0
    assert given == [ServerSettings(data="./d", port=0, read_only=True, queue=5)]


def test_serve_says_which_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "vecdb.server.process", None)
    assert main(["serve", "--data", "./d"]) == 1
    assert "vecdb[server]" in capsys.readouterr().err


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vecdb.cli.read_keys", interrupted)
    assert main(["keys", "list", "--file", "f"]) == 130


def test_a_shell_can_call_it_without_grpc(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['grpc'] = sys.modules['jwt'] = sys.modules['prometheus_client'] = None; "
        "from vecdb.cli import main; sys.exit(main())"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VECDB_")}

    def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=environment, check=False
        )

    file = str(tmp_path / "keys")
    made = shell("keys", "add", "--file", file, "--role", "admin")
    assert (made.returncode, made.stdout[:4]) == (0, "vdb_")
    helped = shell("serve", "--help")
    assert helped.returncode == 0
    assert "--search-workers" in helped.stdout
    assert "network:" in helped.stdout
    failed = shell("serve", "--data", "./d")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
