"""A mistake of the one who gave the command: shown without a traceback."""

from __future__ import annotations


class Mistake(Exception):  # noqa: N818
    """What was expected, what came and where, as one sentence."""
