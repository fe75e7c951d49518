"""Workload: something to do with an algorithm that is more than asking it for neighbours, and what it measures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.mistake import Mistake

Better = Literal["more", "less"]
Maker = Callable[[], Algorithm]  # makes the measured algorithm again, with the same arguments; other processes may too


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number of one lap. Its name is the same in every lap, and unique among those of the workload's lap."""

    name: str
    value: float
    unit: str
    better: Better


class Workload(ABC):
    """One thing to measure, with its options as text by name; what is not given has a default.

    The worker makes the algorithm, calls fit(train) if `fits`, then prepare() once and lap() for each repetition and
    each group of query arguments. Mistake for options that are not known or not understood.
    """

    name: ClassVar[str]
    summary: ClassVar[str]  # one line, for --list-workloads
    needs: ClassVar[tuple[type, ...]] = ()  # what the algorithm must be beside an Algorithm
    fits: ClassVar[bool] = True  # whether the worker calls fit(train) before prepare()
    defaults: ClassVar[Mapping[str, str]] = {}  # every option, and its text if none is given

    def __init__(self, options: Mapping[str, str], make: Maker | None = None) -> None:
        unknown = sorted(options.keys() - self.defaults.keys())
        if unknown:
            known = ", ".join(self.defaults) or "none"
            raise Mistake(f"workload {self.name}: expected the options {known}, received {', '.join(unknown)}")
        self._options = {**self.defaults, **options}
        self._make = make
        self._used = False

    def prepare(self, algorithm: Algorithm, dataset: Dataset) -> None:  # noqa: B027
        """What is to be done once, before the first lap; its time is in no measurement."""

    @abstractmethod
    def lap(
        self, algorithm: Algorithm, dataset: Dataset, count: int, query_arguments: Sequence[Any], folder: Path
    ) -> list[Measurement]:
        """Does it once, for `count` neighbours a query, with files in `folder` alone; what it measured.

        It calls set_query_arguments(*query_arguments) itself.
        """

    @classmethod
    def suits(cls, algorithm: Algorithm) -> bool:
        """Whether the algorithm is all that the workload needs."""
        return all(isinstance(algorithm, need) for need in cls.needs)

    def unused(self, algorithm: Algorithm) -> Algorithm:
        """An algorithm that nothing was done with: the one given in the first lap, another one in each later lap."""
        if not self._used:
            self._used = True
            return algorithm
        return self._maker()()

    def _maker(self) -> Maker:
        if self._make is None:
            raise Mistake(f"workload {self.name}: it needs to make the algorithm again, and was not told how")
        return self._make

    def _text(self, option: str) -> str:
        return self._options[option]

    def _number(self, option: str, minimum: float) -> float:
        text = self._options[option]
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not minimum <= number < float("inf"):
            raise Mistake(f"workload {self.name}: {option}: expected a number from {minimum:g}, received {text!r}")
        return number

    def _integer(self, option: str, minimum: int) -> int:
        number = self._number(option, minimum)
        if number != int(number):
            raise Mistake(
                f"workload {self.name}: {option}: expected a whole number, received {self._options[option]!r}"
            )
        return int(number)

    def _numbers(self, option: str, minimum: float, maximum: float) -> tuple[float, ...]:
        """A list with commas in between; none of them twice, in the order given."""
        text = self._options[option]
        try:
            numbers = tuple(dict.fromkeys(float(part) for part in text.split(",")))
        except ValueError:
            numbers = ()
        if not numbers or not all(minimum <= number <= maximum for number in numbers):
            span = f"from {minimum:g} to {maximum:g}"
            raise Mistake(f"workload {self.name}: {option}: expected numbers {span} with commas, received {text!r}")
        return numbers
