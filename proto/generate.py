"""Makes proto/v1 from proto/vecdb/v1: `python proto/generate.py`, with grpcio-tools of the version below installed.

The version is old on purpose: generated code runs with the protobuf it was made with or any newer one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

GENERATOR: Final = "1.64"  # grpcio-tools; its protobuf is the least the package asks for

_PROTO: Final = Path(__file__).parent
_GENERATED: Final = _PROTO / "v1"
_IMPORT: Final = re.compile(r"from vecdb\.v1 import")


def generate(target: Path = _GENERATED) -> list[Path]:
    """Writes the modules and their stubs to a folder; which. SystemExit without the right generator."""
    found = version("grpcio-tools")
    if not found.startswith(GENERATOR + "."):
        raise SystemExit(
            f"expected grpcio-tools {GENERATOR}.*, found {found}: pip install 'grpcio-tools=={GENERATOR}.*'"
        )
    sources = sorted((_PROTO / "vecdb" / "v1").glob("*.proto"))
    names = [str(path.relative_to(_PROTO)) for path in sources]
    out = target / "generated"
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{_PROTO}", f"--python_out={out}", f"--pyi_out={out}"]
    subprocess.run([*command, *names], check=True)
    written = []
    for path in sorted((out / "vecdb" / "v1").iterdir()):
        # The generator names modules by the folders of their sources; ours live in vecdb.proto.
        text = _IMPORT.sub("from vecdb.proto.v1 import", path.read_text())
        written.append(target / path.name)
        written[-1].write_text(text)
        path.unlink()
    for folder in (out / "vecdb" / "v1", out / "vecdb", out):
        folder.rmdir()
    return written


if __name__ == "__main__":
    for file in generate():
        print(file)
