"""Where the database is, and how a case builds and searches its index."""

from pydantic import BaseModel, SecretStr
from vectordb_bench.backend.clients.api import DBCaseConfig, DBConfig, MetricType

METRICS = {MetricType.COSINE: "cosine", MetricType.L2: "l2", MetricType.IP: "dot", MetricType.DP: "dot"}


class VecdbConfig(DBConfig):
    """`uri` is what vecdb.connect() takes: grpc://host:port, grpcs://host:port, or a folder.

    A folder has one process that writes, so cases that search from several processes want a server.
    """

    uri: str = "grpc://localhost:6339"
    api_key: SecretStr | None = None

    def to_dict(self) -> dict:
        """The arguments of vecdb.connect()."""
        key = None if self.api_key is None else self.api_key.get_secret_value()
        return {"uri": self.uri, "api_key": key}


class VecdbHnswConfig(BaseModel, DBCaseConfig):
    """The graph; without an ef a search reaches for `recall`."""

    metric_type: MetricType | None = None
    m: int = 16
    ef_construction: int = 200
    ef: int | None = None
    recall: float = 0.95

    def index_param(self) -> dict:
        """The collection's metric and the arguments of vecdb.Hnsw; ValueError for a metric that vecdb has not."""
        metric_type = self.metric_type or MetricType.COSINE
        if metric_type not in METRICS:
            raise ValueError(f"metric: expected one of {' '.join(METRICS)}, received {metric_type}")
        return {"metric": METRICS[metric_type], "m": self.m, "ef_construction": self.ef_construction}

    def search_param(self) -> dict:
        """The arguments of search() beside the query and k."""
        return {"recall": self.recall} if self.ef is None else {"ef": self.ef}
