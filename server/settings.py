"""ServerSettings: everything a server is told, complete and checked; each field is the one place of its default."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Final, Literal, get_type_hints

from vecdb import limits
from vecdb.errors import InvalidValue
from vecdb.server.setting import Bytes, Choice, Seconds, Setting, Switch, Text, Whole

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
LogMode = Literal["none", "slow", "all"]
RoleName = Literal["read", "write", "admin"]


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_FILE: Final = Text("the path of a file", "FILE")
_WORKERS: Final = Whole(1, limits.THREADS_MAXIMUM)
_DATA, _NET, _TLS, _WHO, _LOAD = "database", "network", "TLS", "who may call", "load"
_CALL, _TIME, _SEEN = "one call", "times", "what is seen of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """A server's configuration, valid once it exists. InvalidType, InvalidValue(argument=the field's name)."""

    data: Annotated[str, Setting(_DATA, Text("a folder, or :memory:", "FOLDER"), "folder of the database, or :memory:")]
    read_only: Annotated[bool, Setting(_DATA, Switch(), "serve the last checkpoint, beside another writer")] = False
    durability: Annotated[
        Literal["sync", "async"],
        Setting(_DATA, Choice(("sync", "async")), "async acknowledges writes before they are on disk"),
    ] = "sync"
    threads: Annotated[int, Setting(_DATA, _WORKERS, "threads that share a batch or build an index")] = field(
        default_factory=available_cores
    )

    host: Annotated[
        str, Setting(_NET, Text("an address or unix:PATH", "ADDRESS"), "what to listen on: an address, or unix:PATH")
    ] = "127.0.0.1"
    port: Annotated[int, Setting(_NET, Whole(0, 65_535), "port; 0 takes one that is free")] = 6339
    connections: Annotated[int, Setting(_NET, Whole(1, 1_000_000), "connections open at once")] = 1_000
    insecure: Annotated[
        bool, Setting(_NET, Switch(), "listen beyond this machine without credentials, or take them without TLS")
    ] = False

    tls_certificate: Annotated[str | None, Setting(_TLS, _FILE, "the server's certificates, PEM", optional=True)] = None
    tls_key: Annotated[str | None, Setting(_TLS, _FILE, "its private key, PEM", optional=True)] = None
    tls_client_ca: Annotated[
        str | None, Setting(_TLS, _FILE, "clients must show a certificate that these sign, PEM", optional=True)
    ] = None
    tls_client_role: Annotated[
        RoleName,
        Setting(_TLS, Choice(("read", "write", "admin")), "role of a client known by its certificate alone"),
    ] = "read"

    api_keys: Annotated[str | None, Setting(_WHO, _FILE, "API keys: see vecdb keys", optional=True)] = None
    jwt_key_file: Annotated[
        str | None, Setting(_WHO, _FILE, "what tokens are verified with: a public key, PEM, or a secret", optional=True)
    ] = None
    jwt_algorithm: Annotated[
        Algorithm | None,
        Setting(_WHO, Choice(("HS256", "RS256", "ES256", "EdDSA")), "the one algorithm of tokens", optional=True),
    ] = None
    jwt_issuer: Annotated[str | None, Setting(_WHO, Text(), "issuer that tokens must name", optional=True)] = None
    jwt_audience: Annotated[str | None, Setting(_WHO, Text(), "audience that tokens must name", optional=True)] = None

    search_workers: Annotated[int, Setting(_LOAD, _WORKERS, "calls that read at once")] = field(
        default_factory=available_cores
    )
    write_workers: Annotated[int, Setting(_LOAD, _WORKERS, "calls that write at once; they wait for the disk")] = 16
    streams: Annotated[int, Setting(_LOAD, _WORKERS, "streams open at once")] = 64
    queue: Annotated[int, Setting(_LOAD, Whole(0, 100_000), "calls that may wait, of each of the two kinds")] = 64
    queue_seconds: Annotated[
        float, Setting(_LOAD, Seconds(0.001, 3_600), "a call that would wait longer, by what calls took, is refused")
    ] = 0.5
    in_flight_bytes: Annotated[
        int, Setting(_LOAD, Bytes(1 << 16, 1 << 40), "requests that are worked on at once, their bytes together")
    ] = 1 << 30

    message_bytes: Annotated[int, Setting(_CALL, Bytes(1 << 16, 1 << 30), "one message")] = 64 << 20
    k_maximum: Annotated[int, Setting(_CALL, Whole(1, limits.K_MAXIMUM), "results of a query")] = limits.K_MAXIMUM
    ef_maximum: Annotated[int, Setting(_CALL, Whole(1, limits.EF_MAXIMUM), "ef of a query")] = limits.EF_MAXIMUM
    queries_maximum: Annotated[int, Setting(_CALL, Whole(1, limits.QUERIES_MAXIMUM), "queries of a search")] = (
        limits.QUERIES_MAXIMUM
    )
    batch_rows: Annotated[int, Setting(_CALL, Whole(1, limits.BATCH_ROWS), "rows of a write")] = limits.BATCH_ROWS
    batch_bytes: Annotated[
        int, Setting(_CALL, Bytes(1 << 16, limits.BATCH_BYTES), "vectors and payloads of a write")
    ] = limits.BATCH_BYTES

    timeout_seconds: Annotated[
        float,
        Setting(_TIME, Seconds(0.001, limits.TIMEOUT_SECONDS), "the longest deadline, and that of calls without one"),
    ] = 60.0
    keepalive_seconds: Annotated[float, Setting(_TIME, Seconds(1, 86_400), "silence before a ping")] = 60.0
    idle_seconds: Annotated[float, Setting(_TIME, Seconds(1, 86_400), "a connection without calls is closed")] = 3_600.0
    stream_idle_seconds: Annotated[float, Setting(_TIME, Seconds(1, 86_400), "a silent stream is ended")] = 300.0
    drain_seconds: Annotated[float, Setting(_TIME, Seconds(0, 3_600), "what is running may finish at the end")] = 10.0

    reflection: Annotated[bool, Setting(_SEEN, Switch(), "describe the protocol to those who ask")] = False
    metrics_port: Annotated[
        int, Setting(_SEEN, Whole(0, 65_535), "port of /metrics and /healthz on 127.0.0.1; 0 for none")
    ] = 0
    log: Annotated[
        LogMode, Setting(_SEEN, Choice(("none", "slow", "all")), "calls to log; slow adds those that fail inside")
    ] = "slow"
    slow_seconds: Annotated[float, Setting(_SEEN, Seconds(0, 3_600), "a call that takes longer is slow")] = 1.0

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            setting.check(name, getattr(self, name))
        self._check_files()
        self._check_reach()

    @property
    def address(self) -> str:
        """What gRPC listens on: "127.0.0.1:6339", "[::1]:6339" or "unix:/run/vecdb.sock"."""
        if self.host.startswith("unix:"):
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def has_credentials(self) -> bool:
        """Whether callers have to say who they are."""
        return self._takes_secrets or self.tls_client_ca is not None

    @property
    def _takes_secrets(self) -> bool:
        return self.api_keys is not None or self.jwt_key_file is not None

    def _check_files(self) -> None:
        if self.read_only and self.data == ":memory:":
            raise InvalidValue(argument="read_only", expected="false for :memory:, which starts empty", received=True)
        for name, needed in _NEEDS:
            if getattr(self, name) is not None and getattr(self, needed) is None:
                raise InvalidValue(argument=needed, expected=f"a value, since {name} is set", received=None)
        for name in ("message_bytes", "batch_bytes"):  # else what they allow would be refused for ever
            if self.in_flight_bytes < getattr(self, name):
                expected = f"at least {name}, {getattr(self, name)}"
                raise InvalidValue(argument="in_flight_bytes", expected=expected, received=self.in_flight_bytes)
        if self.metrics_port and self.metrics_port == self.port:
            raise InvalidValue(argument="metrics_port", expected="another port", received=self.metrics_port)

    def _check_reach(self) -> None:
        if ":" in self.host and not self.host.startswith("unix:") and not _is_address(self.host):
            raise InvalidValue(argument="host", expected="a name, an address or unix:PATH", received=self.host)
        if self.insecure or is_loopback(self.host):
            return
        if not self.has_credentials:
            expected = "a loopback address unless api_keys, jwt_key_file or tls_client_ca is set, or insecure"
            raise InvalidValue(argument="host", expected=expected, received=self.host)
        if self._takes_secrets and self.tls_certificate is None:
            expected = "a certificate, or keys and tokens cross the network in the clear (or insecure)"
            raise InvalidValue(argument="tls_certificate", expected=expected, received=None)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server at `host`: 127/8, ::1, localhost or unix:PATH, as written."""
    if host == "localhost" or host.startswith("unix:"):
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


# A setting that has no meaning without another.
_NEEDS: Final = (
    ("tls_certificate", "tls_key"),
    ("tls_key", "tls_certificate"),
    ("tls_client_ca", "tls_certificate"),
    ("jwt_key_file", "jwt_algorithm"),
    ("jwt_algorithm", "jwt_key_file"),
    ("jwt_issuer", "jwt_key_file"),
    ("jwt_audience", "jwt_key_file"),
)


def _table() -> Mapping[str, Setting]:
    hints = get_type_hints(ServerSettings, include_extras=True)
    return MappingProxyType({name: hint.__metadata__[0] for name, hint in hints.items()})


SETTINGS: Final = _table()
