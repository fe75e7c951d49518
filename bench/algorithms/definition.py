"""Definition: an algorithm with its build arguments and sweeps, read from YAML in the form of ann-benchmarks."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, Final

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.datasets.dataset import Metric
from vecdb.bench.mistake import Mistake

FOLDER: Final = Path(__file__).parent
ANY: Final = "any"
NAME: Final = re.compile(r"(?!\.+$)[\w.+-]+")  # it becomes a folder's name


@dataclass(frozen=True, slots=True)
class Definition:
    """One index to build, `constructor` of `module` with `arguments`, and what its queries are asked with, in turn."""

    name: str
    module: str
    constructor: str
    arguments: tuple[Any, ...]
    query_argument_groups: tuple[tuple[Any, ...], ...]
    disabled: bool = False
    batch_only: bool = False  # it differs from another in batch_query() alone: single queries have it by name only


class Absent(Exception):  # noqa: N818
    """A library that is not installed, or that refuses this machine: `library` and `why`."""

    def __init__(self, library: str, why: str) -> None:
        super().__init__(library, why)
        self.library = library
        self.why = why

    def __str__(self) -> str:
        return f"{self.library}: {self.why}"


def read_definitions(
    path: Path | None,
    *,
    metric: Metric,
    dimension: int,
    count: int,
    threads: int,
    names: Collection[str] | None = None,
    point_type: str = "float",
) -> list[Definition]:
    """The definitions for data of a metric, in the order of the file; None: of every .yml file here, ours first.

    The algorithms of the point type under "any" and under the metric, expanded as ann-benchmarks does; @metric,
    @dimension, @count and @threads in their arguments stand for these values. `names` keeps those algorithms. Mistake
    for a file that is not of this form, for names that no file has, and for those whose module or constructor is not
    there; where nothing was named, that is a warning on stderr.
    """
    variables = {"@metric": metric, "@dimension": dimension, "@count": count, "@threads": threads}
    entries = [entry for file in _files(path) for entry in _entries(file, point_type)]
    if names is not None:
        _require_known(names, {entry["name"] for _, entry in entries})
    chosen = [
        entry for distance, entry in entries if distance in (ANY, metric) and (names is None or entry["name"] in names)
    ]
    for entry in chosen:
        fault = _fault(entry["module"], entry["constructor"])
        if fault is not None and names is not None:
            raise Mistake(f"algorithm {entry['name']}: {fault}")
        if fault is not None and not entry.get("disabled", False):
            print(f"vecdb-bench: warning: algorithm {entry['name']}: {fault}", file=sys.stderr)
    return [definition for entry in chosen for definition in _expanded(entry, variables)]


def arguments_name(arguments: Sequence[Any], query_arguments: Sequence[Any] = ()) -> str:
    """The name, without a suffix, of the file for results with these arguments: the one that ann-benchmarks gives."""
    return re.sub(r"\W+", "_", json.dumps([*arguments, *query_arguments], sort_keys=True)).strip("_")


def instantiate(definition: Definition, metric: Metric, threads: int) -> Algorithm:
    """The algorithm, not yet built, from `constructor(metric, threads, *arguments)`; Absent."""
    constructor = _constructor(definition)
    try:
        return constructor(metric, threads, *definition.arguments)
    except (ImportError, OSError, RuntimeError) as error:
        raise Absent(constructor.library, f"{error}") from error


def available(definition: Definition) -> str | None:
    """Why the algorithm cannot run, None if it can. What only shows in use, such as the processor, it does not see."""
    try:
        library = _constructor(definition).library
        version(library)
    except Absent as absent:
        return absent.why
    except PackageNotFoundError:
        return f"{library} is not installed"
    return None


def _constructor(definition: Definition) -> type[Algorithm]:
    try:
        module = importlib.import_module(definition.module)
    except (ImportError, OSError, RuntimeError) as error:
        missing = error.name if isinstance(error, ImportError) and error.name else definition.module
        raise Absent(missing, f"{error}") from error
    found = getattr(module, definition.constructor, None)
    if not (isinstance(found, type) and issubclass(found, Algorithm)):
        place = f"{definition.module}.{definition.constructor}"
        raise Mistake(f"algorithm {definition.name}: expected an Algorithm at {place}, received {found!r}")
    return found


def _fault(module: str, constructor: str) -> str | None:
    """Why a definition cannot be right, None if it may be. The module is looked for and read, and not imported.

    Whether its library is there is another question, which the process that is to load it answers.
    """
    path = sys.path.copy()
    sys.path.append(os.getcwd())  # where the worker finds modules too
    try:
        spec = find_spec(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            return None  # a package above it lacks a library
        spec = None
    except (ImportError, OSError, RuntimeError, ValueError):
        return None
    finally:
        sys.path[:] = path
    if spec is None:
        return f"there is no module {module}"
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        tree = ast.parse(Path(spec.origin).read_bytes())
    except (OSError, SyntaxError):
        return None
    found = constructor in _names(tree) or "*" in _names(tree)
    return None if found else f"there is no {constructor} in module {module}"


def _names(tree: ast.Module) -> set[str]:
    """What a module's source may bind; "*" for an import of everything."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name)
    return names


def _files(path: Path | None) -> list[Path]:
    if path is not None:
        return [path]
    return sorted(FOLDER.glob("*.yml"), key=lambda file: (file.stem != "definitions", file.name))


def _entries(path: Path, point_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(distance, entry) of every algorithm of a file."""
    lists = _mapping(path, point_type, _read_yaml(path).get(point_type, {}))
    for distance, listed in lists.items():
        if not isinstance(listed, list):
            raise Mistake(f"{path}: {point_type}, {distance}: expected a list of algorithms, received {listed!r}")
        for entry in listed:
            place = f"{point_type}, {distance}"
            for key in ("name", "module", "constructor", "run_groups"):
                if key not in _mapping(path, place, entry):
                    raise Mistake(f"{path}: {place}: expected {key!r} in every algorithm, received {sorted(entry)}")
            if not isinstance(entry["name"], str) or not NAME.fullmatch(entry["name"]):
                raise Mistake(
                    f"{path}: {place}: expected a name of letters, digits and . _ + -, received {entry['name']!r}"
                )
            for key in ("module", "constructor"):
                if not isinstance(entry[key], str) or not entry[key]:
                    raise Mistake(f"{path}: {entry['name']}: expected text for {key!r}, received {entry[key]!r}")
            _mapping(path, f"{entry['name']}, run_groups", entry["run_groups"])
            # Their rule for an algorithm that stands under both.
            if distance == ANY or entry["name"] not in {each["name"] for each in lists.get(ANY, ())}:
                yield distance, entry


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise Mistake("pyyaml is not installed: pip install vecdb[bench]") from None
    try:
        return _mapping(path, "the file", yaml.safe_load(path.read_text()) or {})
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Mistake(f"{path} is not YAML: {error}") from None


def _mapping(path: Path, place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Mistake(f"{path}: {place}: expected a mapping, received {value!r}")
    return value


def _require_known(names: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise Mistake(f"no algorithm {', '.join(unknown)}; there are {', '.join(sorted(known))}")


def _expanded(entry: Mapping[str, Any], variables: Mapping[str, object]) -> Iterator[Definition]:
    for group in entry["run_groups"].values():
        if not isinstance(group, dict) or not {"args", "arg_groups"} & set(group):
            raise Mistake(f"algorithm {entry['name']}: expected args or arg_groups in every run group, has {group!r}")
        query_arguments = _combinations(entry["name"], _alternatives(group, "query_"))
        for arguments in _combinations(entry["name"], _alternatives(group, "")):
            yield Definition(
                name=entry["name"],
                module=entry["module"],
                constructor=entry["constructor"],
                arguments=tuple(_substituted([*entry.get("base_args", ()), *arguments], variables)),
                query_argument_groups=tuple(query_arguments),
                disabled=bool(entry.get("disabled", False)),
                batch_only=bool(entry.get("batch_only", False)),
            )


def _alternatives(group: Mapping[str, Any], prefix: str) -> Any:
    """What stands under args, or under arg_groups with each mapping as the list of mappings that it expands to."""
    if f"{prefix}arg_groups" not in group:
        return group.get(f"{prefix}args", [])
    groups = [each for each in group[f"{prefix}arg_groups"] if each != []]
    return [_mappings(each) if isinstance(each, dict) else each for each in groups]


def _combinations(name: str, alternatives: Any) -> list[tuple[Any, ...]]:
    """Every choice of one from each: lists are alternatives, a lone mapping makes one argument for each expansion."""
    if isinstance(alternatives, dict):
        return [(each,) for each in _mappings(alternatives)]
    if not isinstance(alternatives, list):
        raise Mistake(f"algorithm {name}: expected a list or a mapping of arguments, received {alternatives!r}")
    return list(product(*(each if isinstance(each, list) else [each] for each in alternatives)))


def _mappings(alternatives: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = [each if isinstance(each, list) else [each] for each in alternatives.values()]
    return [dict(zip(alternatives, choice, strict=True)) for choice in product(*values)]


def _substituted(value: Any, variables: Mapping[str, object]) -> Any:
    if isinstance(value, dict):
        return {key: _substituted(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_substituted(each, variables) for each in value]
    return variables.get(value, value) if isinstance(value, str) else value
