"""Principal: who is calling, as credentials proved it, and Role: what that allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vecdb.errors import InvalidValue, PermissionDenied

TEXT_MAXIMUM: Final = 256  # characters of a name or a tenant: they stand in every line of the log

# Why credentials are refused, and no more than that: not whether the id or the secret was wrong.
INVALID: Final = "the credentials are not valid"
EXPIRED: Final = "the credentials have expired"


class Role(IntEnum):
    """What a caller may do; each includes those below it."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def text(self) -> str:
        """As files, tokens and errors spell it: "read"."""
        return self.name.lower()

    @classmethod
    def of(cls, text: object) -> Role:
        """The role that `text` spells, exactly. InvalidValue."""
        role = _ROLES.get(text) if isinstance(text, str) else None
        if role is None:
            raise InvalidValue(argument="role", expected=f"one of {', '.join(_ROLES)}", received=text)
        return role


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller. `expires` is in seconds since 1970; None: never. InvalidValue for names that are no single line."""

    name: str
    role: Role
    tenant: str | None = None
    expires: float | None = None

    def __post_init__(self) -> None:
        check_line("name", self.name)
        if self.tenant is not None:
            check_line("tenant", self.tenant)

    def require(self, role: Role, action: str) -> None:
        """PermissionDenied unless this caller's role includes `role`."""
        if self.role < role:
            raise PermissionDenied(action=action, role=self.role.text, required=role.text)


def check_line(argument: str, text: object) -> None:
    """InvalidValue unless `text` is one line of 1 .. TEXT_MAXIMUM printable characters."""
    if not isinstance(text, str) or not 0 < len(text) <= TEXT_MAXIMUM or not text.isprintable():
        expected = f"one line of 1 .. {TEXT_MAXIMUM} printable characters"
        raise InvalidValue(argument=argument, expected=expected, received=text)


# Whoever reaches a server that asks for no credentials: it is on loopback, or was told to be --insecure.
ANYONE: Final = Principal(name="anyone", role=Role.ADMIN)

_ROLES: Final = {role.text: role for role in Role}
