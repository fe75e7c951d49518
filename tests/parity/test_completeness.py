"""The three classes of each kind have one face, and every part of it occurs in a script."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import pytest

from tests.parity.all_scripts import FOLDER_SCRIPTS, SCRIPTS
from tests.parity.script import Step
from tests.parity.test_refusals import REFUSALS
from vecdb.client.async_collection import AsyncCollection
from vecdb.client.async_database import AsyncDatabase
from vecdb.client.collection import RemoteCollection
from vecdb.client.database import RemoteDatabase
from vecdb.collection.collection import Collection
from vecdb.database import Database

KINDS: list[tuple[type, type, type]] = [
    (Database, RemoteDatabase, AsyncDatabase),
    (Collection, RemoteCollection, AsyncCollection),
]
# The pieces a snapshot file is made of, for a server to send: clients have snapshot().
EMBEDDED_ONLY = {"snapshot_parts"}
# What Python asks of any object has no form that waits: asyncio asks collections() and count() instead.
WAITS = {"__enter__": "__aenter__", "__exit__": "__aexit__"}
NOT_AWAITED = {"__len__", "__contains__", "__iter__", "__bool__"}
ASYNCIO_ONLY = {"__await__"}
# A context manager is entered and left by one step.
ENTERED = {"__exit__"}

STEPS = [step for script in (*SCRIPTS.values(), *FOLDER_SCRIPTS.values(), REFUSALS) for step in script]
CALLS = [step for step in STEPS if step.refusal is None]


def names(kind: type) -> set[str]:
    """The public names of a class, and the protocols of Python that it has of its own."""
    own = {name for name, value in vars(kind).items() if callable(value) and name.startswith("__")}
    return {name for name in dir(kind) if not name.startswith("_")} | own - {"__init__"}


def verbs(embedded: type) -> list[str]:
    """What can be asked of any of the three."""
    return sorted(names(embedded) - EMBEDDED_ONLY - ENTERED)


def parameters(kind: type, verb: str) -> list[tuple[str, Any, Any]]:
    """The parameters of a method: name, kind and default; of a property none."""
    member = inspect.getattr_static(kind, verb)
    if isinstance(member, property):
        return []
    return [(each.name, each.kind, each.default) for each in inspect.signature(member).parameters.values()][1:]


def steps_of(embedded: type, steps: Iterable[Step]) -> list[Step]:
    """Those on a database, or those on a collection."""
    return [step for step in steps if (step.target == "db") is (embedded is Database)]


@pytest.mark.parametrize("kinds", KINDS)
def test_the_classes_have_the_same_names(kinds: tuple[type, type, type]) -> None:
    embedded, remote, awaited = kinds
    assert names(embedded) - EMBEDDED_ONLY == names(remote)
    expected = {WAITS.get(name, name) for name in names(remote) - NOT_AWAITED}
    assert expected == names(awaited) - ASYNCIO_ONLY


@pytest.mark.parametrize(("kinds", "verb"), [(kinds, verb) for kinds in KINDS for verb in verbs(kinds[0])])
def test_the_verbs_have_the_same_parameters(kinds: tuple[type, type, type], verb: str) -> None:
    embedded, remote, awaited = kinds
    assert parameters(remote, verb) == parameters(embedded, verb)
    if verb not in NOT_AWAITED:
        assert parameters(awaited, WAITS.get(verb, verb)) == parameters(embedded, verb)


@pytest.mark.parametrize(("kinds", "verb"), [(kinds, verb) for kinds in KINDS for verb in verbs(kinds[0])])
def test_every_verb_and_every_argument_occurs(kinds: tuple[type, type, type], verb: str) -> None:
    embedded = kinds[0]
    found = [step for step in steps_of(embedded, CALLS) if step.verb == verb]
    assert found, f"no script has {verb}"
    assert any(step.verb == verb for step in steps_of(embedded, STEPS) if step.refusal is not None) or not parameters(
        embedded, verb
    ), f"no refusal of {verb}"
    declared = parameters(embedded, verb)
    given = {name for step in found for name in step.options}
    by_place = max(len(step.arguments) for step in found)
    given |= {name for name, kind, _ in declared[:by_place] if kind is not inspect.Parameter.KEYWORD_ONLY}
    assert {name for name, _, _ in declared} == given


@pytest.mark.parametrize("kinds", KINDS)
def test_every_step_is_of_a_verb(kinds: tuple[type, type, type]) -> None:
    assert {step.verb for step in steps_of(kinds[0], STEPS)} <= names(kinds[0])


def test_asyncio_has_no_protocol_that_would_wait() -> None:
    assert not NOT_AWAITED & (names(AsyncDatabase) | names(AsyncCollection))
