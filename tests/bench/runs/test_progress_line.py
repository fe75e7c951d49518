"""The line that says where a run is."""

from __future__ import annotations

import io

import pytest

from vecdb.bench.runs.progress_line import ProgressLine, duration_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_with_what_is_left() -> None:
    clock = iter([0.0, 100.0, 130.0, 160.0])
    stream = Terminal()
    line = ProgressLine(stream, lambda: next(clock))
    line.begin()
    line.step(0, 4, "first")
    line.step(1, 4, "second")
    line.note("built")
    line.end()
    assert stream.getvalue().split("\r\x1b[K")[1:] == ["[0/4] first", "[1/4] second, 3 min 00 s left", "built\n", ""]


def test_a_file_has_a_line_now_and_then() -> None:
    clock = iter([0.0, 5.0, 25.0, 30.0, 50.0])
    stream = io.StringIO()
    line = ProgressLine(stream, lambda: next(clock))
    for done in range(4):
        line.step(done, 9, f"lap {done}")
    line.end()
    assert [text.partition(",")[0] for text in stream.getvalue().splitlines()] == ["[1/9] lap 1", "[3/9] lap 3"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
