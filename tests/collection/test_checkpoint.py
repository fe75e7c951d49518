"""A checkpoint of what there is, whatever another collection is stuck in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vecdb

ROWS = np.random.default_rng(1).standard_normal((50, 8)).astype(np.float32)


def test_a_drop_that_is_stuck_half_way_stops_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        kept = db.create_collection("kept", dimension=8)
        gone = db.create_collection("gone", dimension=8)
        for docs in (kept, gone):
            docs.upsert(range(50), ROWS)
        with monkeypatch.context() as patch:

            def full(prefix: bytes) -> None:
                raise vecdb.StorageFull(path="disk", detail="for the test")

            patch.setattr(db._catalog.key_value, "delete_prefix", full)
            with pytest.raises(vecdb.StorageFull):
                db.drop_collection("gone")
            kept.optimize()
        kept.upsert([50], ROWS[:1])
        assert db.collections() == ["kept"]
    with vecdb.connect(tmp_path / "db") as db:
        assert db.collections() == ["kept"]
        assert db["kept"].count() == 51
        assert db["kept"].verify().ok
