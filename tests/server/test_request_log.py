"""The log: which calls, what a line holds, and that nobody can forge one."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb.server.request_log import LOGGER, TEXT_CHARACTERS, CallFacts, RequestLog, log_event, log_lines
from vecdb.server.settings import LogMode
from vecdb.server.status_code import STATUS_CODES

OK, CANCELLED, UNKNOWN, INVALID, INTERNAL, DATA_LOSS = (
    STATUS_CODES.index(name) for name in ("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "INTERNAL", "DATA_LOSS")
)


def one_line(stream: io.StringIO) -> dict[str, object]:
    text = stream.getvalue()
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1
    assert text.rstrip("\n").isprintable()
    assert text.isascii()
    line: dict[str, object] = json.loads(text)
    return line


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("none", []),
        ("slow", [(OK, 1.1), (INVALID, 1.1), (INTERNAL, 0.0), (UNKNOWN, 0.0), (DATA_LOSS, 0.0)]),
        ("all", [(OK, 0.0), (OK, 1.0), (INVALID, 0.0), (OK, 1.1), (INVALID, 1.1), (INTERNAL, 0.0), (UNKNOWN, 0.0)]),
    ],
)
def test_the_mode_decides_which_calls_are_logged(mode: LogMode, expected: list[tuple[int, float]]) -> None:
    log = RequestLog(mode, 1.0)
    calls = [(code, seconds) for seconds in (0.0, 1.0, 1.1) for code in range(len(STATUS_CODES))]
    wanted = {call for call in calls if log.wants(*call)}
    assert set(expected) <= wanted
    if mode == "none":
        assert wanted == set()
    if mode == "slow":
        assert {(OK, 0.0), (OK, 1.0), (INVALID, 0.0), (CANCELLED, 0.5)}.isdisjoint(wanted)
        assert len(wanted) == len(STATUS_CODES) + 2 * 3
    if mode == "all":
        assert len(wanted) == len(calls)


def test_the_line_of_a_call() -> None:
    stream = io.StringIO()
    before = datetime.now(UTC)
    with log_lines(stream):
        RequestLog("slow", 1.0).write(
            CallFacts(
                method="Search",
                code=OK,
                seconds=1.23456789,
                peer="ipv4:127.0.0.1:5",
                principal="ci",
                collection="docs",
                bytes_in=10,
                bytes_out=20,
            )
        )
    line = one_line(stream)
    assert before.replace(microsecond=before.microsecond // 1000 * 1000) <= datetime.fromisoformat(
        str(line.pop("time"))
    )
    assert line == {
        "level": "warning",
        "event": "call",
        "method": "Search",
        "code": "OK",
        "seconds": 1.234568,
        "peer": "ipv4:127.0.0.1:5",
        "principal": "ci",
        "collection": "docs",
        "bytes_in": 10,
        "bytes_out": 20,
    }


@pytest.mark.parametrize(
    ("code", "seconds", "level"), [(INTERNAL, 0.0, "error"), (INVALID, 0.0, "info"), (INVALID, 9.0, "warning")]
)
def test_the_level_says_whose_fault(code: int, seconds: float, level: str) -> None:
    stream = io.StringIO()
    with log_lines(stream):
        RequestLog("all", 1.0).write(CallFacts(method="m", code=code, seconds=seconds, peer="p", detail="KeyError"))
    line = one_line(stream)
    assert (line["level"], line["detail"], line["code"]) == (level, "KeyError", STATUS_CODES[code])


@given(st.text(), st.text(), st.text() | st.binary() | st.floats() | st.none() | st.integers())
def test_no_text_forges_a_line(event: str, name: str, value: object) -> None:
    stream = io.StringIO()
    with log_lines(stream):
        log_event(event, {"name": name, "value": value, "both": name + "\r\n{}" + event})
    line = one_line(stream)
    assert str(line["name"])[:TEXT_CHARACTERS] == name[:TEXT_CHARACTERS]
    assert len(str(line["event"])) <= TEXT_CHARACTERS + 3


@pytest.mark.parametrize(
    "text", ["\n", "\r", "\x1b[2J", "\x00", "\x7f", "\x85", "\u2028", "\u202e", "\ud800", '"', "\\", "%s"]
)
def test_control_characters_are_escaped(text: str) -> None:
    stream = io.StringIO()
    with log_lines(stream):
        log_event(text, {"peer": text * 3, "detail": text * 10_000})
    line = one_line(stream)
    assert (line["event"], line["peer"]) == (text, text * 3)
    assert len(str(line["detail"])) <= TEXT_CHARACTERS + 3


def test_of_an_error_the_frames_are_written_and_not_the_text() -> None:
    stream = io.StringIO()

    def inside() -> None:
        raise ValueError("payload {'secret': 1}")

    with log_lines(stream):
        try:
            inside()
        except ValueError as error:
            log_event("failed inside", {"method": "Upsert"}, logging.ERROR, error)
    line = one_line(stream)
    assert line["error"] == "ValueError"
    assert str(line["frames"]).count("test_request_log.py") == 2
    assert " inside" in str(line["frames"])
    assert "secret" not in stream.getvalue()


def test_a_deep_traceback_is_cut() -> None:
    stream = io.StringIO()

    def deeper(left: int) -> None:
        if left == 0:
            raise KeyError("x")
        deeper(left - 1)

    with log_lines(stream):
        try:
            deeper(200)
        except KeyError as error:
            log_event("failed inside", error=error)
    assert len(stream.getvalue()) < 5_000
    one_line(stream)


def test_the_logger_is_left_as_it_was() -> None:
    before = (list(LOGGER.handlers), LOGGER.level, LOGGER.propagate)
    with log_lines(io.StringIO()):
        assert not LOGGER.propagate
    assert (list(LOGGER.handlers), LOGGER.level, LOGGER.propagate) == before
