"""Payloads that take their time: what reads many of them can be seen to stop."""

from __future__ import annotations

import time
from typing import Any

import pytest

from vecdb.collection import filtering, inspect, pages, scanner
from vecdb.payload import decode_payload


def decoding_slowly(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[float]:
    """Each payload takes so long from now on; when each was read."""
    read: list[float] = []

    def slowly(text: bytes) -> dict[str, Any]:
        read.append(time.monotonic())
        time.sleep(seconds)
        return decode_payload(text)

    for module in (filtering, inspect, pages, scanner):
        monkeypatch.setattr(module, "decode_payload", slowly)
    return read
