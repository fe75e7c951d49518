"""A client process: makes calls as lines of JSON tell it, and answers with their times or with what they found.

It is run by its path, also with the interpreter of a peer: only the caller that is asked for imports its library.

    {"do": "times", "start": 12.5, "seconds": 3.0, "threads": 2, "first": 0, "ef": 64}  {"times": [[0.0004, ...], ...]}
    {"do": "found", "queries": 100, "ef": 64}                                           {"found": [[17, 4, ...], ...]}
    {"do": "load", "rows": "rows.npy"}                                                  {"rows": 1000}
    {"do": "tune", "ef": 64}                                                            {"restart": false}
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

LOAD_ROWS: Final = 1_000  # of one message to a peer


class Caller(ABC):
    """A way to search. Options of all: queries (an .npy file), collection, k."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.collection: str = options["collection"]
        self.k: int = options["k"]
        self.queries = list(np.load(options["queries"]))

    @abstractmethod
    def search(self, query: Any, ef: int | None) -> list[int]:
        """The ids of the k rows nearest to a query (d,), best first, by one call; `ef` None: as it is by default."""

    def times(self, start: float, seconds: float, ef: int | None, first: int) -> list[float]:
        """Seconds of each call, one after the other, that begins in a span of time.monotonic(); one call at least."""
        search, queries, clock = self.search, self.queries, time.monotonic
        time.sleep(max(0.0, start - clock()))
        found: list[float] = []
        number, before = first, clock()
        while before < start + seconds or not found:
            search(queries[number % len(queries)], ef)
            after = clock()
            found.append(after - before)
            before, number = after, number + 1
        return found


class Peer(Caller):
    """The client of another server. Options: address, m, ef_construction."""

    @abstractmethod
    def load(self, rows: Any) -> None:
        """Makes the collection of rows (n, d), with their numbers as ids."""

    def tune(self, ef: int) -> bool:  # noqa: ARG002
        """Takes `ef` for the searches that follow; whether the server must be started again for it."""
        return False


class Embedded(Caller):
    """vecdb in this process, opened beside the server that has the folder. Options: path, select."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._docs = import_module("vecdb").connect(options["path"], read_only=True)[self.collection]

    def search(self, query: Any, ef: int | None) -> list[int]:
        """One call and its ids."""
        ids: list[int] = self._docs.search(query, k=self.k, ef=ef, select=self.options["select"]).ids
        return ids


class Remote(Embedded):
    """vecdb's client. Options: address, select."""

    def __init__(self, options: dict[str, Any]) -> None:
        Caller.__init__(self, options)
        self._docs = import_module("vecdb").connect(f"grpc://{options['address']}")[self.collection]


class AsyncRemote(Caller):
    """vecdb's client for asyncio, one call at a time. Options: address, select."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._runner = asyncio.Runner()
        self._docs = self._runner.run(self._open())

    async def _open(self) -> Any:
        return await import_module("vecdb").connect_async(f"grpc://{self.options['address']}")[self.collection]

    async def _search(self, query: Any, ef: int | None) -> list[int]:
        hits = await self._docs.search(query, k=self.k, ef=ef, select=self.options["select"])
        ids: list[int] = hits.ids
        return ids

    def search(self, query: Any, ef: int | None) -> list[int]:
        """One call and its ids."""
        return self._runner.run(self._search(query, ef))

    def times(self, start: float, seconds: float, ef: int | None, first: int) -> list[float]:
        """As those of a Caller, within one run of the loop."""
        return self._runner.run(self._times(start, seconds, ef, first))

    async def _times(self, start: float, seconds: float, ef: int | None, first: int) -> list[float]:
        queries, clock = self.queries, time.monotonic
        await asyncio.sleep(max(0.0, start - clock()))
        found: list[float] = []
        number, before = first, clock()
        while before < start + seconds or not found:
            await self._search(queries[number % len(queries)], ef)
            after = clock()
            found.append(after - before)
            before, number = after, number + 1
        return found


class PlainEcho(Caller):
    """gRPC as anyone would use it, with nothing set. Options: address, request (a file of its bytes)."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._request = Path(options["request"]).read_bytes()
        self._call = self._channel(options["address"]).unary_unary("/vecdb.bench.Echo/Echo")

    def _channel(self, address: str) -> Any:
        return import_module("grpc").insecure_channel(address)

    def search(self, query: Any, ef: int | None) -> list[int]:  # noqa: ARG002
        """One echo."""
        self._call(self._request)
        return []


class TunedEcho(PlainEcho):
    """gRPC with the settings of vecdb's client."""

    def _channel(self, address: str) -> Any:
        grpc = import_module("vecdb.client").grpc
        place = import_module("vecdb.client.address").Address.parse(f"grpc://{address}")
        options = import_module("vecdb.client.channel").channel_options(place)
        return grpc.insecure_channel(place.target, options)


class Milvus(Peer):
    """pymilvus, with an HNSW index."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._client = import_module("pymilvus").MilvusClient(uri=f"http://{options['address']}")
        if self._client.has_collection(self.collection):
            self._client.load_collection(self.collection)

    def search(self, query: Any, ef: int | None) -> list[int]:
        """One call."""
        (found,) = self._client.search(
            self.collection, data=[query], limit=self.k, search_params={"params": {"ef": ef}}
        )
        return [hit["id"] for hit in found]

    def load(self, rows: Any) -> None:
        """Inserts, flushes, and waits until every row is in the index."""
        client, types = self._client, import_module("pymilvus").DataType
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", types.INT64, is_primary=True)
        schema.add_field("vector", types.FLOAT_VECTOR, dim=rows.shape[1])
        index = client.prepare_index_params()
        params = {"M": self.options["m"], "efConstruction": self.options["ef_construction"]}
        index.add_index("vector", index_type="HNSW", metric_type="COSINE", params=params)
        client.create_collection(self.collection, schema=schema, index_params=index)
        for first in range(0, len(rows), LOAD_ROWS):
            part = enumerate(rows[first : first + LOAD_ROWS], first)
            client.insert(self.collection, [{"id": number, "vector": row} for number, row in part])
        client.flush(self.collection)
        client.load_collection(self.collection)
        while client.describe_index(self.collection, "vector")["pending_index_rows"]:
            time.sleep(0.2)


class Chroma(Peer):
    """chromadb's HTTP client."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        chromadb = import_module("chromadb")
        host, _, port = options["address"].partition(":")
        quiet = chromadb.Settings(anonymized_telemetry=False)
        self._client = chromadb.HttpClient(host=host, port=int(port), settings=quiet)
        names = [collection.name for collection in self._client.list_collections()]
        if self.collection in names:
            self._docs = self._client.get_collection(self.collection, embedding_function=None)

    def search(self, query: Any, ef: int | None) -> list[int]:  # noqa: ARG002
        """One call, with the ef that tune() was given: a query has none."""
        found = self._docs.query(query_embeddings=[query], n_results=self.k, include=["distances"])
        return [int(text) for text in found["ids"][0]]

    def load(self, rows: Any) -> None:
        """Adds every row; the server indexes them as they come."""
        hnsw = {
            "space": "cosine",
            "max_neighbors": self.options["m"],
            "ef_construction": self.options["ef_construction"],
        }
        self._docs = self._client.create_collection(
            self.collection, embedding_function=None, configuration={"hnsw": hnsw}
        )
        for first in range(0, len(rows), LOAD_ROWS):
            part = rows[first : first + LOAD_ROWS]
            self._docs.add(ids=[str(number) for number in range(first, first + len(part))], embeddings=part)

    def tune(self, ef: int) -> bool:
        """Changes the collection; its index takes notice when the server loads it."""
        self._docs.modify(configuration={"hnsw": {"ef_search": ef}})
        return True


CALLERS: Final[dict[str, Callable[[dict[str, Any]], Caller]]] = {
    "embedded": Embedded,
    "remote": Remote,
    "async": AsyncRemote,
    "plain-echo": PlainEcho,
    "tuned-echo": TunedEcho,
    "milvus": Milvus,
    "chroma": Chroma,
}


def carry_out(caller: Caller, order: dict[str, Any]) -> dict[str, Any]:
    """The answer to one order."""
    match order["do"]:
        case "times":
            span = order["start"], order["seconds"], order["ef"]
            firsts = [order["first"] + 101 * thread for thread in range(order["threads"])]
            if len(firsts) == 1:
                return {"times": [caller.times(*span, firsts[0])]}
            with ThreadPoolExecutor(len(firsts)) as pool:
                return {"times": list(pool.map(lambda first: caller.times(*span, first), firsts))}
        case "found":
            return {"found": [caller.search(query, order["ef"]) for query in caller.queries[: order["queries"]]]}
        case "load":
            assert isinstance(caller, Peer), "only peers are loaded by their caller"
            rows = np.load(order["rows"])
            caller.load(rows)
            return {"rows": len(rows)}
        case "tune":
            assert isinstance(caller, Peer), "others are told ef with each call"
            return {"restart": caller.tune(order["ef"])}
    raise AssertionError(f"no such order: {order}")


def main() -> None:
    """caller.py KIND OPTIONS: answers lines until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes elsewhere
    caller = CALLERS[sys.argv[1]](json.loads(sys.argv[2]))
    answers.write("{}\n")
    for line in sys.stdin:
        answers.write(json.dumps(carry_out(caller, json.loads(line))) + "\n")
    answers.flush()
    os._exit(0)  # a client's threads need not be waited for


if __name__ == "__main__":
    main()
