"""Every script by its name."""

from __future__ import annotations

from typing import Final

from tests.parity import database_scripts, file_scripts, read_scripts, search_scripts, write_scripts
from tests.parity.script import Script

SCRIPTS: Final[dict[str, Script]] = {
    **database_scripts.SCRIPTS,
    **write_scripts.SCRIPTS,
    **search_scripts.SCRIPTS,
    **read_scripts.SCRIPTS,
    **file_scripts.SCRIPTS,
}
# Of databases on disk.
FOLDER_SCRIPTS: Final[dict[str, Script]] = {**database_scripts.FOLDER_SCRIPTS}
