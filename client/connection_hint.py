"""What to look at when no connection comes about: gRPC knows what happened, not which setting would mend it."""

from __future__ import annotations

from vecdb.client.settings import ClientSettings


def connection_hint(reason: str, settings: ClientSettings) -> str:
    """What may be wrong with these settings, to be put after gRPC's reason; "" if nothing comes to mind."""
    if "failed to connect" not in reason:
        return ""
    if not settings.address.tls:
        closed = "Socket closed" in reason and not settings.address.target.startswith("unix:")
        return "; if the server uses TLS, its address begins with grpcs://" if closed else ""
    if "WRONG_VERSION_NUMBER" in reason:
        return "; the server does not use TLS, so its address begins with grpc://"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        known = "no authority of this system" if settings.tls_ca is None else "none of tls_ca"
        return f"; the server's certificate is for another name, has expired, or was signed by {known}"
    if "Socket closed" in reason:
        if settings.tls_certificate is None:
            return "; if the server asks for a client certificate, it is given by tls_certificate and tls_key"
        return "; if the server asks for a client certificate, this one may not be of an authority that it knows"
    return ""
