"""The protocol of vecdb over gRPC: messages (v1/), and the one mapping of them to vecdb's own types."""

from typing import Final

PROTOCOL_MAJOR: Final = 1  # another one cannot be talked to
PROTOCOL_MINOR: Final = 1  # counts the additions
