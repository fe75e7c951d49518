"""Authenticator: from what a call carries to who is calling; the first thing that happens to a call."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from vecdb.errors import InvalidArgument, InvalidValue, Unauthenticated
from vecdb.server.api_keys import PREFIX
from vecdb.server.key_ring import KeyRing
from vecdb.server.principal import ANYONE, EXPIRED, INVALID, TEXT_MAXIMUM, Principal, Role
from vecdb.server.settings import ServerSettings

if TYPE_CHECKING:
    from vecdb.server.tokens import TokenVerifier

_MISSING: Final = "credentials are required: authorization: Bearer <key or token>"
_SEVERAL: Final = "more than one credential"
_NAMELESS: Final = "the certificate names nobody"


class Authenticator:
    """Knows callers by API key, by token, or by certificate; with none of them configured, everybody is ANYONE."""

    def __init__(
        self, keys: KeyRing | None = None, tokens: TokenVerifier | None = None, certificate_role: Role | None = None
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._certificate_role = certificate_role
        self._open = keys is None and tokens is None and certificate_role is None

    @classmethod
    def of(cls, settings: ServerSettings) -> Authenticator:
        """As the settings say; reads the files that they name. Corrupted, InvalidValue, StorageFailed."""
        keys = KeyRing(settings.api_keys) if settings.api_keys is not None else None
        role = Role.of(settings.tls_client_role) if settings.tls_client_ca is not None else None
        return cls(keys, _verifier(settings), role)

    def identify(
        self, metadata: Iterable[tuple[str, str | bytes]], certificate_names: Sequence[str | bytes] | None = None
    ) -> Principal:
        """Who is calling, by the call's metadata and the names in a verified client certificate. Unauthenticated.

        The reason never tells a wrong id from a wrong secret. A key or token goes before the certificate; a wrong one
        is refused, whatever the certificate says.
        """
        if self._open:
            return ANYONE
        given: str | bytes | None = None
        for name, value in metadata:
            if name in ("authorization", "x-api-key"):
                if given is not None:
                    raise Unauthenticated(reason=_SEVERAL)
                given = value if name == "x-api-key" else _bearer(value)
        if given is None:
            return self._by_certificate(certificate_names)
        if not isinstance(given, str):
            raise Unauthenticated(reason=INVALID)
        if given.startswith(PREFIX):
            principal = self._keys.find(given) if self._keys is not None else None
        else:
            principal = self._tokens.verify(given) if self._tokens is not None else None
        if principal is None:
            raise Unauthenticated(reason=INVALID)
        if principal.expires is not None and time.time() >= principal.expires:
            raise Unauthenticated(reason=EXPIRED)
        return principal

    def _by_certificate(self, names: Sequence[str | bytes] | None) -> Principal:
        if self._certificate_role is None or names is None:
            raise Unauthenticated(reason=_MISSING)
        for name in names:
            text = name if isinstance(name, str) else name.decode("utf-8", "replace")
            try:
                return Principal(name=text[:TEXT_MAXIMUM], role=self._certificate_role)
            except InvalidArgument:
                continue  # not a line of text: perhaps the next
        raise Unauthenticated(reason=_NAMELESS)


def _verifier(settings: ServerSettings) -> TokenVerifier | None:
    if settings.jwt_key_file is None or settings.jwt_algorithm is None:
        return None
    try:  # only servers that take tokens need the libraries for them
        from vecdb.server.tokens import TokenVerifier
    except ImportError as error:
        expected = f"the packages that verify tokens to be installed (pyjwt, cryptography): {error}"
        raise InvalidValue(argument="jwt_key_file", expected=expected, received=settings.jwt_key_file) from error
    return TokenVerifier(settings.jwt_key_file, settings.jwt_algorithm, settings.jwt_issuer, settings.jwt_audience)


def _bearer(value: str | bytes) -> str | bytes:
    if isinstance(value, str) and value[:7].lower() == "bearer ":
        return value[7:].strip()
    raise Unauthenticated(reason=INVALID)
