"""Every error: its family, its message, its facts, and that copying and sending it to another process keeps them."""

import copy
import inspect
import multiprocessing
import os
from collections.abc import Callable

import pytest

from vecdb import errors
from vecdb.errors import Error

MESSAGES: list[tuple[Error, str]] = [
    (
        errors.InvalidValue(argument="k", expected="at least 1", received=0),
        "argument 'k': expected at least 1, received 0",
    ),
    (
        errors.InvalidType(argument="k", expected="an int", received="ten"),
        "argument 'k': expected an int, received 'ten' (str)",
    ),
    (errors.LimitExceeded(limit="K_MAXIMUM", maximum=10, received=11), "limit K_MAXIMUM: at most 10, received 11"),
    (
        errors.LimitExceeded(limit="K_MAXIMUM", maximum=10, received=11, remedy="scan"),
        "limit K_MAXIMUM: at most 10, received 11; scan",
    ),
    (
        errors.DimensionMismatch(collection="docs", vector="text", expected=384, received=512),
        "collection 'docs', vector 'text': expected dimension 384, received 512",
    ),
    (
        errors.InvalidVector(collection="docs", vector="", row=3, reason="component 5 is nan"),
        "collection 'docs', row 3: component 5 is nan",
    ),
    (errors.InvalidVector(vector="text", reason="dtype float64"), "vector 'text': dtype float64"),
    (
        errors.InvalidPayload(row=3, field="a.b[3]", reason="nan is not JSON"),
        "payload of row 3, field 'a.b[3]': nan is not JSON",
    ),
    (errors.InvalidPayload(row=3, field="", reason="too long"), "payload of row 3: too long"),
    (errors.InvalidId(row=2, reason="negative"), "id of row 2: negative"),
    (errors.DuplicateId(id="a", first_row=1, second_row=4), "id 'a' is given twice, in rows 1 and 4"),
    (errors.InvalidName(name="../x", reason="unsafe"), "name '../x': unsafe"),
    (errors.InvalidSchema(reason="no vectors"), "schema: no vectors"),
    (errors.FilterError(position=12, reason="no"), "filter, character 12: no"),
    (errors.FilterError(position="and[1].year", reason="no"), "filter at 'and[1].year': no"),
    (errors.FilterError(position="", reason="no"), "filter: no"),
    (errors.CollectionNotFound(name="docs"), "collection 'docs' does not exist"),
    (
        errors.VectorNotFound(collection="docs", name="x", known=("a", "b")),
        "collection 'docs': no vector 'x', it has 'a', 'b'",
    ),
    (
        errors.VectorNotFound(collection="docs", name="", known=("a", "b")),
        "collection 'docs': no unnamed vector, it has 'a', 'b'",
    ),
    (
        errors.VectorNotFound(collection="docs", name="x", known=("",)),
        "collection 'docs': no vector 'x', it has an unnamed one",
    ),
    (errors.CollectionExists(name="docs"), "collection 'docs' already exists"),
    (errors.Timeout(seconds=1.5), "not finished within 1.5 seconds"),
    (
        errors.Overloaded(what="lane 'search'", retry_after_seconds=0.25),
        "lane 'search' is overloaded; try again in 0.25 seconds",
    ),
    (errors.Overloaded(what="lane 'search'"), "lane 'search' is overloaded"),
    (
        errors.Unavailable(target="localhost:6339", reason="connection refused"),
        "server 'localhost:6339' is unavailable: connection refused",
    ),
    (errors.Unauthenticated(reason="no credentials"), "not authenticated: no credentials"),
    (
        errors.PermissionDenied(action="upsert", role="read", required="write"),
        "upsert needs the role 'write', this caller has 'read'",
    ),
    (errors.ServerFailed(reason="IndexError"), "the server failed: IndexError"),
    (errors.Closed(what="database './data'"), "database './data' is closed"),
    (
        errors.Forked(what="database './data'"),
        "database './data' was opened before fork and cannot be used in the child: open it again there, or spawn",
    ),
    (errors.ReadOnly(path="data"), "data: the database is read-only"),
    (errors.Locked(path="data", pid=7), "data: locked by process 7"),
    (errors.Locked(path="data", pid=None), "data: locked by another process"),
    (
        errors.Locked(path="data", pid=os.getpid()),
        f"data: locked by this process ({os.getpid()}), which has the database open: use that handle or close it",
    ),
    (errors.Corrupted(path="data/1.log", detail="frame 3"), "data/1.log: corrupted, frame 3"),
    (
        errors.VersionMismatch(path="data/FORMAT", found=3, supported=2),
        "data/FORMAT: format version 3, this release reads up to 2",
    ),
    (errors.StorageFull(path="data", detail="write"), "data: no space left, write"),
    (errors.StorageFailed(path="data", detail="fsync"), "data: storage failed, fsync"),
]
FAMILIES = {Error, errors.InvalidArgument, errors.NotFound}


def through_pipe(error: Error) -> Error:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with receiver, sender:
        sender.send(error)
        received = receiver.recv()
    assert isinstance(received, Error)
    return received


@pytest.mark.parametrize(("error", "message"), MESSAGES, ids=lambda value: type(value).__name__)
def test_message(error: Error, message: str) -> None:
    assert str(error) == message


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, through_pipe])
@pytest.mark.parametrize("error", [error for error, _ in MESSAGES], ids=lambda error: type(error).__name__)
def test_copies_keep_type_and_facts(error: Error, duplicate: Callable[[Error], Error]) -> None:
    other = duplicate(error)
    assert type(other) is type(error)
    assert vars(other) == vars(error)
    assert str(other) == str(error)


def test_every_class_of_the_module_is_listed_here_and_in_the_docstring() -> None:
    classes = {value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, Error)}
    assert classes - FAMILIES == {type(error) for error, _ in MESSAGES}
    assert errors.__doc__ is not None
    assert {kind.__name__ for kind in classes if f"{kind.__name__} " not in errors.__doc__} == set()


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.InvalidArgument, ValueError),
        (errors.InvalidType, TypeError),
        (errors.NotFound, LookupError),
        (errors.Timeout, TimeoutError),
    ],
)
def test_families_are_python_errors_too(kind: type[Error], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


def test_facts_are_given_by_keyword_only() -> None:
    with pytest.raises(TypeError):
        errors.CollectionNotFound("docs")  # type: ignore[call-arg]


def test_notes_and_facts_stay_through_raise() -> None:
    with pytest.raises(errors.DuplicateId) as caught:
        raise errors.DuplicateId(id=5, first_row=0, second_row=1)
    caught.value.add_note("while importing")
    assert copy.copy(caught.value).__notes__ == ["while importing"]


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, b"x" * 10**6, 10**10_000, [10**10_000], list(range(10**5)), {"a": ["b" * 10**6]}],
    ids=lambda value: type(value).__name__,
)
def test_messages_stay_short_whatever_came_in(value: object) -> None:
    assert len(str(errors.InvalidType(argument="k", expected="an int", received=value))) < 300
