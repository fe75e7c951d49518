"""A session: builds the algorithms one after the other, then takes their laps in turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.runs.answers import WrongAnswer
from vecdb.bench.runs.messages import Build, Built, Missing, Unsuited
from vecdb.bench.runs.place import Place
from vecdb.bench.runs.progress_line import ProgressLine, duration_text
from vecdb.bench.runs.run_settings import RunSettings
from vecdb.bench.runs.schedule import groups, turns
from vecdb.bench.runs.search_place import SearchPlace
from vecdb.bench.runs.worker_process import WorkerFailed, WorkerProcess

if TYPE_CHECKING:
    from vecdb.bench.runs.workload_place import WorkloadPlace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a session: laps that were taken, and what was not measured, with the reason."""

    laps: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Contestant:
    """One definition with its places; without a worker when it is not built or has failed."""

    definition: Definition
    places: list[Place]
    worker: WorkerProcess | None = None

    @property
    def title(self) -> str:
        """The algorithm with its build arguments."""
        return f"{self.definition.name}{list(self.definition.arguments)}"

    def need(self, runs: int) -> list[int]:
        """The laps that each place lacks."""
        return [max(0, runs - place.laps_done) for place in self.places]


def run_session(
    settings: RunSettings,
    dataset: Dataset,
    dataset_path: Path,
    definitions: Sequence[Definition],
    *,
    at_once: int,
    progress: ProgressLine,
) -> Outcome:
    """Takes every lap that is not in its file yet; `at_once` indexes at most are held at a time.

    The baseline is built with every group of the others and takes as many laps as they do, beyond `runs` if need be.
    What is absent, fails or takes too long is reported, and the rest goes on. Mistake for result files of others.
    """
    contestants = _contestants(settings, dataset, definitions)
    pending = [number for number, each in enumerate(contestants) if any(each.need(settings.runs))]
    names = [each.definition.name for each in contestants]
    baseline = names.index(settings.baseline) if settings.baseline in names else None
    outcome = Outcome()
    if pending and baseline is not None:
        pending = sorted({*pending, baseline})
    parts = groups(pending, baseline, at_once)
    for part, group in enumerate(parts, 1):
        if len(parts) > 1:
            progress.note(f"part {part} of {len(parts)}, for the memory that there is")
        session = f"{settings.session}/{part}" if len(parts) > 1 else settings.session
        with ExitStack() as workers:
            for place, number in enumerate(group, 1):
                progress.note(f"building {place} of {len(group)}: {contestants[number].title}")
                _build(settings, session, dataset, dataset_path, contestants[number], outcome, progress, workers)
            held = contestants[baseline] if baseline in group else None
            _laps(settings, [contestants[number] for number in group], held, outcome, progress)
    progress.end()
    return outcome


def _contestants(settings: RunSettings, dataset: Dataset, definitions: Sequence[Definition]) -> list[Contestant]:
    """The definitions with their places; what two of them would write to one file is measured once."""
    seen: dict[Path, str] = {}
    contestants = []
    for definition in definitions:
        places: list[Place] = []
        for query_arguments in definition.query_argument_groups or ((),):
            identity = json.dumps([definition.arguments, query_arguments], sort_keys=True)
            place = _place(settings, dataset, definition, query_arguments)
            if seen.get(place.path, identity) != identity and settings.workload is None:
                place = SearchPlace(settings, dataset, definition, query_arguments, apart=True)
            if place.path not in seen:
                seen[place.path] = identity
                places.append(place)
        if places:
            contestants.append(Contestant(definition, places))
    return contestants


def _place(
    settings: RunSettings, dataset: Dataset, definition: Definition, query_arguments: tuple[Any, ...]
) -> SearchPlace | WorkloadPlace:
    if settings.workload is None:
        return SearchPlace(settings, dataset, definition, query_arguments)
    from vecdb.bench.runs.workload_place import WorkloadPlace

    return WorkloadPlace(settings, dataset, definition, query_arguments)


def _build(
    settings: RunSettings,
    session: str,
    dataset: Dataset,
    dataset_path: Path,
    contestant: Contestant,
    outcome: Outcome,
    progress: ProgressLine,
    workers: ExitStack,
) -> None:
    """Starts a worker for the contestant, which stays as long as `workers`, and has it build; then it pauses."""
    worker = workers.enter_context(WorkerProcess(settings.threads))
    command = Build(
        definition=contestant.definition,
        dataset=dataset_path.absolute(),
        metric=dataset.metric,
        threads=settings.threads,
        scratch=worker.scratch,
        workload=settings.workload,
        options=settings.options,
    )
    try:
        reply = worker.ask(command, settings.timeout_seconds)
    except WorkerFailed as failure:
        _fail(contestant, contestant.title, failure, outcome, progress)
        worker.kill()
        return
    if isinstance(reply, Missing):
        outcome.absent[contestant.definition.name] = f"{reply.library}: {reply.why}"
    elif isinstance(reply, Unsuited):
        outcome.absent[contestant.definition.name] = f"it is not {', '.join(reply.needs)}"
    else:
        assert isinstance(reply, Built), "one of the replies to Build"
        contestant.worker = worker
        worker.pause()
        for place in contestant.places:
            place.begin(replace(reply, session=session))
        size = f"{reply.index_bytes / 2**20:,.0f} MiB"
        progress.note(f"  built in {duration_text(reply.build_seconds)}, {size}")
        return
    progress.note(f"  left out: {outcome.absent[contestant.definition.name]}")
    worker.close()


def _laps(
    settings: RunSettings,
    contestants: list[Contestant],
    baseline: Contestant | None,
    outcome: Outcome,
    progress: ProgressLine,
) -> None:
    """The laps of those that are built, each while all others are stopped; then their workers are closed."""
    built = [each for each in contestants if each.worker is not None]
    failed: set[Path] = set()
    needs = [each.need(settings.runs) for each in built]
    if baseline is not None and baseline.worker is not None:
        most = max(laps for own in needs for laps in own)
        needs[built.index(baseline)] = [most] * len(baseline.places)
    order = list(turns(needs))
    progress.begin()
    for done, turn in enumerate(order):
        contestant = built[turn.contestant]
        place = contestant.places[turn.place]
        if contestant.worker is None or place.path in failed:
            continue
        progress.step(done, len(order), place.title)
        try:
            place.record(contestant.worker.ask(place.command(), settings.timeout_seconds))
            outcome.laps.append(place.title)
        except WrongAnswer as wrong:
            failed.add(place.path)
            title = _full_title(contestant, place)
            outcome.failed[title] = str(wrong)
            progress.note(f"failed: {title}: {wrong}")
        except WorkerFailed as failure:
            failed.add(place.path)
            _fail(contestant, _full_title(contestant, place), failure, outcome, progress)
        if contestant.worker is not None:
            contestant.worker.pause()
    for contestant in built:
        if contestant.worker is not None:
            contestant.worker.close()
            contestant.worker = None


def _full_title(contestant: Contestant, place: Place) -> str:
    """With the build arguments, which tell places of one algorithm apart."""
    arguments = contestant.definition.arguments
    return f"{place.title} of {list(arguments)}" if arguments else place.title


def _fail(contestant: Contestant, title: str, failure: WorkerFailed, outcome: Outcome, progress: ProgressLine) -> None:
    outcome.failed[title] = failure.why
    progress.note(f"failed: {title}: {failure.why}")
    if failure.detail:
        progress.note("  " + failure.detail.replace("\n", "\n  "))
    if not failure.lives:
        contestant.worker = None
