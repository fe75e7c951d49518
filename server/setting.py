"""Setting: what one value of the server's configuration may be, and how text becomes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from vecdb.errors import InvalidType, InvalidValue

_UNITS: Final = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_BYTES: Final = re.compile(r"([0-9]{1,18})(|KiB|MiB|GiB)", re.ASCII)
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_SWITCH: Final = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


class Kind(Protocol):
    """A kind of value: its Python types, its range, and how text reads."""

    types: ClassVar[tuple[type, ...]]

    @property
    def expected(self) -> str:
        """What a value is, for an error or a help: "1 .. 1024"."""

    @property
    def metavar(self) -> str:
        """What stands for a value in the help: BYTES."""

    def read(self, text: str) -> object:
        """The value that `text` means; the text itself if it means none, and is then refused as it came."""

    def holds(self, value: object) -> bool:
        """Whether a value of one of the types is in the range."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table: the heading it is listed under, the kind of its values, and words for the help."""

    group: str
    kind: Kind
    help: str
    optional: bool = False  # None is a value too

    def check(self, place: str, value: object) -> None:
        """InvalidType, InvalidValue, with `place` as the argument's name."""
        if value is None and self.optional:
            return
        if type(value) not in self.kind.types:  # exactly: True is no number
            raise InvalidType(argument=place, expected=self.kind.expected, received=value)
        if not self.kind.holds(value):
            raise InvalidValue(argument=place, expected=self.kind.expected, received=value)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of one line, not empty."""

    types: ClassVar[tuple[type, ...]] = (str,)
    expected: str = "text"
    metavar: str = "TEXT"

    def read(self, text: str) -> object:
        """The text itself."""
        return text

    def holds(self, value: object) -> bool:
        """Whether it is not empty and has no control characters."""
        return isinstance(value, str) and value != "" and value.isprintable()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    types: ClassVar[tuple[type, ...]] = (str,)
    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The words."""
        return f"one of {', '.join(self.words)}"

    @property
    def metavar(self) -> str:
        """The words again."""
        return "|".join(self.words)

    def read(self, text: str) -> object:
        """The word itself."""
        return text

    def holds(self, value: object) -> bool:
        """Whether it is one of the words, exactly."""
        return value in self.words


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    types: ClassVar[tuple[type, ...]] = (bool,)
    expected: str = "true or false"
    metavar: str = ""

    def read(self, text: str) -> object:
        """True, yes, on and 1; false, no, off and 0."""
        return _SWITCH.get(text.lower(), text)

    def holds(self, value: object) -> bool:  # noqa: ARG002
        """Both values are."""
        return True


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of a range, both ends included."""

    types: ClassVar[tuple[type, ...]] = (int,)
    minimum: int
    maximum: int
    metavar: str = "N"

    @property
    def expected(self) -> str:
        """The range."""
        return f"a whole number, {self.minimum} .. {self.maximum}"

    def read(self, text: str) -> object:
        """Decimal digits."""
        return int(text) if _WHOLE.fullmatch(text) else text

    def holds(self, value: object) -> bool:
        """Whether it is in the range."""
        return isinstance(value, int) and self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class Bytes:
    """A number of bytes of a range; text may have a unit: 64MiB."""

    types: ClassVar[tuple[type, ...]] = (int,)
    minimum: int
    maximum: int
    metavar: str = "BYTES"

    @property
    def expected(self) -> str:
        """The range."""
        return f"a number of bytes, {bytes_text(self.minimum)} .. {bytes_text(self.maximum)}"

    def read(self, text: str) -> object:
        """Decimal digits, and perhaps KiB, MiB or GiB."""
        match = _BYTES.fullmatch(text)
        return int(match[1]) * _UNITS[match[2]] if match else text

    def holds(self, value: object) -> bool:
        """Whether it is in the range."""
        return isinstance(value, int) and self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class Seconds:
    """A time of a range, fractions allowed."""

    types: ClassVar[tuple[type, ...]] = (int, float)
    minimum: float
    maximum: float
    metavar: str = "SECONDS"

    @property
    def expected(self) -> str:
        """The range."""
        return f"seconds, {self.minimum:g} .. {self.maximum:g}"

    def read(self, text: str) -> object:
        """A decimal number."""
        try:
            return float(text)
        except ValueError:
            return text

    def holds(self, value: object) -> bool:
        """Whether it is in the range; NaN is in none."""
        return isinstance(value, int | float) and self.minimum <= value <= self.maximum


def bytes_text(count: int) -> str:
    """A number of bytes as short as it goes: 64MiB, 1000."""
    unit = next(unit for unit, size in reversed(_UNITS.items()) if count % size == 0)
    return f"{count // _UNITS[unit]}{unit}"
