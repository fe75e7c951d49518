"""The .proto sources read as text, without protoc: the independent half of the comparison with the generated code.

It knows what our sources use: messages with fields, oneofs and maps, enums, services with one option a method, and one
extension. Anything else is a SyntaxError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.proto.contract import Contract

SOURCES = Path(__file__).parents[2] / "proto" / "vecdb" / "v1"
PACKAGE = "vecdb.v1"

_TOKEN = re.compile(r'//[^\n]*|"[^"]*"|[\w.]+|[{}()<>=;,]')
_SCALARS = {"string", "bytes", "bool", "double", "int32", "int64", "uint32", "uint64"}


def contract_of_sources() -> Contract:
    """The contract that the sources state."""
    found: Contract = {"messages": {}, "enums": {}, "methods": {}, "extensions": {}}
    for path in sorted(SOURCES.glob("*.proto")):
        _Reader(path.read_text(), found).file()
    return found


class _Reader:
    def __init__(self, text: str, found: Contract) -> None:
        self._tokens: Iterator[str] = iter([token for token in _TOKEN.findall(text) if not token.startswith("//")])
        self._found = found

    def file(self) -> None:
        for token in self._tokens:
            match token:
                case "syntax" | "package" | "import":
                    self._statement()
                case "message":
                    name = self._opened()
                    self._found["messages"][name] = dict(self._fields("singular"))
                case "enum":
                    name = self._opened()
                    self._found["enums"][name] = dict(self._values())
                case "service":
                    self._service(self._opened())
                case "extend":
                    assert self._until("{") == ["google.protobuf.MethodOptions"]
                    for field, parts in self._fields("singular"):
                        self._found["extensions"][f"{PACKAGE}.{field}"] = parts
                case _:
                    raise SyntaxError(token)

    def _opened(self) -> str:
        (name,) = self._until("{")
        return f"{PACKAGE}.{name}"

    def _fields(self, label: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for token in self._tokens:
            if token == "}":
                return
            if token == "oneof":
                (name,) = self._until("{")
                yield from self._fields(f"oneof {name}")
                continue
            words = [token, *self._statement()]
            if words[0] == "map":
                _, _, key, _, value, _, name, _, number = words
                yield name, {"number": int(number), "type": f"map<{_typed(key)}, {_typed(value)}>", "label": "map"}
                continue
            given = words.pop(0) if words[0] in ("repeated", "optional") else label
            kind, name, equals, number = words
            assert equals == "="
            yield name, {"number": int(number), "type": _typed(kind), "label": given}

    def _values(self) -> Iterator[tuple[str, int]]:
        for token in self._tokens:
            if token == "}":
                return
            equals, number = self._statement()
            assert equals == "="
            yield token, int(number)

    def _service(self, service: str) -> None:
        for token in self._tokens:
            if token == "}":
                return
            assert token == "rpc", token
            name, _, *request, _ = self._until("returns")
            _, *response, _ = self._until("{")
            option = self._until("}")
            assert option[:5] == ["option", "(", "required_role", ")", "="], option
            self._found["methods"][f"{service}.{name}"] = {
                "request": _typed(request[-1]),
                "response": _typed(response[-1]),
                "client_streaming": request[0] == "stream",
                "server_streaming": response[0] == "stream",
                "role": option[5].removeprefix("ROLE_").lower(),
            }

    def _statement(self) -> list[str]:
        return self._until(";")

    def _until(self, end: str) -> list[str]:
        return list(iter(self._tokens.__next__, end))


def _typed(name: str) -> str:
    return name if name in _SCALARS or "." in name else f"{PACKAGE}.{name}"
