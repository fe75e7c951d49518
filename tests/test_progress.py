"""Who is told how far a long call is."""

from __future__ import annotations

import io
import sys

import pytest

from vecdb.progress import Progress, reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("progress", [None, False])
def test_nobody(progress: Progress) -> None:
    assert reporter(progress, "work") is None


def test_a_callback_is_called_as_it_is() -> None:
    def report(done: int, total: int) -> None:
        raise AssertionError(done, total)

    assert reporter(report, "work") is report


def test_a_terminal_sees_one_line_that_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    report = reporter(True, "work")
    assert report is not None
    for done in (0, 1000, 2000):
        report(done, 2000)
    lines = screen.getvalue().split("\r")[1:]
    assert [line.count("#") for line in lines] == [0, 15, 30]
    assert [len(line.split("]")[0]) for line in lines] == [len("work [") + 30] * 3
    assert lines[-1].endswith("2,000 of 2,000\n")
    assert "\n" not in "".join(lines[:-1])


def test_nothing_to_do_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for screen in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", screen)
        report = reporter(True, "work")
        assert report is not None
        report(0, 0)
        assert screen.getvalue().endswith("\n")


def test_a_log_gets_one_line_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    report = reporter(True, "work")
    assert report is not None
    for done in (10, 20, 30):
        report(done, 30)
    assert log.getvalue() == "work: 30\n"
