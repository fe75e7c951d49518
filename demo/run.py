"""`make demo`: load 10,000 synsets of WordNet, ask questions, measure, kill a writer, and count what is left."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import vecdb
from demo import screen
from demo.crash import crash_and_reopen
from demo.dataset import DIMENSION, Dataset, read_queries, read_synsets
from vecdb import field

Array = npt.NDArray[np.float32]

PATH: Final = Path(__file__).parents[1] / "demo-data"
BATCH_ROWS: Final = 500
MEASURE_SECONDS: Final = 1.0
QUERIES_PER_BATCH: Final = 1_000
QUESTIONS: Final = (180, 1417, 1830)  # of queries.jsonl.gz
FILTERED_QUESTION: Final = 775


def main() -> None:
    """Runs the whole demo in a fresh demo-data/, which stays behind to look into."""
    shutil.rmtree(PATH, ignore_errors=True)
    data, queries = read_synsets(), read_queries()
    print(screen.painted(f"vecdb {version('vecdb')}", "1") + f"   {machine_text()}")
    with vecdb.connect(str(PATH)) as db:
        docs = db.create_collection(
            "synsets",
            dimension=DIMENSION,
            fields={"pos": "keyword", "lexname": "keyword", "depth": "integer", "n_lemmas": "integer"},
        )
        load(docs, data)
        ask(docs, queries)
        measure(docs, queries)
    survive(data)


def load(docs: vecdb.Collection, data: Dataset) -> None:
    """Writes every row, batch by batch, each durable before the next, and builds the index."""
    screen.heading(
        f"Load {len(data.rows):,} WordNet synsets: {DIMENSION} dimensions, cosine, 4 declared payload fields"
    )
    started = time.perf_counter()
    for first in range(0, len(data.rows), BATCH_ROWS):
        part = slice(first, first + BATCH_ROWS)
        docs.upsert(ids=data.ids[part], vectors=data.vectors[part], payloads=data.rows[part])
        done = min(first + BATCH_ROWS, len(data.rows))
        rate = done / (time.perf_counter() - started)
        screen.progress("upsert", done, len(data.rows), f"{rate:,.0f} rows/s, durable in batches of {BATCH_ROWS}")
    started = time.perf_counter()
    docs.optimize(wait=True)
    screen.fact("optimize", f"{time.perf_counter() - started:.2f} s until every row is in the index")


def ask(docs: vecdb.Collection, queries: Dataset) -> None:
    """Prints the three best answers to a few sentences, then to one within a filter."""
    screen.heading("Ask: the synsets nearest in meaning to a sentence")
    number_of = {row["query"]: index for index, row in enumerate(queries.rows)}
    for query in (*QUESTIONS, FILTERED_QUESTION):
        index = number_of[query]
        is_filtered = query == FILTERED_QUESTION
        where = field("pos") == "verb" if is_filtered else None
        screen.question(queries.rows[index]["text"], 'where field("pos") == "verb"' if is_filtered else "")
        for hit in docs.search(queries.vectors[index], k=3, where=where):
            screen.answer(hit.score, hit.payload["pos"], hit.payload["text"])


def measure(docs: vecdb.Collection, queries: Dataset) -> None:
    """Prints recall, speed and sizes."""
    screen.heading("Measure: k = 10, this process, the machine as it is")
    vectors = queries.vectors
    found, true = docs.search(vectors, k=10), docs.search(vectors, k=10, exact=True)
    recall = np.mean([len({*ours.ids} & {*best.ids}) / len(best) for ours, best in zip(found, true, strict=True)])
    screen.fact("recall@10", f"{recall:.4f} against exact search, mean of the {len(vectors)} sentences")

    block = np.tile(vectors, (QUERIES_PER_BATCH // len(vectors), 1))
    where = field("pos") == "verb"
    one_at_a_time = calls_per_second(lambda query: docs.search(query, k=10), vectors)
    new_filters = (field("pos") == "verb") & (field("n_lemmas") >= 1), where
    filtered_anew = calls_per_second(lambda each: docs.search(vectors[0], k=10, where=each), new_filters)
    filtered = calls_per_second(lambda query: docs.search(query, k=10, where=where), vectors)
    exact = calls_per_second(lambda query: docs.search(query, k=10, exact=True), vectors)
    batched = calls_per_second(lambda queries: docs.search(queries, k=10), [block]) * len(block)
    screen.fact("one query", f"{one_at_a_time:8,.0f} a second, one call each, one thread")
    screen.fact(
        "  filtered", f"{filtered:8,.0f} a second by the same filter; {filtered_anew:,.0f} by another each time"
    )
    screen.fact("  exact", f"{exact:8,.0f} a second, every row compared")
    screen.fact("batches", f"{batched:8,.0f} a second, {len(block):,} queries a call")

    stats = docs.stats()
    on_disk = sum(path.stat().st_blocks * 512 for path in PATH.rglob("*") if path.is_file())
    raw = screen.size_text(stats.rows * DIMENSION * 4)
    screen.fact(
        "size",
        f"{stats.rows:,} rows: {screen.size_text(on_disk)} on disk, {screen.size_text(stats.memory_bytes)} in memory; "
        f"the vectors alone are {raw}",
    )


def survive(data: Dataset) -> None:
    """Kills a second process that writes, and prints what the database still holds."""
    screen.heading("Crash: a second process loads rows and is killed (SIGKILL) in the middle of a write")
    report = crash_and_reopen(PATH, data)
    screen.fact("acknowledged", f"{report.acknowledged:,} rows before the kill")
    is_whole = report.missing == report.wrong == 0
    verdict = screen.painted(f"missing {report.missing}, wrong {report.wrong}", "1;32" if is_whole else "1;31")
    screen.fact("found", f"{report.found:,} rows after it: {verdict}; and {report.unacknowledged} never acknowledged")
    screen.fact("reopened in", f"{report.open_seconds * 1000:.0f} ms, with all {report.others:,} synsets")
    if not is_whole:
        raise SystemExit("an acknowledged write was lost")


def calls_per_second(call: Callable[[Any], object], arguments: Sequence[Any] | Array) -> float:
    """How often a second `call` returns, over about a second of calls with the arguments in turn, after a first one."""
    call(arguments[0])
    started = time.perf_counter()
    for calls, argument in enumerate(cycle(arguments)):
        elapsed = time.perf_counter() - started
        if elapsed >= MEASURE_SECONDS:
            return calls / elapsed
        call(argument)
    raise AssertionError("nothing to call with")


def machine_text() -> str:
    """The processor, its cores that this process may use, and the versions in play."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores   {platform.system()}   Python {platform.python_version()}   numpy {np.__version__}"


if __name__ == "__main__":
    main()
