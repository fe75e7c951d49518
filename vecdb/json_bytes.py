"""JSON as UTF-8 bytes, strict both ways: by orjson where it is installed, else by the standard library.

dumps(value), dumps_each(values), loads(text): a value is a dict with str keys, a list or tuple, a str, a bool, None, an
integer of -2**63 .. 2**64-1 or a finite float, of exactly these types, at most 254 deep. ValueError for what is not,
and for a text that is not JSON; an integer in a text that is wider is read as a float. Texts have no spaces, and no
escapes that JSON does not ask for. How a float is spelled may differ between the two, the float read back does not.
"""

from __future__ import annotations

try:
    from vecdb.json_orjson import dumps, dumps_each, loads
except ModuleNotFoundError:
    from vecdb.json_standard import dumps, dumps_each, loads

__all__ = ["dumps", "dumps_each", "loads"]
