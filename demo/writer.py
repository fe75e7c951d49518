"""A process that writes until it is killed: `python -m demo.writer PATH`, one line on stdout per acknowledged batch.

Row number r has id r and is synset r % 10,000. The line says how many rows are acknowledged: every id below is durable.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np

import vecdb
from demo.dataset import DIMENSION, read_synsets

COLLECTION: Final = "crash"
BATCH_ROWS: Final = 200
ROWS_MAXIMUM: Final = 200_000


def main() -> None:
    """Fills the collection batch by batch; the parent is expected to end this long before it is full."""
    data = read_synsets()
    db = vecdb.connect(sys.argv[1])
    docs = db.create_collection(COLLECTION, dimension=DIMENSION)
    for first in range(0, ROWS_MAXIMUM, BATCH_ROWS):
        ids = range(first, first + BATCH_ROWS)
        rows = np.arange(first, first + BATCH_ROWS) % len(data.rows)
        docs.upsert(ids=list(ids), vectors=data.vectors[rows], payloads=[{"synset": data.rows[r]["id"]} for r in rows])
        print(ids.stop, flush=True)
    db.close()


if __name__ == "__main__":
    main()
