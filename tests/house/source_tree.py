"""The modules of the project by name, and what each imports, read from the text without running it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Folder -> package; `vecdb` is beside them as itself.
PACKAGE_FOLDERS = {
    "native": "vecdb.native",
    "proto": "vecdb.proto",
    "client": "vecdb.client",
    "server": "vecdb.server",
    "bench": "vecdb.bench",
}
CODE_FOLDERS = ("vecdb", *PACKAGE_FOLDERS, "demo", "tests", "upstream")
GENERATED = ROOT / "proto" / "v1"  # by protoc, but for its __init__
# `from a.b cimport c, d` and `import a, b`, as a line of Cython.
CYTHON_FROM = re.compile(r"^\s*from\s+([.\w]+)\s+c?import\s+\(?\s*(.+?)\s*\)?\s*(?:#.*)?$")
CYTHON_IMPORT = re.compile(r"^\s*c?import\s+([\w.,\s]+?)\s*(?:#.*)?$")


def packages() -> dict[str, Path]:
    """Package name -> folder, as pyproject.toml maps them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    tops = {name: ROOT / folder for name, folder in project["package-dir"].items()}
    found = {}
    for name in project["packages"]:
        top = name if name in tops else name.rpartition(".")[0]
        found[name] = tops[top].joinpath(*name.removeprefix(top).strip(".").split("."))
    return found


def source_files(*suffixes: str) -> list[Path]:
    """The files of the project with one of the suffixes, in order; nothing built or generated."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in CODE_FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(path for path in found if path.suffix in suffixes and not is_generated(path))


def is_generated(path: Path) -> bool:
    """Whether a tool writes the file: it is not held to the rules of the house."""
    return path.parent == GENERATED and path.stem != "__init__"


def module_name(path: Path) -> str:
    """The dotted name under which a file is imported: native/flat.pyx is vecdb.native.flat."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] in PACKAGE_FOLDERS:
        parts.insert(0, "vecdb")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_names() -> set[str]:
    """Every module of vecdb, the packages included."""
    return {module_name(path) for path in source_files(".py", ".pyx") if module_name(path).split(".")[0] == "vecdb"}


def imports_of(path: Path) -> set[str]:
    """The modules a file imports, by absolute name; `from a import b` is a.b if that is a module of vecdb, else a."""
    text = path.read_text()
    name = module_name(path)
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    if path.suffix == ".py":
        return python_imports(text, package, module_names())
    return cython_imports(text, package, module_names())


def python_imports(text: str, package: str, modules: set[str]) -> set[str]:
    """What Python text in `package` imports, anywhere in the file."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = resolve("." * node.level + (node.module or ""), package)
            found |= set(narrowed(origin, (alias.name for alias in node.names), modules))
    return found


def cython_imports(text: str, package: str, modules: set[str]) -> set[str]:
    """What Cython text in `package` imports or cimports."""
    found = set()
    for line in text.splitlines():
        if match := CYTHON_FROM.match(line):
            names = (name.split()[0] for name in match[2].split(",") if name.strip())
            found |= set(narrowed(resolve(match[1], package), names, modules))
        elif match := CYTHON_IMPORT.match(line):
            found |= {name.split()[0] for name in match[1].split(",") if name.strip()}
    return found


def resolve(name: str, package: str) -> str:
    """A name with leading dots as an absolute one."""
    dots = len(name) - len(name.lstrip("."))
    if dots == 0:
        return name
    base = package.split(".")[: len(package.split(".")) - dots + 1]
    return ".".join([*base, *filter(None, [name.lstrip(".")])])


def narrowed(origin: str, names: Iterable[str], modules: set[str]) -> Iterator[str]:
    """The modules that `from origin import names` loads."""
    for name in names:
        yield f"{origin}.{name}" if f"{origin}.{name}" in modules else origin
