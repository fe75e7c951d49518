"""API keys: their text, and the lines of the file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb.errors import InvalidValue
from vecdb.server.api_keys import ApiKey, new_key, utc_text
from vecdb.server.principal import Role

LINE: dict[str, Any] = {"id": "ci", "sha256": "0" * 64, "role": "read", "created": "2026-11-20T09:43:00Z"}


def test_a_key_is_its_id_and_32_random_bytes() -> None:
    made = [new_key(Role.READ, now=0.0) for _ in range(100)]
    for key, text in made:
        found = re.fullmatch(r"vdb_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", text)
        assert found, text
        assert found[1] == key.id
        assert len(base64.urlsafe_b64decode(found[2] + "=")) == 32
        assert key.sha256 == hashlib.sha256(found[2].encode()).hexdigest()
        assert found[2] not in json.dumps(key.to_fields())
    assert len({text for _, text in made}) == 100
    assert new_key(Role.READ, now=0.0, name="my-key-2")[1].startswith("vdb_my-key-2_")


@given(
    role=st.sampled_from(Role),
    tenant=st.none() | st.from_regex(r"[a-zä ]{1,20}", fullmatch=True),
    created=st.integers(0, 4_000_000_000),
    expires=st.none() | st.integers(0, 4_000_000_000),
)
def test_a_line_reads_as_it_was_written(role: Role, tenant: str | None, created: int, expires: int | None) -> None:
    key = ApiKey(id="a-1", sha256="0" * 64, role=role, created=created, tenant=tenant, expires=expires)
    assert ApiKey.of_fields(json.loads(json.dumps(key.to_fields()))) == key


def test_times_are_utc_to_the_second() -> None:
    assert utc_text(1_795_167_780.9) == "2026-11-20T09:43:00Z"
    assert ApiKey.of_fields(LINE).created == 1_795_167_780
    assert ApiKey.of_fields(LINE | {"created": "2026-11-20T10:43:00+01:00"}).created == 1_795_167_780
    with pytest.raises(InvalidValue):
        utc_text(1e18)


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"id": ""}, "id"),
        ({"id": "A"}, "id"),
        ({"id": "a_b"}, "id"),
        ({"id": "-a"}, "id"),
        ({"id": "a" * 33}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": 7}, "id"),
        ({"id": None}, "id"),
        ({"sha256": "0" * 63}, "sha256"),
        ({"sha256": "A" * 64}, "sha256"),
        ({"sha256": None}, "sha256"),
        ({"role": "root"}, "role"),
        ({"role": None}, "role"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": 5}, "tenant"),
        ({"created": None}, "created"),
        ({"created": "yesterday"}, "created"),
        ({"created": "2026-11-20T09:43:00"}, "created"),  # of which zone?
        ({"expires": 1_795_167_780}, "expires"),
        ({"expires": ""}, "expires"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_a_line_that_is_none_is_refused_by_field(change: dict[str, object], argument: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        ApiKey.of_fields(LINE | change)
    assert caught.value.argument == argument


@pytest.mark.parametrize("line", [None, [], "x", 1, {}, {1: 2}])
def test_what_is_no_object_of_a_key_is_refused(line: object) -> None:
    with pytest.raises(InvalidValue):
        ApiKey.of_fields(line)
