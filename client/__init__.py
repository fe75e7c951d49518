"""The client of a vecdb server: the same verbs as the embedded database, sync and async."""

from vecdb.client.grpc_module import grpc as grpc  # before anything else imports it

__all__ = ["grpc"]
