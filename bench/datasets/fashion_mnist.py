"""Fashion-MNIST: small grey pictures as vectors, from the gzipped IDX files of its authors and of Debian."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.bench.datasets.ann_benchmarks_file import AnnBenchmarksFile
from vecdb.bench.datasets.dataset import Attributes
from vecdb.bench.datasets.hdf5_file import write_dataset
from vecdb.bench.datasets.source import Source, first_file, places_text
from vecdb.bench.datasets.truth import dataset_with_truth
from vecdb.bench.mistake import Mistake
from vecdb.progress import Progress

DEBIAN: Final = Path("/usr/share/datasets/fashion-mnist")  # where its package dataset-fashion-mnist puts them
TRAIN: Final = "train-images-idx3-ubyte.gz"
TEST: Final = "t10k-images-idx3-ubyte.gz"
LABELS: Final = "train-labels-idx1-ubyte.gz"
BYTES_TYPE: Final = 0x08  # IDX's code of unsigned bytes


@dataclass(frozen=True)
class FashionMnist(Source):
    """60,000 pictures of clothes, 28 x 28 bytes each, and 10,000 queries; the kind of each is the attribute `label`."""

    name: str = "fashion-mnist-784-euclidean"
    about: str = "60,000 pictures of clothes, 10,000 queries; from the IDX files, or ann-benchmarks.com"

    def prepare(self, target: Path, places: Sequence[Path], progress: Progress = None) -> None:
        """Writes the file from the pictures in a place, its folder fashion-mnist or Debian's; else downloads it."""
        folders = [*places, *(place / "fashion-mnist" for place in places), DEBIAN]
        train, test = first_file(folders, TRAIN), first_file(folders, TEST)
        if train is None or test is None:
            try:
                AnnBenchmarksFile(self.name).prepare(target, places, progress)
            except Mistake as mistake:
                looked = f"{TRAIN} and {TEST} are not in {places_text(folders)}"
                raise Mistake(f"{looked} (apt install dataset-fashion-mnist), and {mistake}") from mistake
            return
        labels = first_file([train.parent], LABELS)
        attributes: Attributes | None = None if labels is None else {"label": read_idx(labels)}
        dataset = dataset_with_truth(
            self.name, "euclidean", _rows(read_idx(train)), _rows(read_idx(test)), attributes, progress
        )
        write_dataset(target, dataset)


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """The array of bytes in a gzipped IDX file, in the shape it names; anything else is a Mistake."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise Mistake(f"{path} is not a gzip file: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != BYTES_TYPE:
        raise Mistake(f"{path} is not an IDX file of bytes")
    places = content[3]
    header = 4 + 4 * places
    if len(content) < header:
        raise Mistake(f"{path}: the IDX header ends after {len(content)} bytes")
    shape = struct.unpack(f">{places}I", content[4:header])
    expected = header + int(np.prod(shape, dtype=np.uint64))
    if len(content) != expected:
        raise Mistake(f"{path}: expected {expected} bytes for the shape {shape}, received {len(content)}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _rows(pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return pictures.reshape(len(pictures), -1)
