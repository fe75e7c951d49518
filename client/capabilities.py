"""Capabilities: the server's version and limits, asked for when a client connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vecdb import limits
from vecdb.client.steps import Call, Verb
from vecdb.errors import Timeout, Unavailable, VersionMismatch
from vecdb.proto import PROTOCOL_MAJOR
from vecdb.proto.methods import METHODS
from vecdb.proto.v1 import admin_pb2

if TYPE_CHECKING:
    from vecdb.client.settings import ClientSettings

_MESSAGE_BYTES: Final = 4 << 20  # gRPC's own default: what any server takes
_MARGIN_BYTES: Final = 4096  # names and the frames of fields, beside what is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the server said of itself; the defaults are what holds before it has."""

    server_version: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)
    read_only: bool = False

    @property
    def message_bytes(self) -> int:
        """How much of ids, vectors, payloads and filters one message may hold."""
        return max(self.limits.get("MESSAGE_BYTES", _MESSAGE_BYTES) - _MARGIN_BYTES, 1)

    @property
    def batch_rows(self) -> int:
        """Rows of one upsert."""
        return max(1, min(self.limits.get("BATCH_ROWS", limits.BATCH_ROWS), limits.BATCH_ROWS))


def handshake(settings: ClientSettings) -> Verb[Capabilities]:
    """Verb: the server's capabilities. Unavailable, Unauthenticated; VersionMismatch for another protocol."""
    seconds = min(settings.connect_timeout_seconds, settings.timeout_seconds)
    try:
        answer = yield Call(METHODS["/vecdb.v1.Admin/GetCapabilities"], admin_pb2.GetCapabilitiesRequest(), seconds)
    except Timeout:
        reason = f"no answer within {seconds:g} seconds"
        raise Unavailable(target=settings.address.text, reason=reason) from None
    if answer.protocol_major != PROTOCOL_MAJOR:
        raise VersionMismatch(path=settings.address.text, found=answer.protocol_major, supported=PROTOCOL_MAJOR)
    return Capabilities(server_version=answer.server_version, limits=dict(answer.limits), read_only=answer.read_only)
