"""A server that answers every call with the same bytes: what gRPC itself costs.

`python -m vecdb.bench.promises.echo_server KIND REPLY PORT`: "plain" is gRPC as anyone would write it; "tuned" has the
transport settings and the lane of a vecdb server, without its gate, so that nothing but gRPC and the lane is left.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import grpc

WORKERS: Final = 8


def plain_server(reply: bytes) -> grpc.Server:
    """Eight threads, and nothing set."""
    import grpc

    server = grpc.server(ThreadPoolExecutor(WORKERS))
    server.add_generic_rpc_handlers((_echo(reply),))
    return server


def tuned_server(reply: bytes) -> grpc.Server:
    """As a vecdb server is set by default."""
    from vecdb.server.admission import Admission
    from vecdb.server.server import _options as transport_options
    from vecdb.server.settings import ServerSettings

    import grpc  # isort: skip  # after the server, which may import it in its own way

    settings = ServerSettings(data=":memory:")
    server = grpc.server(Admission.of(settings).search, options=transport_options(settings))
    server.add_generic_rpc_handlers((_echo(reply),))
    return server


def main() -> None:
    """Serves until it is ended."""
    kind, reply, port = sys.argv[1:]
    server = {"plain": plain_server, "tuned": tuned_server}[kind](Path(reply).read_bytes())
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def _echo(reply: bytes) -> grpc.GenericRpcHandler:
    import grpc

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:  # noqa: ARG001
        return reply

    return grpc.method_handlers_generic_handler(
        "vecdb.bench.Echo", {"Echo": grpc.unary_unary_rpc_method_handler(answer)}
    )


if __name__ == "__main__":
    main()
