"""`python -m vecdb.bench` is `vecdb-bench`."""

from __future__ import annotations

import sys

from vecdb.bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
