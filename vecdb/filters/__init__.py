"""Filters: one tree, three spellings (expressions, dict, string), one meaning. See docs/filters.md."""

from vecdb.filters.dictionary import from_dict, to_dict
from vecdb.filters.evaluate import Predicate, check_filter, compile_filter
from vecdb.filters.expression import Expression, Field, field, has_id
from vecdb.filters.parser import Where, parse_filter
from vecdb.filters.printer import to_text

__all__ = [
    "Expression",
    "Field",
    "Predicate",
    "Where",
    "check_filter",
    "compile_filter",
    "field",
    "from_dict",
    "has_id",
    "parse_filter",
    "to_dict",
    "to_text",
]
