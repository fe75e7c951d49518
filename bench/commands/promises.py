"""`vecdb-bench promises`: measures vecdb against what it promises, and prints a table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from vecdb.bench.mistake import Mistake
from vecdb.bench.promises.calibrated_recall import calibrated_recall
from vecdb.bench.promises.call_cost import call_cost
from vecdb.bench.promises.churn import cluster_churn, random_churn
from vecdb.bench.promises.durable_upsert import durable_upsert
from vecdb.bench.promises.empty_collections import empty_collections
from vecdb.bench.promises.facts import machine_facts
from vecdb.bench.promises.flat_batch import flat_batch
from vecdb.bench.promises.graph_build import graph_build
from vecdb.bench.promises.graph_memory import graph_memory
from vecdb.bench.promises.graph_search import graph_search
from vecdb.bench.promises.import_time import import_time
from vecdb.bench.promises.reading import Result
from vecdb.bench.promises.remote_batch import remote_batch
from vecdb.bench.promises.remote_call import remote_call
from vecdb.bench.promises.remote_clients import remote_clients
from vecdb.bench.promises.remote_overload import remote_overload
from vecdb.bench.promises.remote_peers import remote_peers
from vecdb.bench.promises.remote_stream import remote_stream
from vecdb.bench.promises.remote_upload import remote_upload
from vecdb.bench.promises.reopen import reopen
from vecdb.bench.promises.report import BEGIN, BEGIN_GRAPH, BEGIN_REMOTE, facts_text, results_text, write_markdown
from vecdb.bench.promises.search_beside_inserts import search_beside_inserts
from vecdb.bench.promises.setting import Setting
from vecdb.bench.promises.sliding_window import sliding_window

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
GRAPH: Final[dict[str, Callable[[Setting], list[Result]]]] = {
    "graph_churn": random_churn,
    "graph_cluster_churn": cluster_churn,
    "graph_inserts": search_beside_inserts,
    "graph_window": sliding_window,
    "graph_recall": calibrated_recall,
    "graph_memory": graph_memory,
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
MEASURES: Final = EMBEDDED | GRAPH | REMOTE
GROUPS: Final = {"all": MEASURES, "embedded": EMBEDDED, "graph": GRAPH, "remote": REMOTE}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
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


def named_measures(named: Sequence[str]) -> list[str]:
    """The measures of some names and groups, in the order of MEASURES; all without a name. Mistake."""
    named = named or ["all"]
    unknown = [name for name in named if name not in MEASURES and name not in GROUPS]
    if unknown:
        raise Mistake(f"no such measure: {', '.join(unknown)}; there are {', '.join([*GROUPS, *MEASURES])}")
    wanted = {each for name in named for each in GROUPS.get(name, (name,))}
    return [name for name in MEASURES if name in wanted]


def run(options: argparse.Namespace) -> int:
    """Runs the measures that the options name."""
    measures = named_measures(options.measures)
    if options.repetitions is not None and options.repetitions < 1:
        raise Mistake(f"--repetitions: expected at least 1, received {options.repetitions}")
    with tempfile.TemporaryDirectory(prefix="vecdb-bench-", dir=options.scratch) as scratch:
        setting = (Setting.smoke if options.smoke else Setting)(
            scratch=Path(scratch), data=options.data, payloads=options.payloads, peer_python=options.peer_python
        )
        if options.repetitions is not None:
            setting = replace(setting, repetitions=options.repetitions)
        facts = machine_facts(setting)
        print(facts_text(facts), flush=True)
        results: dict[str, list[Result]] = {}
        for name in measures:
            started = time.perf_counter()
            results[name] = MEASURES[name](setting)
            print(f"{name}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    print("\n" + results_text([line for lines in results.values() for line in lines]))
    if options.markdown is not None:
        for begin, group in ((BEGIN, EMBEDDED), (BEGIN_GRAPH, GRAPH), (BEGIN_REMOTE, REMOTE)):
            if found := [line for name, lines in results.items() if name in group for line in lines]:
                write_markdown(options.markdown, facts, found, begin)
    return 0
