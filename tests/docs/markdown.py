"""What a page in Markdown shows: its Python blocks, and the rows of its tables."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CELLS = re.compile(r"(?<!\\)\|")


def python_of(path: Path) -> str:
    """The Python blocks of a page, one after the other."""
    blocks: list[str] = _BLOCK.findall(path.read_text())
    assert blocks, f"{path} has no Python"
    return "\n".join(blocks)


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
