"""Roles and principals."""

from __future__ import annotations

import pytest

from vecdb.errors import InvalidValue, PermissionDenied
from vecdb.server.principal import ANYONE, Principal, Role


def test_each_role_includes_those_below() -> None:
    allowed = {(mine.text, needed.text) for mine in Role for needed in Role if allows(mine, needed)}
    assert allowed == {
        *(("read", "read"), ("write", "read"), ("write", "write")),
        *(("admin", "read"), ("admin", "write"), ("admin", "admin")),
    }
    assert allows(ANYONE.role, Role.ADMIN)


def allows(mine: Role, needed: Role) -> bool:
    try:
        Principal(name="x", role=mine).require(needed, "drop_collection")
    except PermissionDenied as error:
        facts = (error.action, error.role, error.required)
    else:
        return True
    assert facts == ("drop_collection", mine.text, needed.text)
    return False


@pytest.mark.parametrize("text", ["READ", "root", "", "read ", None, 1, ["read"], {"read": 1}, "reаd"])
def test_a_role_is_spelled_exactly(text: object) -> None:
    with pytest.raises(InvalidValue):
        Role.of(text)


def test_roles_are_read_as_they_are_written() -> None:
    assert [Role.of(role.text) for role in Role] == list(Role)


@pytest.mark.parametrize("text", ["", "a\nb", "\x1b[31m", "a" * 257, "\ud800", "\u202e", None, 7, b"a"])
def test_names_and_tenants_are_one_line(text: object) -> None:
    with pytest.raises(InvalidValue):
        Principal(name=text, role=Role.READ)  # type: ignore[arg-type]
    if text is not None:
        with pytest.raises(InvalidValue):
            Principal(name="a", role=Role.READ, tenant=text)  # type: ignore[arg-type]
    assert Principal(name="a" * 256, role=Role.READ, tenant="Ärzte 数据").tenant == "Ärzte 数据"
