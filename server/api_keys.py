"""ApiKey: what a server keeps of an API key, a digest; and the key itself, vdb_<id>_<secret>, seen once."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from vecdb.errors import InvalidValue
from vecdb.server.principal import Role, check_line

PREFIX: Final = "vdb_"
SECRET_BYTES: Final = 32  # random, so that a plain digest is as good as a slow one: there is nothing to guess
KEY_CHARACTERS: Final = 128  # no key is longer
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)  # without "_", which ends it within a key
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FIELDS: Final = {"id", "sha256", "role", "tenant", "created", "expires"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as the server knows it; `sha256` is that of the secret, times are seconds since 1970. InvalidValue."""

    id: str
    sha256: str
    role: Role
    created: float
    tenant: str | None = None
    expires: float | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise InvalidValue(argument="id", expected="1 .. 32 of a-z, 0-9 and -", received=self.id)
        if not _DIGEST.fullmatch(self.sha256):
            raise InvalidValue(argument="sha256", expected="64 of 0-9, a-f", received=self.sha256)
        if self.tenant is not None:
            check_line("tenant", self.tenant)

    def to_fields(self) -> dict[str, str]:
        """As a line of the key file; what is None is left out."""
        line = {"id": self.id, "sha256": self.sha256, "role": self.role.text, "created": utc_text(self.created)}
        if self.tenant is not None:
            line["tenant"] = self.tenant
        if self.expires is not None:
            line["expires"] = utc_text(self.expires)
        return line

    @classmethod
    def of_fields(cls, line: object) -> ApiKey:
        """The key of a line of the key file. InvalidValue names the field."""
        if not isinstance(line, dict):
            raise InvalidValue(argument="line", expected="an object", received=type(line).__name__)
        for name in line.keys() - _FIELDS:
            raise InvalidValue(argument=str(name), expected=f"one of {', '.join(sorted(_FIELDS))}", received=name)
        tenant, expires = line.get("tenant"), line.get("expires")
        return cls(
            id=_text(line, "id"),
            sha256=_text(line, "sha256"),
            role=Role.of(line.get("role")),
            created=_seconds(line, "created"),
            tenant=None if tenant is None else _text(line, "tenant"),
            expires=None if expires is None else _seconds(line, "expires"),
        )


def new_key(
    role: Role, *, now: float, name: str | None = None, tenant: str | None = None, expires: float | None = None
) -> tuple[ApiKey, str]:
    """A key with a random secret: what to keep, and the text to hand out. Without `name` its id is random."""
    key_id = secrets.token_hex(4) if name is None else name
    secret = secrets.token_urlsafe(SECRET_BYTES)
    digest = sha256(secret.encode()).hexdigest()
    key = ApiKey(id=key_id, sha256=digest, role=role, created=now, tenant=tenant, expires=expires)
    return key, f"{PREFIX}{key_id}_{secret}"


def utc_text(seconds: float) -> str:
    """Seconds since 1970 as 2026-11-20T09:43:00Z. InvalidValue for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        raise InvalidValue(argument="time", expected="a time before the year 10000", received=seconds) from None


def _text(line: dict[object, object], name: str) -> str:
    value = line.get(name)
    if not isinstance(value, str):
        raise InvalidValue(argument=name, expected="text", received=value)
    return value


def _seconds(line: dict[object, object], name: str) -> float:
    try:
        when = datetime.fromisoformat(_text(line, name))
        if when.tzinfo is not None:
            return when.timestamp()
    except ValueError:
        pass
    raise InvalidValue(argument=name, expected="a time such as 2026-11-20T09:43:00Z", received=line.get(name))
