"""Versions of what is measured: those of the libraries, and for vecdb a digest of its code."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

OWN: Final = "vecdb"
DIGEST_SIGN: Final = "+"  # as a local version has it: 0.1.0+1a2b3c4d
# What a library stands on that has a release of its own, with the module that shows whether it is in use.
COMPANIONS: Final = {
    OWN: {"rocksdict": None, "grpcio": "grpc"},
    "milvus-lite": {"pymilvus": None, "grpcio": "grpc"},
}
PACKAGES: Final = (OWN, "vecdb.native", "vecdb.proto", "vecdb.client", "vecdb.server")
SUFFIXES: Final = (".py", ".so")
APART: Final = {"bench", "__pycache__"}  # the benchmark itself is not what is measured


def library_versions(library: str) -> dict[str, str]:
    """The versions that figures of `library` belong to, asked in the process that uses it; "-" is not installed."""
    names = [library]
    for companion, module in COMPANIONS.get(library, {}).items():
        if _version(companion) != "-" and (module is None or module in sys.modules):
            names.append(companion)
    found = {"Python": platform.python_version()} | {name: _version(name) for name in names}
    if library == OWN:
        found[OWN] += DIGEST_SIGN + code_digest()
    return found | {name: _version(name) for name in (OWN, "numpy") if name not in found}


def are_current(versions: Mapping[str, str]) -> bool:
    """Whether what is installed now is still of these versions; no library is loaded for it."""
    return all(_now(name, then) == then for name, then in versions.items())


@cache
def code_digest() -> str:
    """8 hexadecimal digits of vecdb's native libraries and sources: code that was changed has another."""
    digest = hashlib.sha256()
    for name, path in sorted(set(_code())):
        digest.update(f"{name} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _now(name: str, then: str) -> str:
    if name == "Python":
        return platform.python_version()
    # Figures of other libraries have vecdb's version without a digest: they stay when its code changes.
    return _version(name) + (DIGEST_SIGN + code_digest() if name == OWN and DIGEST_SIGN in then else "")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def _code() -> Iterator[tuple[str, Path]]:
    """Each file by its name within its package; a source tree keeps some packages in folders of their own."""
    for package in PACKAGES:
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            root = Path(place).resolve()
            for path in root.rglob("*"):
                inside = path.relative_to(root)
                if path.suffix in SUFFIXES and not APART & set(inside.parts):
                    yield f"{package.replace('.', '/')}/{inside}", path.resolve()
