"""A process that says what databases hold: `python -m tests.damage_reader`, a path a line in, JSON a line out.

The answer has one entry for each way of reading: a digest of what came, or the vecdb error that came instead. Databases
that may be damaged are read here, so that a crash is an answer too.
"""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import vecdb

Answer = dict[str, Any]


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(answer(line.rstrip("\n"))), flush=True)


def answer(path: str) -> Answer:
    """Way of reading -> {"digest": ...} or {"error": ..., "text": ...}."""
    found: Answer = {}
    db = attempt(found, "open", lambda: vecdb.connect(path))
    if db is None:
        return found
    for name in attempt(found, "collections", db.collections) or []:
        docs = attempt(found, f"{name} handle", partial(db.__getitem__, name))
        if docs is not None:
            read(found, docs)
    attempt(found, "close", db.close)
    return found


def read(found: Answer, docs: vecdb.Collection) -> None:
    """Reads a collection in every way, and verifies it last."""
    name = docs.name
    ids = attempt(found, f"{name} scan", lambda: scanned(docs))
    attempt(found, f"{name} count", docs.count)
    attempt(found, f"{name} filter", lambda: docs.count(where={"group": 1}))
    if ids is not None:
        attempt(found, f"{name} vectors", lambda: vectors(docs, [row_id for row_id, _ in ids]))
    for exact in (True, False):
        attempt(found, f"{name} search {'exact' if exact else 'default'}", partial(searched, docs, exact))
    attempt(found, f"{name} verify", lambda: verified(docs))


def attempt(found: Answer, way: str, call: Callable[[], Any]) -> Any:
    """What the call returned, noted by its digest, or None and its error noted."""
    try:
        result = call()
    except vecdb.Error as error:
        found[way] = {"error": type(error).__name__, "text": str(error)}
        return None
    except BaseException as error:
        found[way] = {"error": type(error).__name__, "text": traceback.format_exc()}
        return None
    if way.endswith("verify") and result:
        found[way] = {"error": "Problems", "text": "; ".join(result)}
        return None
    text = "" if way in ("open", "close") or way.endswith("handle") else json.dumps(result)
    found[way] = {"digest": hashlib.sha256(text.encode()).hexdigest()}
    return result


def scanned(docs: vecdb.Collection) -> list[tuple[int, Any]]:
    return sorted((int(str(record.id)), record.payload) for record in docs.scan())


def vectors(docs: vecdb.Collection, ids: list[int]) -> list[Any]:
    records = docs.get(ids, with_vectors=True)
    return [[record.id, [vector.tolist() for vector in (record.vectors or {}).values()]] for record in records]


def searched(docs: vecdb.Collection, exact: bool) -> list[Any]:
    queries = np.random.default_rng(3).standard_normal((5, 8), dtype=np.float32)
    # Rounded: codes aside, a graph and a scan may sum in another order.
    found = [docs.search(query, k=10, exact=True) if exact else docs.search(query, k=10, ef=500) for query in queries]
    return [[list(hits.ids), [round(float(score), 4) for score in hits.scores]] for hits in found]


def verified(docs: vecdb.Collection) -> list[str]:
    return list(docs.verify().problems)


if __name__ == "__main__":
    main()
