"""`python -m vecdb.bench`: measures vecdb against its promises and its peers, and prints a table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from vecdb.bench.call_cost import call_cost
from vecdb.bench.durable_upsert import durable_upsert
from vecdb.bench.empty_collections import empty_collections
from vecdb.bench.flat_batch import flat_batch
from vecdb.bench.graph_build import graph_build
from vecdb.bench.graph_search import graph_search
from vecdb.bench.import_time import import_time
from vecdb.bench.machine import machine_facts
from vecdb.bench.reading import Result
from vecdb.bench.remote_batch import remote_batch
from vecdb.bench.remote_call import remote_call
from vecdb.bench.remote_clients import remote_clients
from vecdb.bench.remote_overload import remote_overload
from vecdb.bench.remote_peers import remote_peers
from vecdb.bench.remote_stream import remote_stream
from vecdb.bench.remote_upload import remote_upload
from vecdb.bench.reopen import reopen
from vecdb.bench.report import BEGIN, BEGIN_REMOTE, facts_text, results_text, write_markdown
from vecdb.bench.setting import Setting

EMBEDDED: Final[dict[str, Callable[[Setting], list[Result]]]] = {
    "upsert": durable_upsert,
    "search": graph_search,
    "build": graph_build,
    "flat": flat_batch,
    "call": call_cost,
    "reopen": reopen,
    "empty": empty_collections,
    "import": import_time,
}
REMOTE: Final[dict[str, Callable[[Setting], list[Result]]]] = {
    "remote_call": remote_call,
    "remote_clients": remote_clients,
    "remote_stream": remote_stream,
    "remote_batch": remote_batch,
    "remote_upload": remote_upload,
    "remote_peers": remote_peers,
    "remote_overload": remote_overload,
}
MEASURES: Final = EMBEDDED | REMOTE
GROUPS: Final = {"all": MEASURES, "embedded": EMBEDDED, "remote": REMOTE}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the measures that the command line names; `arguments` stands for sys.argv[1:]."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="vecdb-bench-", dir=options.scratch) as scratch:
        setting = (Setting.smoke if options.smoke else Setting)(
            scratch=Path(scratch), data=options.data, payloads=options.payloads, peer_python=options.peer_python
        )
        if options.repetitions is not None:
            setting = replace(setting, repetitions=options.repetitions)
        facts = machine_facts(setting)
        print(facts_text(facts), flush=True)
        results: dict[str, list[Result]] = {}
        for name in options.measures:
            started = time.perf_counter()
            results[name] = MEASURES[name](setting)
            print(f"{name}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    print("\n" + results_text([line for lines in results.values() for line in lines]))
    if options.markdown is not None:
        for begin, group in ((BEGIN, EMBEDDED), (BEGIN_REMOTE, REMOTE)):
            if found := [line for name, lines in results.items() if name in group for line in lines]:
                write_markdown(options.markdown, facts, found, begin)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; `measures` is a list of names in the order of MEASURES."""
    parser = argparse.ArgumentParser(prog="python -m vecdb.bench", description=__doc__)
    parser.add_argument(
        "measures",
        nargs="*",
        metavar="MEASURE",
        help=f"{', '.join(GROUPS)} (all is the default), or of {', '.join(MEASURES)}",
    )
    parser.add_argument("--smoke", action="store_true", help="the smallest run, to see that everything works")
    parser.add_argument(
        "--data", type=Path, help=".npz with train and test, as wordnet-minilm-384; the demo's by default"
    )
    parser.add_argument("--payloads", type=Path, help=".parquet with a row for each of train; small ones by default")
    parser.add_argument(
        "--peer-python",
        type=Path,
        metavar="PYTHON",
        help="Python 3.11 or newer of the environment with pymilvus, milvus-lite, chromadb; without: not measured",
    )
    parser.add_argument(
        "--scratch", type=Path, help="folder on the disk to measure; the system's temporary one by default"
    )
    parser.add_argument("--repetitions", type=int, metavar="N", help="of each lap, 3 by default; medians are printed")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to this file as Markdown too")
    options = parser.parse_args(arguments)
    named = options.measures or ["all"]
    unknown = [name for name in named if name not in MEASURES and name not in GROUPS]
    if unknown:
        parser.error(f"no such measure: {', '.join(unknown)}; there are {', '.join([*GROUPS, *MEASURES])}")
    if options.repetitions is not None and options.repetitions < 1:
        parser.error(f"--repetitions: expected at least 1, received {options.repetitions}")
    wanted = {each for name in named for each in GROUPS.get(name, (name,))}
    options.measures = [name for name in MEASURES if name in wanted]
    return options


if __name__ == "__main__":
    main()
