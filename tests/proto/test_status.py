"""Every error has its status and comes back as it was; what is not ours, or not an error we know, tells nothing."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

import grpc
import numpy as np
import pytest
from google.protobuf import any_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from vecdb import errors
from vecdb.errors import Error
from vecdb.proto.status import CODES, DETAIL_TYPE, error_of, status_of
from vecdb.proto.v1 import types_pb2

Code = grpc.StatusCode

texts = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=20)
integers = st.integers(-(2**63), 2**63 - 1)
numbers = st.floats(allow_nan=False)
# By the annotation of a fact in the class; str() of some errors needs no more than that.
FACTS: dict[str, st.SearchStrategy[Any]] = {
    "str": texts,
    "str | None": st.one_of(texts, st.none()),
    "int": integers,
    "int | None": st.one_of(integers, st.none()),
    "int | str": st.one_of(integers, texts),
    "float": numbers,
    "float | None": st.one_of(numbers, st.none()),
    "tuple[str, ...]": st.lists(texts, max_size=5).map(tuple),
    "object": st.one_of(
        texts, integers, numbers, st.booleans(), st.none(), st.uuids(), st.lists(texts, max_size=16).map(tuple)
    ),
}


def tree(root: type[Error] = Error) -> list[type[Error]]:
    found = [root]
    for kind in root.__subclasses__():
        found += tree(kind)
    return [kind for kind in found if kind.__module__.startswith("vecdb.")]


def facts(error: Error) -> dict[str, Any]:
    return {each.name: getattr(error, each.name) for each in dataclasses.fields(error)}


def sent(error: BaseException, timeout_seconds: float | None = None) -> Error:
    code, message, details = status_of(error)
    return error_of(code, message, details, target="here:1", timeout_seconds=timeout_seconds)


def test_every_error_has_a_status() -> None:
    assert set(CODES) == set(tree())
    assert len({kind.__name__ for kind in CODES}) == len(CODES)


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_every_error_comes_back_with_its_facts(kind: type[Error], data: st.DataObject) -> None:
    error = kind(**{each.name: data.draw(FACTS[str(each.type)]) for each in dataclasses.fields(kind)})
    found = sent(error)
    assert type(found) is kind
    assert facts(found) == facts(error)
    assert {name: type(value) for name, value in facts(found).items()} == {
        name: type(value) for name, value in facts(error).items()
    }
    assert str(found) == str(error)
    assert status_of(error)[0] == CODES[kind]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 2], "[1, 2]"),
        ({"a": 1}, "{'a': 1}"),
        (b"x", "b'x'"),
        (np.arange(3), "array([0, 1, 2])"),
        (1 + 2j, "(1+2j)"),
        ((1, "a"), "(1, 'a')"),
        (2**64, "18446744073709551616"),
    ],
)
def test_what_has_no_form_comes_back_described(value: Any, text: str) -> None:
    error = errors.InvalidValue(argument="k", expected="less", received=value)
    found = sent(error)
    assert isinstance(found, errors.InvalidValue)
    assert repr(found.received) == text
    assert str(found) == str(error)


def test_numpy_scalars_are_the_numbers_they_hold() -> None:
    found = sent(errors.InvalidValue(argument="k", expected="less", received=np.int64(7)))
    assert facts(found)["received"] == 7
    found = sent(errors.InvalidValue(argument="k", expected="less", received=np.float32(0.5)))
    assert facts(found)["received"] == 0.5


def test_wide_integers_stay_integers_where_the_fact_is_one() -> None:
    error = errors.LimitExceeded(limit="K_MAXIMUM", maximum=10, received=2**70)
    assert facts(sent(error)) == facts(error)


PATHS: list[tuple[Error, dict[str, Any]]] = [
    (errors.Corrupted(path="/srv/data/kv/1.sst", detail="block 3"), {"path": "1.sst", "detail": "block 3"}),
    (errors.ReadOnly(path="/srv/my data/"), {"path": "my data"}),
    (errors.Locked(path="../srv/data", pid=7), {"path": "data", "pid": 7}),
    (errors.ReadOnly(path=":memory:"), {"path": ":memory:"}),
    (errors.Closed(what="database '/srv/my data'"), {"what": "database 'my data'"}),
    (errors.Forked(what="journal './srv/x'"), {"what": "journal 'x'"}),
    (
        errors.StorageFull(path="/srv/x", detail="[Errno 28] No space left on device: '/srv/x/1.log'"),
        {"path": "x", "detail": "[Errno 28] No space left on device: '1.log'"},
    ),
    (
        errors.StorageFailed(path="/srv/x", detail="IO error: While appending to file: /srv/x/kv/9.log: bad"),
        {"path": "x", "detail": "IO error: While appending to file: 9.log: bad"},
    ),
    (
        errors.VersionMismatch(path="/srv/x/FORMAT", found=3, supported=2),
        {"path": "FORMAT", "found": 3, "supported": 2},
    ),
]


@pytest.mark.parametrize(("error", "expected"), PATHS, ids=lambda value: type(value).__name__)
def test_the_servers_folders_stay_on_the_server(error: Error, expected: dict[str, Any]) -> None:
    assert facts(sent(error)) == expected
    _, message, details = status_of(error)
    assert "srv" not in message
    assert b"srv" not in details


def test_names_with_a_slash_in_refused_input_are_kept() -> None:
    error = errors.InvalidName(name="a/b", reason="expected A/Z")
    assert facts(sent(error)) == facts(error)


@pytest.mark.parametrize(
    "error", [KeyError("/srv/secret"), ValueError("secret"), AssertionError("secret"), MemoryError(), SystemExit(3)]
)
def test_what_is_not_ours_is_internal_and_tells_nothing(error: BaseException) -> None:
    code, message, details = status_of(error)
    assert (code, message) == (Code.INTERNAL, "internal error")
    assert b"secret" not in details
    assert b"Error" not in details.replace(b"ErrorDetail", b"")
    assert facts(sent(error)) == {"reason": "internal error"}


class _Special(errors.InvalidVector):
    """An error made by somebody else from one of ours."""


def test_a_subclass_is_sent_as_the_class_that_is_known() -> None:
    assert type(sent(_Special(vector="a", reason="b"))) is errors.InvalidVector


LONG = "é/" * 10**5


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidPayload(row=1, field=LONG, reason=LONG),
        errors.InvalidName(name=LONG, reason="\ud800" * 10**5),
        errors.VectorNotFound(collection=LONG, name=LONG, known=(LONG,) * 20),
        errors.Corrupted(path=LONG, detail=LONG),
        errors.InvalidValue(argument=LONG, expected=LONG, received=[LONG] * 10**3),
        errors.ServerFailed(reason="\x00\r\n" * 10**5),
    ],
    ids=lambda error: type(error).__name__,
)
def test_texts_of_any_length_fit_into_the_metadata(error: Error) -> None:
    _, message, details = status_of(error)
    percent_encoded = 3 * len(message.encode())
    base64 = 4 * len(details) / 3
    assert percent_encoded + base64 < 7_500
    assert type(sent(error)) is type(error)


def test_what_is_cut_says_so() -> None:
    found = sent(errors.VectorNotFound(collection="docs", name="x" * 2_000, known=tuple(map(str, range(20)))))
    assert facts(found) == {
        "collection": "docs",
        "name": "x" * 1_021 + "…",
        "known": (*map(str, range(15)), "…"),
    }


def test_an_id_of_the_greatest_length_is_not_cut() -> None:
    error = errors.DuplicateId(id="é" * 512, first_row=0, second_row=1)
    assert facts(sent(error)) == facts(error)
    error = errors.DuplicateId(id=UUID(int=5), first_row=0, second_row=1)
    assert facts(sent(error)) == facts(error)


def test_a_timeout_is_the_callers_own() -> None:
    assert facts(sent(errors.Timeout(seconds=0.93), timeout_seconds=1.0)) == {"seconds": 1.0}
    assert facts(sent(errors.Timeout(seconds=60.0))) == {"seconds": 60.0}


def test_a_server_that_does_not_know_its_address_gets_the_callers() -> None:
    assert facts(sent(errors.Unavailable(target="", reason="it stops"))) == {"target": "here:1", "reason": "it stops"}


BY_CODE: list[tuple[Any, str, type[Error], dict[str, Any]]] = [
    (Code.UNAVAILABLE, "refused", errors.Unavailable, {"target": "here:1", "reason": "refused"}),
    (Code.CANCELLED, "stopped", errors.Unavailable, {"target": "here:1", "reason": "stopped"}),
    (Code.DEADLINE_EXCEEDED, "late", errors.Timeout, {"seconds": 1.5}),
    (
        Code.RESOURCE_EXHAUSTED,
        "full",
        errors.Overloaded,
        {"what": "server 'here:1'", "retry_after_seconds": None},
    ),
    (
        Code.RESOURCE_EXHAUSTED,
        "SERVER: Received message larger than max (500 vs. 400)",
        errors.LimitExceeded,
        {"limit": "MESSAGE_BYTES", "maximum": 400, "received": 500, "remedy": ""},
    ),
    (Code.UNAUTHENTICATED, "who", errors.Unauthenticated, {"reason": "who"}),
    (
        Code.PERMISSION_DENIED,
        "no",
        errors.PermissionDenied,
        {"action": "no", "role": "unknown", "required": "unknown"},
    ),
    (
        Code.UNIMPLEMENTED,
        "Method not found!",
        errors.ServerFailed,
        {"reason": "it does not know this call, so it may be of another version: Method not found!"},
    ),
    *[
        (code, "x", errors.ServerFailed, {"reason": f"{code.name}: x"})
        for code in Code
        if code
        not in (
            Code.UNAVAILABLE,
            Code.CANCELLED,
            Code.DEADLINE_EXCEEDED,
            Code.RESOURCE_EXHAUSTED,
            Code.UNAUTHENTICATED,
            Code.PERMISSION_DENIED,
            Code.UNIMPLEMENTED,
        )
    ],
]


@pytest.mark.parametrize("details", [None, b"", b"\xff\xff", b"garbage", types_pb2.Status(code=3).SerializeToString()])
@pytest.mark.parametrize(("code", "message", "kind", "expected"), BY_CODE)
def test_without_details_the_code_decides(
    code: Any, message: str, kind: type[Error], expected: dict[str, Any], details: bytes | None
) -> None:
    error = error_of(code, message, details, target="here:1", timeout_seconds=1.5)
    assert type(error) is kind
    assert facts(error) == expected


def detailed(kind: str, *given_facts: types_pb2.Fact, type_url: str = DETAIL_TYPE) -> bytes:
    detail = types_pb2.ErrorDetail(kind=kind, facts=given_facts)
    packed = any_pb2.Any(type_url=type_url, value=detail.SerializeToString())
    return types_pb2.Status(code=3, message="m", details=[packed]).SerializeToString()


Fact = types_pb2.Fact
NAME = Fact(name="name", text="docs")


@pytest.mark.parametrize(
    "details",
    [
        detailed("SomethingNew", NAME),
        detailed("SystemExit"),
        detailed("brief"),
        detailed("dataclass"),
        detailed("__builtins__"),
        detailed(""),
        detailed("CollectionNotFound"),
        detailed("CollectionNotFound", Fact(name="name")),
        detailed("CollectionNotFound", Fact(name="name", integer=1)),
        detailed("CollectionNotFound", Fact(name="name", none=True)),
        detailed("CollectionNotFound", Fact(name="nom", text="docs")),
        detailed("DuplicateId", Fact(name="id", none=True), Fact(name="first_row", boolean=True)),
        detailed("Timeout", Fact(name="seconds", text="1")),
        detailed("CollectionNotFound", NAME, type_url="type.googleapis.com/google.rpc.ErrorInfo"),
        types_pb2.Status(details=[any_pb2.Any(type_url=DETAIL_TYPE, value=b"\xff")]).SerializeToString(),
    ],
)
def test_details_that_make_no_error_are_left_aside(details: bytes) -> None:
    error = error_of(Code.NOT_FOUND, "gone", details, target="here:1", timeout_seconds=None)
    assert type(error) is errors.ServerFailed
    assert error.reason == "NOT_FOUND: gone"


def test_facts_of_a_newer_server_are_left_out() -> None:
    details = detailed("CollectionNotFound", NAME, Fact(name="since", integer=1), Fact(name="__class__", text="x"))
    error = error_of(Code.NOT_FOUND, "gone", details, target="here:1", timeout_seconds=None)
    assert type(error) is errors.CollectionNotFound
    assert vars(error) == {"name": "docs"}


def test_facts_that_an_older_server_does_not_send_have_their_default() -> None:
    limit, maximum = Fact(name="limit", text="K_MAXIMUM"), Fact(name="maximum", integer=1)
    details = detailed("LimitExceeded", limit, maximum, Fact(name="received", integer=2))
    error = error_of(Code.INVALID_ARGUMENT, "", details, target="", timeout_seconds=None)
    assert facts(error) == {"limit": "K_MAXIMUM", "maximum": 1, "received": 2, "remedy": ""}


@given(st.sampled_from(sorted(kind.__name__ for kind in CODES)), st.binary(max_size=60), st.data())
def test_any_facts_give_an_error_that_can_be_shown(kind: str, noise: bytes, data: st.DataObject) -> None:
    names = sorted({each.name for known in CODES for each in dataclasses.fields(known)})
    fields = st.sampled_from(["none", "text", "integer", "number", "boolean", "described", "id", "texts"])
    values: dict[str, Any] = {
        "none": True,
        "text": "t",
        "integer": 7,
        "number": 1.5,
        "boolean": False,
        "described": "1e9",
        "id": types_pb2.Id(uuid=noise),
        "texts": types_pb2.Texts(values=["a"]),
    }
    given_facts = []
    for name in data.draw(st.lists(st.sampled_from(names), max_size=8)):
        field = data.draw(fields)
        given_facts.append(Fact(name=name, **{field: values[field]}))
    error = error_of(Code.INTERNAL, "m", detailed(kind, *given_facts), target="t", timeout_seconds=None)
    assert type(error) in CODES
    assert str(error)
    error = error_of(Code.INTERNAL, "m", detailed(kind, *given_facts) + noise, target="t", timeout_seconds=None)
    assert str(error)


def test_details_are_a_google_rpc_status() -> None:
    """Read by its published numbers: code = 1, message = 2, details = 3."""
    details = status_of(errors.CollectionNotFound(name="docs"))[2]
    message = b"collection 'docs' does not exist"
    assert details.startswith(b"\x08\x05\x12" + bytes([len(message)]) + message + b"\x1a")
    assert b"type.googleapis.com/vecdb.v1.ErrorDetail" in details
