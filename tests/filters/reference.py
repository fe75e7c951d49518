"""What a filter means, read from its canonical dict in the most direct way; nothing of vecdb is used."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

ORDERING = ("<", "<=", ">", ">=")


def matches(spelling: dict[str, Any], payload: dict[str, Any], row_id: Any, fields: dict[str, Any]) -> bool:
    ((key, value),) = spelling.items()
    if key == "$and":
        return all(matches(part, payload, row_id, fields) for part in value)
    if key == "$or":
        return any(matches(part, payload, row_id, fields) for part in value)
    if key == "$not":
        return not matches(value, payload, row_id, fields)
    if key == "$has_id":
        return any(same_id(row_id, wanted) for wanted in value)
    ((operator, operand),) = value.items()
    return condition(operator, operand, *look_up(payload, key.split(".")), fields.get(key))


def is_refused(spelling: dict[str, Any], fields: dict[str, Any]) -> bool:
    """True if an ordering operator meets a declared field of another type."""
    ((key, value),) = spelling.items()
    if key in ("$and", "$or"):
        return any(is_refused(part, fields) for part in value)
    if key == "$not":
        return is_refused(value, fields)
    if key == "$has_id" or key not in fields:
        return False
    ((operator, operand),) = value.items()
    if operator == "prefix":
        return bool(fields[key] != "keyword")
    if operator not in (*ORDERING, "between"):
        return False
    return not all(fits(bound, fields[key]) for bound in (operand if operator == "between" else [operand]))


def fits(operand: Any, kind: str) -> bool:
    if kind == "keyword":
        return isinstance(operand, str)
    if kind in ("integer", "float"):
        return isinstance(operand, int | float)
    return kind == "datetime" and (
        isinstance(operand, dict) or (isinstance(operand, str) and moment(operand) is not None)
    )


def look_up(payload: Any, path: list[str]) -> tuple[bool, Any]:
    for name in path:
        if not isinstance(payload, dict) or name not in payload:
            return False, None
        payload = payload[name]
    return True, payload


def condition(operator: str, operand: Any, present: bool, value: Any, kind: str | None) -> bool:
    if operator == "exists":
        return present
    if operator == "is_null":
        return present and value is None
    if operator in ("!=", "not in"):
        return not condition("==" if operator == "!=" else "in", operand, present, value, kind)
    if operator == "all_of":
        return all(condition("==", one, present, value, kind) for one in operand)
    if not present:
        return False
    candidates = value if isinstance(value, list) else [value]
    return any(one_value(operator, operand, candidate, kind) for candidate in candidates)


def one_value(operator: str, operand: Any, value: Any, kind: str | None) -> bool:
    if operator == "in":
        return any(one_value("==", one, value, kind) for one in operand)
    if operator == "between":
        return one_value(">=", operand[0], value, kind) and one_value("<=", operand[1], value, kind)
    if operator == "prefix":
        return isinstance(value, str) and value[: len(operand)] == operand
    left, right = value, operand
    if isinstance(operand, dict) or (kind == "datetime" and isinstance(operand, str)):
        left = moment(value) if isinstance(value, str) else None
        right = moment(operand["$datetime"] if isinstance(operand, dict) else operand)
        if left is None or right is None:
            return False
    elif family(left) != family(right) or family(left) is None:
        return False
    return bool(
        {
            "==": lambda: left == right,
            "<": lambda: left < right,
            "<=": lambda: left <= right,
            ">": lambda: left > right,
            ">=": lambda: left >= right,
        }[operator]()
    )


def family(value: Any) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None


def moment(text: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def same_id(row_id: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(row_id, UUID) and row_id == UUID(wanted["$uuid"])
    return type(row_id) is type(wanted) and row_id == wanted
