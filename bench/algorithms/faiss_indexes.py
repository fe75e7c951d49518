"""Faiss: the exact scan, the graph, and inverted lists with codes that are re-ranked, all made by its index factory."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import faiss as untyped_faiss
import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.capabilities import Concurrent, Filterable, Stored
from vecdb.bench.algorithms.condition import Column, Condition
from vecdb.bench.algorithms.unit_rows import unit_rows
from vecdb.bench.disk import sync

faiss: Any = untyped_faiss  # its stubs lack what its classes are given as it loads

FILE: Final = "index.faiss"
ROWS_PER_LIST: Final = 39  # k-means warns below it
QUERY_BITS: Final = 4  # a component of the query, against RaBitQ's codes: Faiss' own default, and its fastest


class FaissIndex(Algorithm, Stored, Filterable, Concurrent):
    """One index of the factory; angular is the dot product over unit rows.

    Faiss has no durable form that grows: ingest() builds from all the batches and writes one file at its end.
    """

    library: ClassVar[str] = "faiss-cpu"

    def __init__(self, metric: Metric, threads: int) -> None:
        super().__init__(metric, threads)
        self._index: Any = None
        self._attributes: Mapping[str, Column] = {}
        self._parameters: Any = None  # of every search; None leaves what the index itself is set to
        self._selector: Any = None
        self._query_arguments: tuple[Any, ...] = ()

    @abstractmethod
    def factory(self, X: Floats) -> str:
        """What index_factory is given for the rows X (n, d)."""

    @abstractmethod
    def search_parameters(self, selector: Any) -> Any:
        """The query arguments as Faiss' parameters of one search, for the rows of `selector`."""

    def tune(self, index: Any) -> None:
        """Sets what the factory does not, before training."""

    def fit(self, X: Floats) -> None:
        """train, then add, with `threads` threads."""
        faiss.omp_set_num_threads(self.threads)
        metric = faiss.METRIC_L2 if self.metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
        self._index = faiss.index_factory(X.shape[1], self.factory(X), metric)
        self.tune(self._index)
        rows = unit_rows(X) if self.metric == "angular" else X
        self._index.train(rows)
        self._index.add(rows)

    def fit_attributes(self, X: Floats, attributes: Mapping[str, Column]) -> None:
        """fit(X); Faiss has no attributes, they are kept for set_filter()."""
        self.fit(X)
        self._attributes = attributes

    def set_query_arguments(self, *arguments: Any) -> None:
        """Kept, and made Faiss' parameters of a search."""
        self._query_arguments = arguments
        self._parameters = self.search_parameters(self._selector)

    def set_filter(self, condition: Condition) -> None:
        """A bitmap of the rows; it is asked for each row that a search visits."""
        self._selector = None
        if condition.tests:
            allowed = condition.matches(self._attributes, self._index.ntotal)
            self._selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        self._parameters = self.search_parameters(self._selector)

    def query(self, q: Floats, k: int) -> Ints:
        """search of one row. The number of OpenMP threads belongs to the calling thread: setting it takes 0.1 us."""
        faiss.omp_set_num_threads(1)
        ids = self._index.search(q[np.newaxis], k, params=self._parameters)[1][0]
        return cast(Ints, ids if ids[-1] >= 0 else ids[ids >= 0])

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """One search of all; Faiss too says -1 for a place without a row."""
        faiss.omp_set_num_threads(self.threads)
        return cast(Ints, self._index.search(Q, k, params=self._parameters)[1])

    def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
        """Rows by the order of their ids, which must be 0 .. n-1; ValueError."""
        taken = list(batches)
        ids = np.concatenate([each for each, _ in taken])
        order = np.argsort(ids)
        if not np.array_equal(ids[order], np.arange(len(ids))):
            raise ValueError(f"expected the ids 0 .. {len(ids) - 1}, received {ids.min()} .. {ids.max()}")
        self.fit(np.concatenate([X for _, X in taken])[order])
        faiss.write_index(self._index, str(folder / FILE))
        sync(folder / FILE)

    def reopen(self, folder: Path) -> None:
        """read_index of what ingest() wrote."""
        self._index = faiss.read_index(str(folder / FILE))
        self._parameters = self.search_parameters(self._selector)

    def close(self) -> None:
        """Frees the index."""
        self._index = None


class FaissFlat(FaissIndex):
    """The exact scan, over float32. No query arguments."""

    def factory(self, X: Floats) -> str:  # noqa: ARG002
        """Flat."""
        return "Flat"

    def search_parameters(self, selector: Any) -> Any:
        """Nothing but the selector."""
        return None if selector is None else faiss.SearchParameters(sel=selector)


class FaissHnsw(FaissIndex):
    """The graph over float32 (`storage` Flat) or 8-bit codes (SQ8), never re-ranked; the query argument is `efSearch`.

    Over SQ8 the recall has an end below 1.
    """

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        self._m: int = build["M"]
        self._ef_construction: int = build["efConstruction"]
        self._storage: str = build["storage"]

    def factory(self, X: Floats) -> str:  # noqa: ARG002
        """HNSW{M},{storage}."""
        return f"HNSW{self._m},{self._storage}"

    def tune(self, index: Any) -> None:
        """efConstruction, which the factory leaves at 40."""
        index.hnsw.efConstruction = self._ef_construction

    def search_parameters(self, selector: Any) -> Any:
        """efSearch."""
        (ef_search,) = self._query_arguments or (16,)
        return faiss.SearchParametersHNSW(efSearch=ef_search, sel=selector)


class FaissIvf(FaissIndex):
    """Inverted lists of codes, then a re-rank over float32; the query argument is a pair [nprobe, k_factor].

    `codes` is PQfs (product quantisation, 4 bits for two components, scanned in registers) or RaBitQ (1 bit a
    component, after a random rotation, without which the codes lose what they promise). Lists: the power of two nearest
    to 2.5 times the root of the rows. k_factor times k rows are re-ranked.
    """

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        self._codes: str = build["codes"]
        if self._codes == "RaBitQ" and not hasattr(faiss, "IVFRaBitQSearchParameters"):
            raise ImportError(f"Faiss {faiss.__version__} has no RaBitQ")  # it has from 1.11 on

    def factory(self, X: Floats) -> str:
        """IVF{lists},{codes},RFlat; RaBitQ's with a rotation before."""
        rows, dimension = X.shape
        lists = 2 ** round(math.log2(2.5 * math.sqrt(rows)))
        while lists > 1 and lists * ROWS_PER_LIST > rows:
            lists //= 2
        if self._codes == "RaBitQ":
            # RaBitQfs, its layout for many queries at once, was slower at equal recall: 1,244 against 1,597 queries a
            # second with [140, 48] on fashion-mnist, with the same rows found.
            return f"RR{dimension},IVF{lists},RaBitQ,RFlat"
        return f"IVF{lists},PQ{_subspaces(dimension)}x4fs,RFlat"

    def search_parameters(self, selector: Any) -> Any:
        """nprobe of the lists, k_factor of the re-rank."""
        ((nprobe, k_factor),) = self._query_arguments or ((1, 1),)
        if self._codes == "RaBitQ":
            codes = faiss.IVFRaBitQSearchParameters(nprobe=nprobe, sel=selector, qb=QUERY_BITS)
            lists = faiss.SearchParametersPreTransform(index_params=codes)
        else:
            lists = faiss.SearchParametersIVF(nprobe=nprobe, sel=selector)
        return faiss.IndexRefineSearchParameters(k_factor=k_factor, base_index_params=lists)


def _subspaces(dimension: int) -> int:
    """Parts of a product quantiser, of two components each where the dimension is even."""
    return dimension // 2 if dimension % 2 == 0 else dimension
