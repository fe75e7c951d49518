"""Records: everything that was measured as flat rows, for a spreadsheet, a program or a page."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from vecdb.bench.pages.measured_set import MeasuredSet
from vecdb.bench.pages.points import Point, arguments_text, metric_heading
from vecdb.bench.pages.spread import number_text
from vecdb.bench.pages.table import Table
from vecdb.bench.results.metrics import METRICS
from vecdb.bench.workloads.readings_file import Readings

Record: TypeAlias = dict[str, Any]

SEARCH: Final = "search"
BATCH: Final = "batch"
TEXT_COLUMNS: Final = ("workload", "algorithm", "arguments", "query_arguments")


def records(found: Iterable[MeasuredSet], workload: str | None = None) -> list[Record]:
    """One record for each result with every metric, and for each reading's measurement; all workloads, or one.

    Results are of the workloads "search" and "batch". Figures that are none are None, as JSON has no infinity.
    """
    everything = [
        record
        for each in found
        for record in (
            *(_of_point(point) for point in each.points),
            *(record for readings in each.readings.values() for own in readings for record in _of_readings(own)),
        )
    ]
    return [record for record in everything if workload in (None, record["workload"])]


def as_json(rows: Sequence[Record]) -> str:
    """A JSON array of objects."""
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(rows: Sequence[Record]) -> str:
    """A header and a line for each record; arguments, versions and facts of the machine are JSON in their cells."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _csv_cell(value) for name, value in row.items()} for row in rows)
    return buffer.getvalue()


def as_markdown(found: Iterable[MeasuredSet], workload: str | None = None) -> str:
    """A heading for each data set, a table of its results and one of its readings."""
    parts = []
    for each in found:
        rows = records([each], workload)
        results = [row for row in rows if row["workload"] in (SEARCH, BATCH)]
        readings = [row for row in rows if row["workload"] not in (SEARCH, BATCH)]
        tables = [_table(results, tuple(METRICS)), _table(readings, ("measurement", "unit", "value", "low", "high"))]
        parts.append(f"## {each.dataset}, {each.count} neighbours")
        parts += [table.markdown() for table in tables if table.rows]
    return "\n\n".join(parts) + "\n"


def _of_point(point: Point) -> Record:
    result = point.result
    return {
        **_common(result, BATCH if result.batch else SEARCH),
        "laps": len(result.laps),
        "asked": len(result.neighbors),
        "queries": point.queries,
        "qps-least": result.qps_least,
        "qps-most": result.qps_most,
        "reported_index_bytes": result.reported_index_bytes,
        **{name: _finite(value) for name, value in point.values.items()},
    }


def _of_readings(readings: Readings) -> list[Record]:
    return [
        {
            **_common(readings, readings.workload),
            "laps": len(readings.laps),
            "options": dict(readings.options),
            "measurement": measurement.name,
            "unit": measurement.unit,
            "better": measurement.better,
            "value": _finite(measurement.value),
            "low": _finite(min(readings.values(measurement.name))),
            "high": _finite(max(readings.values(measurement.name))),
        }
        for measurement in readings.medians()
    ]


def _common(measured: Any, workload: str) -> Record:
    """What results and readings have alike."""
    return {
        "dataset": measured.dataset,
        "count": measured.count,
        "workload": workload,
        "algorithm": measured.algorithm,
        "arguments": list(measured.arguments),
        "query_arguments": list(measured.query_arguments),
        "threads": measured.threads,
        "session": measured.session,
        "started": datetime.fromtimestamp(measured.started, UTC).isoformat(timespec="seconds"),
        "versions": dict(measured.versions),
        "machine": dict(measured.machine),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _csv_cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list) else value


def _table(rows: Sequence[Record], columns: Sequence[str]) -> Table:
    marked = [{**row, "algorithm": f"{row['algorithm']} †"} if _partial(row) else row for row in rows]
    return Table(
        headings=[*TEXT_COLUMNS, *map(metric_heading, columns)],
        rows=[[_table_cell(row[name]) for name in (*TEXT_COLUMNS, *columns)] for row in marked],
        text_columns=len(TEXT_COLUMNS),
        notes=["† asked only the first of the set's queries"] if any(map(_partial, rows)) else [],
    )


def _partial(row: Record) -> bool:
    return bool(row.get("asked", 0) < row.get("queries", 0))


def _table_cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return arguments_text(value)
    return value if isinstance(value, str) else number_text(float(value))
