"""The recalls that are given as a list."""

from __future__ import annotations

import argparse

import pytest

from vecdb.bench.pages.comparison_arguments import add_comparison_arguments, recall_list


@pytest.mark.parametrize(("text", "recalls"), [(".9", (0.9,)), ("0.99,.9,.99", (0.9, 0.99)), ("1", (1.0,))])
def test_recalls_rise_and_none_comes_twice(text: str, recalls: tuple[float, ...]) -> None:
    assert recall_list(text) == recalls


@pytest.mark.parametrize("text", ["", "x", "0", "1.1", ".9,-1", "nan", ".9,,"])
def test_what_is_no_recall_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected recalls above 0"):
        recall_list(text)


def test_what_is_not_given() -> None:
    parser = argparse.ArgumentParser()
    add_comparison_arguments(parser)
    options = parser.parse_args([])
    assert (options.recalls, options.baseline) == ((0.9, 0.95, 0.99, 0.999), "hnswlib")
