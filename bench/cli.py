"""The command `vecdb-bench`: measures vecdb and what a user would pick instead, in the manner of ann-benchmarks."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

from vecdb.bench.mistake import Mistake

# Command -> its module, loaded when it is used: no command needs what the others need.
COMMANDS: Final[dict[str, str]] = {
    "datasets": "vecdb.bench.commands.datasets",
    "run": "vecdb.bench.commands.run",
    "plot": "vecdb.bench.commands.plot",
    "report": "vecdb.bench.commands.report",
    "compare": "vecdb.bench.commands.compare",
    "export": "vecdb.bench.commands.export",
    "promises": "vecdb.bench.commands.promises",
}
SUMMARIES: Final[dict[str, str]] = {
    "datasets": "list, show or prepare data sets",
    "run": "measure algorithms on a data set",
    "plot": "draw recall against queries a second",
    "report": "write plots and tables as one HTML page",
    "compare": "print queries a second at recall .90 .95 .99 .999, with ratios",
    "export": "write results as CSV, JSON or Markdown",
    "promises": "measure what vecdb promises of itself",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line (sys.argv[1:] by default); the exit status: 0, 1 for a mistake of the caller's."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="vecdb-bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in given if word in COMMANDS), None)
    for name, summary in SUMMARIES.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == asked:
            module = importlib.import_module(COMMANDS[name])
            module.add_arguments(command)
    options = parser.parse_args(given)
    try:
        status: int = importlib.import_module(COMMANDS[options.command]).run(options)
    except Mistake as mistake:
        print(f"vecdb-bench {options.command}: {mistake}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of a pipe had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print(f"vecdb-bench {options.command}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return status
