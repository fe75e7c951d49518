"""How a channel to the server is made: its options, its credentials, and what its failures mean."""

from __future__ import annotations

from typing import Any, Final

from vecdb import limits
from vecdb.client.address import Address
from vecdb.client.connection_hint import connection_hint
from vecdb.client.grpc_module import grpc
from vecdb.client.settings import ClientSettings
from vecdb.errors import Error, Unavailable
from vecdb.proto.status import error_of
from vecdb.version import VERSION

RECEIVE_BYTES: Final = limits.BATCH_BYTES  # of one message; what is sent is split by the server's own limit before
KEEPALIVE_SECONDS: Final = 30
_DETAILS: Final = "grpc-status-details-bin"


def channel_options(address: Address) -> list[tuple[str, Any]]:
    """Options of gRPC's core, for both kinds of channel."""
    return [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", RECEIVE_BYTES),
        # A peer that is gone is found while a call waits for it, however long the call may take.
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_SECONDS * 1000 // 2),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.http2.max_pings_without_data", 0),
        # A server that is started again is found within a second or two.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A connection of its own: close() closes it, and what another database met does not count here.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.enable_http_proxy", 0 if address.loopback else 1),
        ("grpc.primary_user_agent", f"vecdb-python/{VERSION}"),
    ]


def channel_credentials(settings: ClientSettings) -> grpc.ChannelCredentials | None:
    """TLS against the given authorities, or the system's; None for a plain channel."""
    if not settings.address.tls:
        return None
    return grpc.ssl_channel_credentials(settings.tls_ca, settings.tls_key, settings.tls_certificate)


def call_metadata(settings: ClientSettings) -> tuple[tuple[str, str], ...]:
    """What every call carries."""
    return () if settings.api_key is None else (("authorization", f"Bearer {settings.api_key}"),)


def failure(error: Any, settings: ClientSettings, timeout_seconds: float | None) -> Error:
    """The error of vecdb for one that gRPC raised; of a connection that could not be made with what may be wrong."""
    trailing = error.trailing_metadata() or ()
    details = next((value for key, value in trailing if key == _DETAILS), None)
    target = settings.address.text
    found = error_of(error.code(), error.details() or "", details, target=target, timeout_seconds=timeout_seconds)
    if isinstance(found, Unavailable) and details is None:
        found.reason += connection_hint(found.reason, settings)
    return found
