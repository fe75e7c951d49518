"""Downloads, from a server of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from vecdb.bench.datasets.ann_benchmarks_file import AnnBenchmarksFile
from vecdb.bench.datasets.hdf5_file import read_dataset, write_dataset
from vecdb.bench.datasets.truth import dataset_with_truth
from vecdb.bench.mistake import Mistake


class Files(BaseHTTPRequestHandler):
    """Serves `files`; of a path that ends in /torn only half comes."""

    files: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        content = self.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if "torn" in self.path else content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    rows = np.random.default_rng(61).standard_normal((40, 3))
    write_dataset(tmp_path / "whole.hdf5", dataset_with_truth("whole", "angular", rows, rows[:4]))
    content = (tmp_path / "whole.hdf5").read_bytes()
    Files.files = {"/whole.hdf5": content, "/torn.hdf5": content, "/page.hdf5": b"<html>"}
    server = HTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_kept_as_it_comes(tmp_path: Path, address: str) -> None:
    target = tmp_path / "data" / "whole.hdf5"
    calls: list[tuple[int, int]] = []
    AnnBenchmarksFile("whole", address=address).prepare(target, (), lambda done, total: calls.append((done, total)))
    assert target.read_bytes() == Files.files["/whole.hdf5"]
    assert read_dataset(target).metric == "angular"
    assert calls[-1] == (target.stat().st_size,) * 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "none.hdf5 could not be downloaded: HTTP Error 404"),
        ("torn", r"expected \d+ bytes, received \d+"),
        ("page", "downloaded as page is no data set"),
    ],
)
def test_what_is_not_whole_leaves_nothing(tmp_path: Path, address: str, name: str, message: str) -> None:
    target = tmp_path / "data" / f"{name}.hdf5"
    with pytest.raises(Mistake, match=message):
        AnnBenchmarksFile(name, address=address).prepare(target, ())
    assert list(target.parent.iterdir()) == []


def test_without_a_network_it_says_where_the_file_goes(tmp_path: Path) -> None:
    source = AnnBenchmarksFile("sift-128-euclidean", address="http://127.0.0.1:1")
    with pytest.raises(Mistake, match=f"Connection refused; put the file into {tmp_path}"):
        source.prepare(tmp_path / "sift-128-euclidean.hdf5", ())
