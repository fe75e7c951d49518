"""docs/protocol.md is true: its tables, its bytes, and its program against a server."""

from __future__ import annotations

import dataclasses
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from google.protobuf import json_format

from tests.docs.markdown import ROOT, python_of, table_after
from vecdb import errors, limits
from vecdb.payload import encode_payload
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.convert.matrices import matrix_from_message, matrix_to_message
from vecdb.proto.convert.payloads import payloads_from_bytes, payloads_to_bytes
from vecdb.proto.methods import METHODS
from vecdb.proto.status import CODES
from vecdb.proto.v1 import search_pb2, types_pb2
from vecdb.server.server import Server
from vecdb.server.settings import ServerSettings

PAGE = ROOT / "docs" / "protocol.md"
FAMILIES = (errors.Error, errors.InvalidArgument, errors.NotFound)


def block(kind: str) -> str:
    found = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, kind
    return str(found[0])


def test_the_methods_are_those_of_the_protocol() -> None:
    shown = {
        path.strip("`"): (role, stream_in == "yes", stream_out == "yes")
        for path, role, stream_in, stream_out in table_after(PAGE, "| method |")
    }
    assert shown == {
        f"{method.service}/{method.name}": (
            types_pb2.Role.Name(method.required_role).removeprefix("ROLE_").lower(),
            method.client_streaming,
            method.server_streaming,
        )
        for method in METHODS.values()
    }


def test_the_kinds_are_those_of_the_errors() -> None:
    shown = {
        kind.strip("`"): (status.strip("`"), facts.replace("`", ""))
        for kind, status, facts, _ in table_after(PAGE, "| kind |")
    }
    assert shown == {
        kind.__name__: (code.name, ", ".join(each.name for each in dataclasses.fields(kind)))
        for kind, code in CODES.items()
        if kind not in FAMILIES
    }


def test_the_limits_are_those_of_the_code() -> None:
    shown = {name.strip("`"): int(value) for name, value, _ in table_after(PAGE, "| limit |")}
    message_bytes = ServerSettings(data=":memory:").message_bytes
    assert shown == {name: getattr(limits, name, message_bytes) for name in shown}
    assert {"MESSAGE_BYTES", "K_MAXIMUM", "BATCH_ROWS", "FILTER_DEPTH"} <= set(shown)


VECTOR = (1, -2.5)
BYTES = {
    ("Ids.integers", 0): ids_to_message([1, 258]).integers,
    ("Ids.uuids", 1): ids_to_message([UUID("12345678-9abc-def0-1234-56789abcdef0")]).uuids,
    ("Matrix.data", 2): matrix_to_message(np.array(VECTOR, np.float32)).data,
    ("Matrix.data", 3): matrix_to_message(np.array(VECTOR, np.float16)).data,
}


def test_the_bytes_are_those_that_are_sent() -> None:
    rows = table_after(PAGE, "| value |")
    shown = [(field.strip("`"), bytes.fromhex(data.strip("`"))) for _, field, data in rows]
    for (field, row), data in BYTES.items():
        assert shown[row] == (field, data)
    assert shown[2][1] == struct.pack("<2f", *VECTOR)
    assert payloads_from_bytes(shown[4][1], 2) == [{"a": 1}, None]
    assert shown[4][1].startswith(payloads_to_bytes([encode_payload({"a": 1})])[:-1])


def test_the_json_is_a_search() -> None:
    request = json_format.Parse(block("json"), search_pb2.SearchRequest())
    near = request.query.near
    assert matrix_from_message(near.queries, "queries").tolist() == [list(VECTOR)]
    assert (near.k, near.where[0].comparison.value.text) == (10, "en")


@pytest.mark.parametrize("credentials", [{}, {"VECDB_API_KEY": "not looked at where none is configured"}])
def test_the_program_prints_what_the_page_says(tmp_path: Path, credentials: dict[str, str]) -> None:
    with Server(ServerSettings(data=":memory:", port=0)) as server:
        environment = {**os.environ, **credentials, "VECDB_TARGET": f"localhost:{server.port}"}
        run = subprocess.run(
            [sys.executable, "-c", python_of(PAGE)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert run.returncode == 0, run.stderr
    assert run.stdout == block("text")
