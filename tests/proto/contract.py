"""The contract of protocol v1 as data: every field, enum value and method; kept in contract.json and compared with it.

`python -m tests.proto.contract --write` renews the file after an addition. It refuses to after a breaking change: what
is in the file has been released, and a client or a server somewhere still speaks it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor

from vecdb.proto.v1 import admin_pb2, collections_pb2, points_pb2, search_pb2, types_pb2

FILE = Path(__file__).with_name("contract.json")
MODULES = (admin_pb2, collections_pb2, points_pb2, search_pb2, types_pb2)
ADVICE = (
    "Nothing released may be removed, renumbered, retyped, or allowed to fewer roles. Add a field with a number that "
    "was never used (and keep reading the old one), an enum value, or a method. What cannot be done so belongs "
    "into a package vecdb.v2. After an addition: python -m tests.proto.contract --write"
)

Contract = dict[str, dict[str, Any]]

_TYPES = {
    getattr(FieldDescriptor, name): name.removeprefix("TYPE_").lower()
    for name in dir(FieldDescriptor)
    if name.startswith("TYPE_")
}
_ROLES = {number: name.removeprefix("ROLE_").lower() for name, number in types_pb2.Role.items()}


def contract() -> Contract:
    """What the generated code says."""
    found: Contract = {"messages": {}, "enums": {}, "methods": {}, "extensions": {}}
    for module in MODULES:
        file: Any = module.DESCRIPTOR
        for message in file.message_types_by_name.values():
            found["messages"][message.full_name] = {each.name: _field(each) for each in message.fields}
        for enum in file.enum_types_by_name.values():
            found["enums"][enum.full_name] = _values(enum)
        for service in file.services_by_name.values():
            for method in service.methods:
                found["methods"][f"{service.full_name}.{method.name}"] = _method(method)
        for extension in file.extensions_by_name.values():
            found["extensions"][extension.full_name] = _field(extension)
    return found


def saved() -> Contract:
    """What was released."""
    document: Contract = json.loads(FILE.read_text())
    return document


def breaks(released: Contract, now: Contract) -> list[str]:
    """Each way in which those who speak `released` would be let down by `now`."""
    found = []
    for kind, names in released.items():
        for name, parts in names.items():
            if name not in now[kind]:
                found.append(f"{name} is gone")
            elif kind == "methods":
                found += _method_breaks(name, parts, now[kind][name])
            elif kind == "extensions":
                found += [] if parts == now[kind][name] else [f"{name} was {parts}, is {now[kind][name]}"]
            else:
                found += _part_breaks(name, parts, now[kind][name])
                found += _reused_numbers(name, parts, now[kind][name])
    return found


def additions(released: Contract, now: Contract) -> list[str]:
    """What `now` has and `released` lacks or has otherwise; nothing as long as something breaks."""
    if breaks(released, now):
        return []
    return sorted(": ".join(each) for each in set(_flat(now)) - set(_flat(released)))


def write() -> None:
    """Renews the file; SystemExit if something released would break."""
    broken = breaks(saved(), contract()) if FILE.exists() else []
    if broken:
        raise SystemExit("\n".join([*broken, ADVICE]))
    FILE.write_text(json.dumps(contract(), indent=1) + "\n")


def _field(field: FieldDescriptor) -> dict[str, Any]:
    described: Any = field
    oneof = described.containing_oneof
    if described.message_type is not None and described.message_type.GetOptions().map_entry:
        key, value = described.message_type.fields
        return {"number": field.number, "type": f"map<{_type(key)}, {_type(value)}>", "label": "map"}
    label = "repeated" if described.is_repeated else "singular"
    if oneof is not None:
        label = "optional" if oneof.name == f"_{field.name}" else f"oneof {oneof.name}"
    return {"number": field.number, "type": _type(field), "label": label}


def _type(field: FieldDescriptor) -> str:
    named: Descriptor | EnumDescriptor | None = field.message_type or field.enum_type
    return named.full_name if named is not None else _TYPES[field.type]


def _values(enum: EnumDescriptor) -> dict[str, int]:
    return {value.name: value.number for value in enum.values}


def _method(method: MethodDescriptor) -> dict[str, Any]:
    described: Any = method
    return {
        "request": described.input_type.full_name,
        "response": described.output_type.full_name,
        "client_streaming": described.client_streaming,
        "server_streaming": described.server_streaming,
        "role": _ROLES[described.GetOptions().Extensions[types_pb2.required_role]],
    }


def _part_breaks(name: str, released: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for part, value in released.items():
        if part not in now:
            yield f"{name}.{part} is gone"
        elif now[part] != value:
            yield f"{name}.{part} was {value}, is {now[part]}"


def _reused_numbers(name: str, released: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    taken = {_number(value): part for part, value in released.items()}
    for part, value in now.items():
        if part not in released and _number(value) in taken:
            yield f"{name}.{part} takes the number of {taken[_number(value)]}"


def _method_breaks(name: str, released: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    order = ("read", "write", "admin")
    for part, value in released.items():
        if part == "role" and now[part] in order and order.index(now[part]) <= order.index(value):
            continue
        if now[part] != value:
            yield f"{name}: {part} was {value}, is {now[part]}"


def _number(value: Any) -> int:
    number: int = value["number"] if isinstance(value, dict) else value
    return number


def _flat(contract: Contract) -> Iterator[tuple[str, str]]:
    for names in contract.values():
        for name, parts in names.items():
            yield name, "new"
            for part, value in parts.items():
                yield f"{name}.{part}", str(value)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit("usage: python -m tests.proto.contract --write")
    write()
