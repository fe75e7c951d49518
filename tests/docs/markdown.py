"""What a page in Markdown shows: its Python blocks, and the rows of its tables."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CELLS = re.compile(r"(?<!\\)\|")


def python_of(path: Path, after: str = "", before: str = "\0") -> str:
    """The Python blocks of a page, one after the other; of its part between two headings, if they are named."""
    return "\n".join(blocks_of(path, "python", after, before))


def blocks_of(path: Path, language: str, after: str = "", before: str = "\0") -> list[str]:
    """The blocks of one language, of the page or of its part between two headings."""
    _, found, text = path.read_text().partition(after) if after else ("", "all", path.read_text())
    assert found, f"{path} has no {after!r}"
    blocks = [block for kind, block in _BLOCK.findall(text.partition(before)[0]) if kind == language]
    assert blocks, f"{path} has no {language} there"
    return blocks


def commands_of(path: Path, program: str) -> list[list[str]]:
    """The words after `program` of each command that the page shows at a prompt."""
    lines = "".join(blocks_of(path, "console")).replace("\\\n", "").splitlines()
    commands = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if line.startswith("$ ")]
    return [words[1:] for words in commands if words[0] == program]


def table_after(path: Path, header: str) -> list[list[str]]:
    """The cells below the first table header that starts with `header`."""
    lines = path.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(header))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("\\|", "|") for cell in _CELLS.split(line)[1:-1]])
    return rows


def run_python(program: str, folder: Path) -> str:
    """Runs a program in `folder`; what it printed. A failure shows its error."""
    run = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout
