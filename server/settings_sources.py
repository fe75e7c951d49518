"""Where settings come from: a flag, else the environment, else a TOML file, else the default. One table for all."""

from __future__ import annotations

import argparse
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Final

from vecdb.errors import InvalidValue
from vecdb.server.setting import Bytes, Setting, Switch, bytes_text
from vecdb.server.settings import SETTINGS, ServerSettings

CONFIG: Final = "VECDB_CONFIG"
_PREFIX: Final = "VECDB_"
# Names of the environment that begin alike and are read by others: the engine, its build and tests, and the client.
_FOREIGN: Final = re.compile(r"VECDB_(ISA|SANITIZE|API_KEY|BENCH_.*|TEST_.*)")
# A container platform describes a service called vecdb in these; VECDB_PORT=tcp://10.0.0.1:6339 is no port of ours.
_SERVICE: Final = re.compile(r"VECDB_(SERVICE_.*|PORT_[0-9]+_.*)")
_FILE_BYTES: Final = 1 << 20


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Gives `parser` --config and a flag for each setting, in groups; what is not given is None."""
    parser.add_argument("--config", metavar="FILE", help=f"a TOML file of settings (else {CONFIG})")
    groups: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        if setting.group not in groups:
            groups[setting.group] = parser.add_argument_group(setting.group)
        form: dict[str, Any] = {"metavar": setting.kind.metavar}
        if isinstance(setting.kind, Switch):
            form = {"action": argparse.BooleanOptionalAction}
        words = f"{setting.help}{_default_text(name, setting)}"
        groups[setting.group].add_argument(_flag(name), dest=name, default=None, help=words, **form)


def read_settings(flags: Mapping[str, object], environment: Mapping[str, str]) -> ServerSettings:
    """The settings that `flags` (by setting, and config), `environment` and the TOML file give, each checked.

    InvalidValue and InvalidType name the place: --port, VECDB_PORT or vecdb.toml: port.
    """
    found: dict[str, object] = {}
    places: dict[str, str] = {}
    file = flags.get("config") or environment.get(CONFIG)
    sources = (_of_file(Path(str(file))) if file else (), _of_environment(environment), _of_flags(flags))
    for source in sources:
        for name, place, given in source:
            setting = SETTINGS[name]
            value = setting.kind.read(given) if isinstance(given, str) else given
            setting.check(place, value)
            found[name], places[name] = value, place
    if "data" not in found:
        expected = f"a folder, or :memory: ({_flag('data')}, {_variable('data')}, or data in the file)"
        raise InvalidValue(argument="data", expected=expected, received=None)
    try:
        return ServerSettings(**found)  # type: ignore[arg-type]  # each was checked above
    except InvalidValue as error:  # settings that contradict each other
        place = places.get(error.argument, error.argument)
        raise InvalidValue(argument=place, expected=error.expected, received=error.received) from None


def _of_flags(flags: Mapping[str, object]) -> Iterable[tuple[str, str, object]]:
    for name in SETTINGS:
        if flags.get(name) is not None:
            yield name, _flag(name), flags[name]


def _of_environment(environment: Mapping[str, str]) -> Iterable[tuple[str, str, object]]:
    names = {_variable(name): name for name in SETTINGS}
    for variable, given in environment.items():
        if not variable.startswith(_PREFIX) or given == "" or variable == CONFIG:
            continue
        if variable in names and not (variable == "VECDB_PORT" and given.startswith("tcp://")):
            yield names[variable], variable, given
        # The value is not repeated: whatever this is, it may be a secret.
        elif variable not in names and not _FOREIGN.fullmatch(variable) and not _SERVICE.fullmatch(variable):
            raise InvalidValue(argument=variable, expected=_known(variable, names), received=variable)


def _of_file(path: Path) -> Iterable[tuple[str, str, object]]:
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_BYTES + 1)
        if len(text) > _FILE_BYTES:
            raise ValueError(f"more than {_FILE_BYTES} bytes")
        table = tomllib.loads(text.decode())
    except OSError as error:
        raise InvalidValue(
            argument="config", expected="a file that can be read", received=_reason(path, error)
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidValue(argument="config", expected="a TOML file", received=_reason(path, error)) from error
    for name, given in table.items():
        if name not in SETTINGS:
            raise InvalidValue(argument=f"{path.name}: {name}", expected=_known(name, SETTINGS), received=name)
        yield name, f"{path.name}: {name}", given


def _reason(path: Path, error: Exception) -> str:
    return f"{path}: {getattr(error, 'strerror', None) or error or type(error).__name__}"


def _known(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"a setting; did you mean {near[0]}?" if near else "a setting of the server"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


def _default_text(name: str, setting: Setting) -> str:
    given = next(one for one in fields(ServerSettings) if one.name == name)
    if given.default is MISSING:
        return "" if given.default_factory is MISSING else " (the cores)"
    if given.default is None or given.default is False:
        return ""
    if isinstance(setting.kind, Bytes):
        return f" ({bytes_text(given.default)})"
    return f" ({given.default:g})" if isinstance(given.default, int | float) else f" ({given.default})"
