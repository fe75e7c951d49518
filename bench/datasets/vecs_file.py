"""Files of vectors one after the other, each behind its dimension: fvecs, bvecs, ivecs (the TEXMEX forms)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.bench.mistake import Mistake

COMPONENTS: Final[dict[str, np.dtype[Any]]] = {
    ".fvecs": np.dtype("<f4"),
    ".bvecs": np.dtype("u1"),
    ".ivecs": np.dtype("<i4"),
}
HEADER_BYTES: Final = 4


def read_vecs(path: Path) -> npt.NDArray[Any]:
    """The vectors (n, d) in the type that the suffix names; a torn or differing row is a Mistake."""
    component = COMPONENTS[path.suffix]
    content = np.fromfile(path, np.uint8)
    if len(content) < HEADER_BYTES:
        raise Mistake(f"{path}: expected vectors, received {len(content)} bytes")
    dimension = int(content[:HEADER_BYTES].view("<i4")[0])
    row_bytes = HEADER_BYTES + dimension * component.itemsize
    if dimension < 1 or len(content) % row_bytes:
        raise Mistake(f"{path}: {len(content)} bytes are not whole rows of the dimension {dimension} it begins with")
    rows = content.reshape(-1, row_bytes)
    dimensions = np.ascontiguousarray(rows[:, :HEADER_BYTES]).view("<i4")[:, 0]
    if (dimensions != dimension).any():
        row = int(np.argmax(dimensions != dimension))
        raise Mistake(f"{path}: row 0 has the dimension {dimension}, row {row} the dimension {dimensions[row]}")
    return np.ascontiguousarray(rows[:, HEADER_BYTES:]).view(component)
