"""Tokens made by hand, from RFC 7515 and without the library that verifies them; and keys to sign with."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Sign = Callable[[bytes], bytes]
AnyPrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

SECRET = b"0123456789abcdef0123456789abcdef-shared"
RSA_KEY = rsa.generate_private_key(65_537, 2_048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def token(claims: object, sign: Sign, algorithm: str | None, **header: object) -> str:
    """The compact form of a token; `algorithm` None leaves alg out of the header."""
    head = {"typ": "JWT", **({} if algorithm is None else {"alg": algorithm}), **header}
    text = f"{segment(json.dumps(head).encode())}.{segment(json.dumps(claims).encode())}"
    return f"{text}.{segment(sign(text.encode()))}"


def segment(content: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def by_secret(secret: bytes) -> Sign:
    """HS256."""
    return lambda text: hmac.new(secret, text, sha256).digest()


def by_rsa(text: bytes) -> bytes:
    """RS256."""
    return RSA_KEY.sign(text, padding.PKCS1v15(), hashes.SHA256())


def by_curve(text: bytes) -> bytes:
    """ES256: the two numbers side by side."""
    r, s = decode_dss_signature(EC_KEY.sign(text, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def by_edwards(text: bytes) -> bytes:
    """EdDSA."""
    return ED_KEY.sign(text)


def public_pem(key: AnyPrivateKey) -> bytes:
    """The public half."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def private_pem(key: AnyPrivateKey, password: bytes | None = None) -> bytes:
    """Both halves; under a password if there is one."""
    lock: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
