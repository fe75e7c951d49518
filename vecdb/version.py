"""The version of this release, as pyproject.toml has it too."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
