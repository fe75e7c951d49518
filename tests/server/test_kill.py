"""SIGKILL of a server under streaming and single writes: what was acknowledged is there, and no batch by halves."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

import vecdb
from tests.server.raw_client import RawClient
from tests.server.server_process import ServerProcess
from tests.server.write_load import DIMENSION, Writer, settle
from vecdb.proto.v1 import types_pb2

KILLS = int(os.environ.get("VECDB_TEST_SERVER_KILLS", "5"))
STREAMS, SINGLE = 4, 2


@pytest.mark.slow
def test_kills_under_writes_lose_nothing_acknowledged(tmp_path: Path) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**31)))
    choose = random.Random(seed)
    path = tmp_path / "db"
    with vecdb.connect(str(path)) as db:
        db.create_collection("docs", vectors={"": vecdb.Vector(DIMENSION, metric="l2")})
    ref = types_pb2.CollectionRef(name="docs")
    steps = [0] * (STREAMS + SINGLE)
    acknowledged = 0
    try:
        for _ in range(KILLS):
            with ServerProcess(path) as server:
                writers = [Writer(server.target, ref, each, steps[each], each < STREAMS) for each in range(len(steps))]
                time.sleep(0.1 + 1.2 * choose.random() ** 2)
                server.kill()
                for writer in writers:
                    writer.stop()
                    writer.join()
                acknowledged += sum(writer.acknowledged for writer in writers) - sum(steps)
            if choose.random() < 0.5:
                with vecdb.connect(str(path)) as db:
                    steps = settle(list(db["docs"].scan(with_vectors=True)), writers)
                continue
            with ServerProcess(path) as server, RawClient(server.target) as client:
                steps = settle(client.scan(ref), writers)
                server.kill()  # also right after a recovery
    except BaseException:
        print(f"VECDB_TEST_SEED={seed}, after {acknowledged} acknowledged batches; directory {path}")
        raise
    assert acknowledged > 20 * KILLS, f"seed {seed}: only {acknowledged} batches were acknowledged, this was no load"
    with vecdb.connect(str(path)) as db:
        assert db["docs"].verify().ok
        assert settle(list(db["docs"].scan(with_vectors=True)), writers) == steps
