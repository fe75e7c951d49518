"""The client with grpcio, protobuf and numpy alone: no engine, no store, no fast JSON; and what it imports."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.client.served import served

BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("orjson", "rocksdict", "pyarrow", "faiss") or name.startswith("vecdb.native"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""

PROGRAM = (
    BLOCKER
    + """
import asyncio, json
from uuid import UUID
import numpy as np
import vecdb
from vecdb import field

db = vecdb.connect(sys.argv[1])
docs = db.create_collection("docs", dimension=2, metric="l2", fields={"year": "integer"})
docs.upsert([1, "zwei", UUID(int=3)], np.eye(3, 2), [{"year": 1, "t": "ä"}, None, {"x": [1.5, {"y": None}]}])
docs.upsert(range(10, 3010), np.ones((3000, 2)), progress=lambda *_: None)
docs.update([1], {"year": 5})
hits = docs.search([1.0, 0.1], 2, where=(field("year") >= 5) | vecdb.has_id(["zwei"]))
async def names():
    async with vecdb.connect_async(sys.argv[1]) as other:
        return await other.collections()
found = {
    "hits": [[str(hit.id), hit.payload] for hit in hits],
    "get": [record.payload for record in docs.get([UUID(int=3)])],
    "scan": sum(1 for _ in docs.scan(where="year == 5")),
    "stream": len(list(docs.search_stream([[1.0, 2.0]] * 50))),
    "names": asyncio.run(names()),
    "count": len(docs),
}
try:
    docs.upsert([1], np.ones((1, 2)), [{"year": float("nan")}])
except vecdb.InvalidPayload as error:
    found["refused"] = error.row
try:
    docs.export("rows.jsonl")
except vecdb.InvalidValue as error:
    found["file"] = "orjson" in str(error)
found["loaded"] = [name for name in sys.modules if name.split(".")[0] in ("orjson", "rocksdict", "pyarrow")]
db.close()
print(json.dumps(found))
"""
)


def test_it_needs_no_engine() -> None:
    with served() as there:
        command = [sys.executable, "-c", PROGRAM, there.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "hits": [["1", {"year": 5, "t": "ä"}], ["zwei", {}]],
        "get": [{"x": [1.5, {"y": None}]}],
        "scan": 1,
        "stream": 50,
        "names": ["docs"],
        "count": 3003,
        "refused": 0,
        "file": True,
        "loaded": [],
    }


def test_the_engine_is_named_where_it_is_missing() -> None:
    program = BLOCKER + "import vecdb\nvecdb.connect(':memory:')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_no_more_is_imported_than_is_needed() -> None:
    heavy = ("orjson.orjson", "rocksdict", "pyarrow", "vecdb.native", "vecdb.collection", "vecdb.database")
    program = f"import sys, vecdb.client.database; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert set(json.loads(done.stdout.replace("'", '"'))) <= {"orjson.orjson"}


def test_vecdb_alone_imports_no_grpc() -> None:
    program = "import sys, vecdb, vecdb.door; print('grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_the_import_is_quick() -> None:
    """Of processor time, as a ratio, so that a busy machine does not count: numpy alone takes a third of it."""
    program = "import time, numpy; n = time.process_time(); import vecdb.client.database; print(n, time.process_time())"
    ratios = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        numpy_seconds, all_seconds = map(float, done.stdout.split())
        ratios.append(all_seconds / numpy_seconds)
    assert min(ratios) < 4, ratios
