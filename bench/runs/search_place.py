"""SearchPlace: laps of plain searching, single or in batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.results.dataset_digest import dataset_digest
from vecdb.bench.results.result import Lap, Result
from vecdb.bench.results.result_file import arguments_file, arguments_path, read_result, results_folder, write_result
from vecdb.bench.runs.answers import checked_answers
from vecdb.bench.runs.messages import Answered, Built, Reply, Search
from vecdb.bench.runs.run_settings import RunSettings
from vecdb.bench.runs.versions import are_current

LATER_RATIO: Final = 4.0  # later laps ask as many queries as the first did, and may take this much longer


class SearchPlace:
    """The laps of one Result. Mistake where its file is not one of ours, unless it is to be replaced.

    `apart`: another place of the session, with other arguments, has the file's usual name.
    """

    def __init__(
        self,
        settings: RunSettings,
        dataset: Dataset,
        definition: Definition,
        query_arguments: tuple[Any, ...],
        *,
        apart: bool = False,
    ) -> None:
        self._settings = settings
        self._dataset = dataset
        self._definition = definition
        self._query_arguments = query_arguments
        self._built: Built | None = None
        folder = results_folder(settings.results, dataset.name, settings.count, definition.name, settings.batch)
        self._path = arguments_path(folder, definition.arguments, query_arguments)
        if apart:
            self._path = folder / arguments_file(definition.arguments, query_arguments, apart=True)
        self._result: Result | None = None
        if not settings.force and self._path.exists():
            self._result = self._same_setting(read_result(self._path))

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def title(self) -> str:
        """The algorithm and its query arguments."""
        asked = " ".join(str(each) for each in self._query_arguments)
        return f"{self._definition.name} {asked}".strip()

    @property
    def laps_done(self) -> int:
        """Laps in the file of these versions and this data set, taken on such a machine, with the same bounds."""
        return 0 if self._result is None else len(self._result.laps)

    def begin(self, built: Built) -> None:
        """Drops the laps of other versions."""
        self._built = built
        if self._result is not None and dict(self._result.versions) != dict(built.versions):
            self._result = None

    def command(self) -> Search:
        """As many queries as fit the time; after the first lap, the same ones again."""
        first = self._result is None
        return Search(
            query_arguments=self._query_arguments,
            count=self._settings.count,
            batch=self._settings.batch,
            queries=self._settings.queries if self._result is None else len(self._result.neighbors),
            seconds=self._settings.lap_seconds * (1.0 if first else LATER_RATIO),
            repeat_seconds=self._settings.lap_seconds,
        )

    def record(self, reply: Reply) -> None:
        """Adds a lap; WrongAnswer."""
        assert isinstance(reply, Answered), "the reply to Search"
        assert self._built is not None, "begin() comes first"
        neighbors, distances = checked_answers(self._dataset, reply.neighbors, self._settings.count)
        built, earlier, settings = self._built, self._result, self._settings
        if earlier is not None and len(earlier.neighbors) > len(neighbors):
            neighbors, distances = earlier.neighbors, earlier.distances
        session = built.session or settings.session
        lap = Lap(reply.seconds, reply.cpu_seconds, reply.times, session)
        self._result = Result(
            dataset=self._dataset.name,
            metric=self._dataset.metric,
            count=settings.count,
            algorithm=self._definition.name,
            arguments=self._definition.arguments,
            query_arguments=self._query_arguments,
            batch=settings.batch,
            threads=settings.threads,
            build_seconds=built.build_seconds,
            build_cpu_seconds=built.build_cpu_seconds,
            index_bytes=built.index_bytes,
            reported_index_bytes=built.reported_index_bytes,
            memory_after_build_bytes=built.memory_after_build_bytes,
            memory_peak_bytes=max(built.memory_peak_bytes, reply.memory_peak_bytes),
            laps=(*(() if earlier is None else earlier.laps), lap),
            neighbors=neighbors,
            distances=distances,
            versions=built.versions,
            machine=settings.machine,
            started=settings.started,
            session=session,
            query_limit=settings.queries,
            lap_seconds=settings.lap_seconds,
            set_queries=len(self._dataset.test),
            dataset_digest=dataset_digest(self._dataset),
            build_session=session,
        )
        write_result(settings.results, self._result, self._path)

    def _same_setting(self, result: Result) -> Result | None:
        settings = self._settings
        then = (result.machine.get("CPU"), result.threads, result.query_limit, result.lap_seconds)
        now = (settings.machine.get("CPU"), settings.threads, settings.queries, settings.lap_seconds)
        same_set = result.dataset_digest == dataset_digest(self._dataset)
        return result if then == now and same_set and are_current(result.versions) else None
