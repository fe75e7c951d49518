"""The interfaces that upstream/ is written for, as those projects publish them: stand-ins where they are not installed.

Names, arguments and results are theirs; what is behind is the least that lets a client run.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from vecdb.bench.fresh_process import resident_bytes


def provide_ann_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """ann_benchmarks.algorithms.base.module can be imported afterwards: theirs, or this one."""
    if find_spec("ann_benchmarks") is None:
        for name in ("ann_benchmarks", "ann_benchmarks.algorithms", "ann_benchmarks.algorithms.base"):
            _provide(monkeypatch, name, {})
        _provide(monkeypatch, "ann_benchmarks.algorithms.base.module", {"BaseANN": BaseANN})


def provide_vectordb_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client of VectorDBBench imports can be imported afterwards: theirs, or this."""
    if find_spec("vectordb_bench") is not None:
        return
    for name in ("vectordb_bench", "vectordb_bench.backend", "vectordb_bench.backend.clients"):
        _provide(monkeypatch, name, {})
    api = {"DBCaseConfig": DBCaseConfig, "DBConfig": DBConfig, "MetricType": MetricType, "VectorDB": VectorDB}
    _provide(monkeypatch, "vectordb_bench.backend.clients.api", api)
    _provide(monkeypatch, "vectordb_bench.backend.filter", {"Filter": Filter, "FilterOp": FilterOp})
    _provide(monkeypatch, "vectordb_bench.backend.payload", {"PayloadProfile": PayloadProfile})
    if find_spec("pydantic") is None:
        _provide(monkeypatch, "pydantic", {"BaseModel": BaseModel, "SecretStr": SecretStr})


def _provide(monkeypatch: pytest.MonkeyPatch, name: str, contents: Mapping[str, object]) -> None:
    module = ModuleType(name)
    module.__dict__.update(contents)
    monkeypatch.setitem(sys.modules, name, module)


class BaseANN:
    """ann-benchmarks: what its runner calls of an algorithm."""

    name = ""

    def done(self) -> None: ...

    def get_memory_usage(self) -> float | None:
        return resident_bytes() / 1024

    def fit(self, X: Any) -> None: ...

    @abstractmethod
    def query(self, q: Any, n: int) -> Any: ...

    def batch_query(self, X: Any, n: int) -> None: ...

    def get_batch_results(self) -> Any:
        return []

    def get_additional(self) -> dict[str, Any]:
        return {}

    def __str__(self) -> str:
        return self.name


class BaseModel:
    """pydantic: fields by name, defaults from the class."""

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            assert any(
                name in base.__annotations__ for base in type(self).__mro__[:-1] if hasattr(base, "__annotations__")
            )
            setattr(self, name, value)


class SecretStr:
    """pydantic: text that is not printed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        return self._text


class MetricType(str, Enum):  # noqa: UP042
    L2 = "L2"
    COSINE = "COSINE"
    IP = "IP"
    DP = "DP"
    HAMMING = "HAMMING"


class FilterOp(str, Enum):  # noqa: UP042
    NumGE = "NumGE"
    StrEqual = "Label"
    NonFilter = "NonFilter"


class PayloadProfile(str, Enum):  # noqa: UP042
    IDS_ONLY = "ids_only"


Filter = SimpleNamespace


class DBConfig(ABC, BaseModel):
    db_label: str = ""
    version: str = ""
    note: str = ""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]: ...


class DBCaseConfig(ABC):
    @abstractmethod
    def index_param(self) -> dict[str, Any]: ...

    @abstractmethod
    def search_param(self) -> dict[str, Any]: ...


class VectorDB(ABC):
    supported_filter_types: ClassVar[list[FilterOp]] = [FilterOp.NonFilter]
    name: str = ""
    thread_safe: bool = True

    @abstractmethod
    def __init__(self, dim: int, db_config: dict[str, Any], db_case_config: Any, collection_name: str) -> None: ...

    @classmethod
    def filter_supported(cls, filters: Any) -> bool:
        return filters.type in cls.supported_filter_types

    @abstractmethod
    def init(self) -> Any: ...

    @abstractmethod
    def insert_embeddings(self, embeddings: Any, metadata: Any, **kwargs: Any) -> tuple[int, Exception | None]: ...

    @abstractmethod
    def search_embedding(self, query: Any, k: int = 100, **kwargs: Any) -> list[int]: ...

    @abstractmethod
    def optimize(self, data_size: int | None = None) -> None: ...
