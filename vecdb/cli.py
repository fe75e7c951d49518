"""The command `vecdb`: serve a database, make and remove the API keys of a server."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import vecdb
from vecdb.errors import Error, InvalidArgument, InvalidValue
from vecdb.server.api_keys import ApiKey, new_key, utc_text
from vecdb.server.key_file import add_key, read_keys, remove_key
from vecdb.server.principal import Role
from vecdb.server.request_log import log_lines
from vecdb.server.settings_sources import add_flags, read_settings

_DAY_SECONDS: Final = 86_400
_UNITS: Final = {"m": 60, "h": 3_600, "d": _DAY_SECONDS, "w": 7 * _DAY_SECONDS}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([mhdw])", re.ASCII)
_DURATION_MAXIMUM_SECONDS: Final = 36_500 * _DAY_SECONDS
_KEYS_VARIABLE: Final = "VECDB_API_KEYS"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; `arguments` stands for sys.argv[1:]. The exit code: 0, 1 for a failure, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    command: Callable[[Mapping[str, object]], int] = options.command
    try:
        return command(vars(options))
    except InvalidArgument as error:
        return _fail(error, 2)
    except (Error, OSError) as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return 130


def _serve(options: Mapping[str, object]) -> int:
    settings = read_settings(options, os.environ)
    # gRPC writes a line of its own for each failed handshake: whoever reaches the port could fill the log.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        from vecdb.server.process import run
    except ImportError as error:
        return _fail(f"a server needs a package that is not installed: {error}; pip install 'vecdb[server]'", 1)
    with log_lines(sys.stderr):
        return run(settings)


def _add_key(options: Mapping[str, object]) -> int:
    now = time.time()
    expires = None if options["expires"] is None else now + _duration_seconds(str(options["expires"]))
    name, tenant = _optional(options, "id"), _optional(options, "tenant")
    key, text = new_key(Role.of(options["role"]), now=now, name=name, tenant=tenant, expires=expires)
    add_key(_key_file(options), key)
    print(text)
    print("This key is shown once: the file has only a digest of it.", file=sys.stderr)
    return 0


def _list_keys(options: Mapping[str, object]) -> int:
    now = time.time()
    lines = [("id", "role", "tenant", "created", "expires")]
    lines += [_key_line(key, now) for key in read_keys(_key_file(options)).values()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    return 0


def _remove_key(options: Mapping[str, object]) -> int:
    remove_key(_key_file(options), str(options["id"]))
    return 0


def _version(options: Mapping[str, object]) -> int:  # noqa: ARG001
    print(f"vecdb {vecdb.__version__}")
    return 0


def _key_line(key: ApiKey, now: float) -> tuple[str, str, str, str, str]:
    expires = "never" if key.expires is None else utc_text(key.expires)
    if key.expires is not None and key.expires <= now:
        expires += " (has expired)"
    return key.id, key.role.text, key.tenant or "-", utc_text(key.created), expires


def _key_file(options: Mapping[str, object]) -> Path:
    given = options["file"] or os.environ.get(_KEYS_VARIABLE)
    if not given:
        raise InvalidValue(argument="--file", expected=f"the file of keys, here or in {_KEYS_VARIABLE}", received=None)
    return Path(str(given))


def _optional(options: Mapping[str, object], name: str) -> str | None:
    value = options[name]
    return None if value is None else str(value)


def _duration_seconds(text: str) -> int:
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _DURATION_MAXIMUM_SECONDS:
        expected = "a number and m, h, d or w: 30d; at most 36500d"
        raise InvalidValue(argument="--expires", expected=expected, received=text)
    return seconds


def _fail(reason: object, code: int) -> int:
    print(f"vecdb: {reason}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vecdb", description="A vector search database.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="serve a database over gRPC",
        usage="vecdb serve --data FOLDER [--config FILE] [settings]",
        description="Serves a database over gRPC until SIGTERM or SIGINT.",
        epilog="Each setting can stand in the environment too (VECDB_SEARCH_WORKERS) and in the TOML file "
        "(search_workers); a flag goes before the environment, the environment before the file.",
        allow_abbrev=False,
    )
    add_flags(serve)
    serve.set_defaults(command=_serve)

    keys = commands.add_parser("keys", help="make, list and remove API keys", allow_abbrev=False)
    actions = keys.add_subparsers(title="actions", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a key and print it, once", allow_abbrev=False)
    add.add_argument("--role", required=True, choices=[role.text for role in Role], help="what it allows")
    add.add_argument("--id", help="its name in logs and lists; a random one if there is none")
    add.add_argument("--tenant", help="recorded for tenants to come; it limits nothing yet")
    add.add_argument("--expires", metavar="TIME", help="how long it is good for: 90m, 12h, 30d, 4w; else for ever")
    add.set_defaults(command=_add_key)
    listing = actions.add_parser("list", help="list the keys, without their secrets", allow_abbrev=False)
    listing.set_defaults(command=_list_keys)
    remove = actions.add_parser("remove", help="remove a key; a server notices within a second", allow_abbrev=False)
    remove.add_argument("id", metavar="ID")
    remove.set_defaults(command=_remove_key)
    for action in (add, listing, remove):
        action.add_argument("--file", metavar="FILE", help=f"the file of keys (else {_KEYS_VARIABLE})")

    commands.add_parser("version", help="print the version").set_defaults(command=_version)
    return parser


if __name__ == "__main__":
    sys.exit(main())
