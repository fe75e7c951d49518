"""TokenVerifier: JSON web tokens (RFC 7519) into principals, under one algorithm and one key, both fixed at start."""

from __future__ import annotations

import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from vecdb.errors import InvalidArgument, InvalidValue, Unauthenticated
from vecdb.server.principal import EXPIRED, INVALID, Principal, Role
from vecdb.server.settings import Algorithm
from vecdb.storage.disk import disk_error

TOKENS_MAXIMUM: Final = 1_024  # verified tokens that are remembered
TOKEN_CHARACTERS: Final = 8_192  # no token is longer
_SECRET_BYTES: Final = 32  # of a shared secret, at least: as many as the digest of HS256 (RFC 7518, 3.2)
_RSA_BITS: Final = 2_048  # at least (RFC 7518, 3.3)
_KEY_FILE_BYTES: Final = 1 << 16

_Key = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | bytes


class TokenVerifier:
    """Verifies tokens and remembers them until they expire. InvalidValue for a key that does not fit the algorithm.

    A token must have exp, sub (the name) and role; nbf, iat, iss and aud are checked, tenant is taken over. Clocks are
    compared without leeway. The key file is read once.
    """

    def __init__(
        self, key_file: str | Path, algorithm: Algorithm, issuer: str | None = None, audience: str | None = None
    ) -> None:
        self._key = _read_key(Path(key_file), algorithm)
        self._algorithm = algorithm
        self._issuer = issuer
        self._audience = audience
        self._required = ["exp", "sub", "role", *(["iss"] if issuer else []), *(["aud"] if audience else [])]
        self._known: dict[bytes, Principal] = {}
        self._adding = threading.Lock()

    def verify(self, token: str) -> Principal:
        """Who the token says is calling. Unauthenticated."""
        if len(token) > TOKEN_CHARACTERS or not token.isascii():
            raise Unauthenticated(reason=INVALID)
        digest = sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known.expires is not None and time.time() < known.expires:
            return known
        principal = self._verified(token)
        with self._adding:
            while len(self._known) >= TOKENS_MAXIMUM:
                self._known.pop(next(iter(self._known)), None)
            self._known[digest] = principal
        return principal

    def _verified(self, token: str) -> Principal:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": self._required},
            )
            return _principal_of(claims)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(reason=EXPIRED) from None
        except (jwt.PyJWTError, InvalidArgument, ValueError, TypeError, ArithmeticError, RecursionError):
            # Whatever a token makes the parsers of JSON and base64 say, the token is at fault.
            raise Unauthenticated(reason=INVALID) from None


def _principal_of(claims: dict[str, Any]) -> Principal:
    tenant, expires = claims.get("tenant"), claims["exp"]
    if type(expires) not in (int, float):
        raise ValueError("exp is no number")
    return Principal(name=claims["sub"], role=Role.of(claims["role"]), tenant=tenant, expires=float(int(expires)))


def _read_key(path: Path, algorithm: Algorithm) -> _Key:
    try:
        with path.open("rb") as file:
            text = file.read(_KEY_FILE_BYTES)
    except OSError as error:
        raise disk_error(path, error) from error
    if algorithm == "HS256":
        secret = text.rstrip(b"\r\n")
        # A public key as the secret would let everybody who knows it make tokens.
        if len(secret) < _SECRET_BYTES or b"-----BEGIN" in secret or secret.startswith(b"ssh-"):
            raise _wrong_key(path, f"a secret of at least {_SECRET_BYTES} bytes, not a public key, for HS256")
        return secret
    try:
        key = load_pem_public_key(text)
    except (ValueError, TypeError, RecursionError):
        raise _wrong_key(path, f"a public key in PEM, for {algorithm}") from None
    if algorithm == "RS256" and isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS:
        return key
    if algorithm == "ES256" and isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    if algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey):
        return key
    forms = {"RS256": f"an RSA key of at least {_RSA_BITS} bits", "ES256": "a P-256 key", "EdDSA": "an Ed25519 key"}
    raise _wrong_key(path, f"{forms[algorithm]}, for {algorithm}")


def _wrong_key(path: Path, expected: str) -> InvalidValue:
    return InvalidValue(argument="jwt_key_file", expected=expected, received=str(path))
