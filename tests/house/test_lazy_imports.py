"""`import vecdb` loads what every program needs and nothing heavier."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "grpc",
    "google.protobuf",
    "pyarrow",
    "faiss",
    "hnswlib",
    "h5py",
    "matplotlib",
    "pandas",
    "rocksdict",
)


def test_import_leaves_the_heavy_modules_alone() -> None:
    program = f"import sys, vecdb; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
