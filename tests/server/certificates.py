"""Certificates for a test: an authority and what it signs, as PEM."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.server.signed_tokens import private_pem


@dataclass(frozen=True)
class Pem:
    """A certificate and its private key."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Writes NAME.pem and NAME.key."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        return certificate, key


class Authority:
    """Signs certificates for localhost."""

    def __init__(self, name: str = "test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._serial = 1
        ca = x509.BasicConstraints(ca=True, path_length=0)
        self.pem = _pem(_begun(self._name, self._name, self._key, 1).add_extension(ca, True).sign(self._key, _HASH))

    def issue(self, name: str) -> Pem:
        """A certificate of this common name, for localhost and 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        self._serial += 1
        hosts = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        begun = _begun(_named(name), self._name, key, self._serial).add_extension(hosts, False)
        return Pem(_pem(begun.sign(self._key, _HASH)), private_pem(key))


_HASH = hashes.SHA256()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, serial: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(serial).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
