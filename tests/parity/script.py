"""Scripts: steps that are carried out at every door, with the same outcome.

db, docs = On("db"), On("docs")
[db.create_collection("docs", 4).kept("docs"), docs.upsert([1], X), docs.search(X[0], k=0).refused(InvalidValue)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.parity.doors import Door
from tests.parity.outcome import Outcome, difference, outcome_of


@dataclass(frozen=True)
class Made:
    """An argument that each door gets its own of: a path, an iterator, a callback."""

    make: Callable[[Door], Any]


@dataclass(frozen=True, repr=False)
class Step:
    """One verb with its arguments. `refusal` is the error it has to raise, `keep` the name for the handle it gives."""

    target: str
    verb: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    keep: str | None = None
    refusal: type[Exception] | None = None

    def kept(self, name: str) -> Step:
        """The same, its result held for later steps."""
        return replace(self, keep=name)

    def refused(self, refusal: type[Exception]) -> Step:
        """The same, expected to raise an error of exactly this type."""
        return replace(self, refusal=refusal)

    def outcome(self, door: Door) -> Outcome:
        """What comes of it at a door, in a form to compare."""
        arguments = tuple(_made(each, door) for each in self.arguments)
        options = {name: _made(each, door) for name, each in self.options.items()}
        door.reports = []
        try:
            found = door.perform(self.target, self.verb, arguments, options)
        except Exception as error:
            found = error
        else:
            if self.keep is not None:
                door.held[self.keep] = found
        door.given = found
        return outcome_of(found, door)

    def __repr__(self) -> str:
        given = [repr(each) for each in self.arguments] + [f"{name}={value!r}" for name, value in self.options.items()]
        shown = ", ".join(text if len(text) < 200 else f"{text[:200]}..." for text in given)
        return f"{self.target}.{self.verb}({shown})"


class On:
    """Where steps are carried out: "db", or a handle that an earlier step kept. Every attribute is a verb."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __getattr__(self, verb: str) -> Callable[..., Step]:
        return lambda *arguments, **options: Step(self._target, verb, arguments, options)

    def does(self, protocol: str, *arguments: Any) -> Step:
        """The step of a protocol of Python's: len, contains, iter, bool, repr, getitem; enter also leaves."""
        return Step(self._target, f"__{protocol}__", arguments)


Script = Sequence[Step]


def own(make: Callable[[], Any]) -> Made:
    """A value made anew for each door: iterators are used up."""
    return Made(lambda _door: make())


def path(name: str, kind: type = str) -> Made:
    """A path in the door's folder."""
    return Made(lambda door: kind(door.folder / name))


def written(name: str, text: str) -> Made:
    """The path of a file in the door's folder that holds `text`."""

    def write(door: Door) -> Path:
        (door.folder / name).write_text(text)
        return door.folder / name

    return Made(write)


def reports() -> Made:
    """A progress callback whose calls belong to the step's outcome."""
    return Made(lambda door: lambda done, total: door.reports.append((done, total)))


def unheard() -> Made:
    """A progress callback whose calls do not count: what is left to be done is a matter of time."""
    return Made(lambda _door: lambda _done, _total: None)


def last_report() -> Made:
    """A progress callback of whose calls only the last counts: in how many pieces it was done is each door's affair."""

    def make(door: Door) -> Callable[[int, int], None]:
        def report(done: int, total: int) -> None:
            door.reports[:] = [(done, total)]

        return report

    return Made(make)


def check(script: Script, doors: Sequence[Door]) -> None:
    """Carries out every step at every door; AssertionError names the first whose outcomes differ."""
    for place, step in enumerate(script):
        check_step(step, doors, f"step {place}, ")


def check_step(step: Step, doors: Sequence[Door], place: str = "") -> Outcome:
    """Carries out one step; the outcome, which is the same at every door."""
    first, *others = ((door.name, step.outcome(door)) for door in doors)
    expected = None if step.refusal is None else step.refusal.__name__
    assert first[1].error == expected, f"{place}{step}: expected {expected}, {first[0]} has\n  {first[1]}"
    for name, outcome in others:
        where = difference(first[1], outcome)
        assert where is None, f"{place}{step}: {first[0]} and {name} differ\n  {where}"
    return first[1]


def _made(value: Any, door: Door) -> Any:
    return value.make(door) if isinstance(value, Made) else value
