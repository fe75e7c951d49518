"""Data sets of ann-benchmarks.com, downloaded by name."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.datasets.source import Source
from vecdb.bench.mistake import Mistake
from vecdb.progress import Progress, reporter

ADDRESS: Final = "http://ann-benchmarks.com"
PIECE_BYTES: Final = 1 << 20
TIMEOUT_SECONDS: Final = 30.0

# Those whose distance is measured here: rows, queries.
KNOWN: Final = {
    "deep-image-96-angular": (9_990_000, 10_000),
    "gist-960-euclidean": (1_000_000, 1_000),
    "glove-25-angular": (1_183_514, 10_000),
    "glove-50-angular": (1_183_514, 10_000),
    "glove-100-angular": (1_183_514, 10_000),
    "glove-200-angular": (1_183_514, 10_000),
    "lastfm-64-dot": (292_385, 50_000),
    "mnist-784-euclidean": (60_000, 10_000),
    "nytimes-256-angular": (290_000, 10_000),
    "sift-128-euclidean": (1_000_000, 10_000),
}


@dataclass(frozen=True)
class AnnBenchmarksFile(Source):
    """A file `<address>/<name>.hdf5`, kept as it comes once it has proved to be a data set."""

    name: str
    about: str = "from ann-benchmarks.com"
    address: str = ADDRESS

    @classmethod
    def known(cls) -> list[AnnBenchmarksFile]:
        """Those of KNOWN."""
        return [
            cls(name, f"{rows:,} rows, {queries:,} queries; from ann-benchmarks.com")
            for name, (rows, queries) in KNOWN.items()
        ]

    def prepare(self, target: Path, places: Sequence[Path], progress: Progress = None) -> None:  # noqa: ARG002
        """Downloads the file; without a network, or where there is no such file, a Mistake that says so."""
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            self._download(part, progress)
            _check(part, self.name)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _download(self, part: Path, progress: Progress) -> None:
        url = f"{self.address}/{self.name}.hdf5"
        report = reporter(progress, f"download {self.name}, bytes")
        request = urllib.request.Request(url, headers={"User-Agent": "vecdb-bench"})
        received = 0
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply, part.open("wb") as file:
                total = int(reply.headers.get("Content-Length", 0))
                while piece := reply.read(PIECE_BYTES):
                    file.write(piece)
                    received += len(piece)
                    if report is not None and total:
                        report(received, total)
        except urllib.error.HTTPError as error:
            raise Mistake(f"{url} could not be downloaded: {error}") from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Mistake(f"{url} could not be downloaded: {reason}; put the file into {part.parent}") from error
        if total and received != total:
            raise Mistake(f"{url}: expected {total} bytes, received {received}; run it again")


def _check(part: Path, name: str) -> None:
    try:
        read_dataset(part)
    except Mistake as mistake:
        raise Mistake(f"what was downloaded as {name} is no data set: {mistake}") from mistake
