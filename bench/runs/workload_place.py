"""WorkloadPlace: laps of a workload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.results.dataset_digest import dataset_digest
from vecdb.bench.runs.messages import Built, Measured, Reply, Work
from vecdb.bench.runs.run_settings import RunSettings
from vecdb.bench.runs.versions import are_current
from vecdb.bench.workloads.cost import build_measurements
from vecdb.bench.workloads.readings_file import Readings, read_readings_file, readings_path, write_readings
from vecdb.bench.workloads.workload import Measurement


class WorkloadPlace:
    """The laps of one Readings. Mistake where its file is not one of ours, unless it is to be replaced."""

    def __init__(
        self, settings: RunSettings, dataset: Dataset, definition: Definition, query_arguments: tuple[Any, ...]
    ) -> None:
        assert settings.workload is not None, "searching has a place of its own"
        self._settings = settings
        self._dataset = dataset
        self._definition = definition
        self._query_arguments = query_arguments
        self._versions: dict[str, str] = {}
        self._build: list[Measurement] = []
        self._session = settings.session
        self._lap_sessions: tuple[str, ...] = ()
        self._laps: tuple[tuple[Measurement, ...], ...] = ()
        self._path = readings_path(settings.results, self._readings())
        if not settings.force and self._path.exists():
            earlier = read_readings_file(self._path)
            if self._same_setting(earlier):
                self._laps, self._versions = earlier.laps, dict(earlier.versions)
                self._lap_sessions = earlier.lap_sessions

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def title(self) -> str:
        """The workload, the algorithm and its query arguments."""
        asked = " ".join(str(each) for each in self._query_arguments)
        return f"{self._settings.workload}: {self._definition.name} {asked}".strip()

    @property
    def laps_done(self) -> int:
        """Laps in the file with these options, versions, threads and data, on such a machine."""
        return len(self._laps)

    def begin(self, built: Built) -> None:
        """Drops the laps of other versions. Each lap keeps what the build took, unless the workload timed its own."""
        if self._versions != dict(built.versions):
            self._laps = self._lap_sessions = ()
        self._session = built.session or self._settings.session
        self._versions = dict(built.versions)
        if built.build_seconds:
            self._build = build_measurements(
                built.build_seconds,
                built.build_cpu_seconds,
                built.index_bytes,
                built.memory_after_build_bytes,
                built.memory_peak_bytes,
            )

    def command(self) -> Work:
        """One lap."""
        return Work(self._query_arguments, self._settings.count)

    def record(self, reply: Reply) -> None:
        """Adds a lap."""
        assert isinstance(reply, Measured), "a lap of a workload"
        self._laps = (*self._laps, (*reply.measurements, *self._build))
        self._lap_sessions = (*self._lap_sessions, self._session)
        write_readings(self._settings.results, self._readings())

    def _readings(self) -> Readings:
        settings = self._settings
        assert settings.workload is not None, "searching has a place of its own"
        return Readings(
            dataset=self._dataset.name,
            count=settings.count,
            workload=settings.workload,
            algorithm=self._definition.name,
            arguments=self._definition.arguments,
            query_arguments=self._query_arguments,
            options=settings.options,
            laps=self._laps,
            metric=self._dataset.metric,
            threads=settings.threads,
            versions=self._versions,
            machine=settings.machine,
            session=self._session,
            started=settings.started,
            lap_sessions=self._lap_sessions,
            dataset_digest=dataset_digest(self._dataset),
        )

    def _same_setting(self, earlier: Readings) -> bool:
        settings = self._settings
        same_machine = earlier.machine.get("CPU") == settings.machine.get("CPU")
        same_options = dict(earlier.options) == dict(settings.options)
        same_set = earlier.dataset_digest == dataset_digest(self._dataset)
        same_threads = earlier.threads == settings.threads
        return same_machine and same_options and same_threads and same_set and are_current(earlier.versions)
