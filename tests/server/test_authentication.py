"""Authenticator: which credential decides, and what hostile metadata gets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.signed_tokens import SECRET, by_secret, token
from vecdb.errors import StorageFailed, Unauthenticated
from vecdb.server.api_keys import new_key
from vecdb.server.authentication import Authenticator
from vecdb.server.key_file import add_key
from vecdb.server.key_ring import KeyRing
from vecdb.server.principal import ANYONE, EXPIRED, INVALID, Role
from vecdb.server.settings import ServerSettings
from vecdb.server.tokens import TokenVerifier


class Server:
    """An authenticator of each kind of credential, and one good credential of each."""

    def __init__(self, folder: Path) -> None:
        self.keys, self.secret = folder / "keys", folder / "secret"
        key, self.key = new_key(Role.WRITE, now=0.0, name="ci")
        add_key(self.keys, key)
        old, self.old_key = new_key(Role.WRITE, now=0.0, name="old", expires=time.time() - 1)
        add_key(self.keys, old)
        self.secret.write_bytes(SECRET)
        self.token = self.made_token()
        self.old_token = self.made_token(exp=int(time.time()) - 1)
        self.all = Authenticator(KeyRing(self.keys), TokenVerifier(self.secret, "HS256"), Role.READ)

    def made_token(self, **change: object) -> str:
        said = {"sub": "ann", "role": "admin", "exp": int(time.time()) + 1_000} | change
        return token(said, by_secret(SECRET), "HS256")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(tmp_path_factory.mktemp("credentials"))


def refusal(authenticator: Authenticator, metadata: Any, names: Any = None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        authenticator.identify(metadata, names)
    return caught.value.reason


def test_with_nothing_configured_everybody_is_admin() -> None:
    nobody = Authenticator.of(ServerSettings(data=":memory:"))
    assert nobody.identify([]) is ANYONE
    assert nobody.identify([("authorization", "Bearer whatever")]) is ANYONE


def test_each_kind_of_credential_names_its_caller(server: Server) -> None:
    good: list[tuple[list[tuple[str, str | bytes]], str]] = [
        ([("authorization", f"Bearer {server.key}")], "ci"),
        ([("authorization", f"bearer  {server.key} ")], "ci"),
        ([("x-api-key", server.key)], "ci"),
        ([("authorization", f"Bearer {server.token}")], "ann"),
        ([("user-agent", "x"), ("grpc-trace-bin", b"\xff"), ("x-api-key", server.token)], "ann"),
    ]
    for metadata, name in good:
        assert server.all.identify(metadata).name == name
    assert server.all.identify([], [b"backup"]).name == "backup"
    assert server.all.identify([], [b"backup"]).role is Role.READ


def test_a_key_or_token_goes_before_the_certificate(server: Server) -> None:
    assert server.all.identify([("x-api-key", server.key)], [b"backup"]).role is Role.WRITE
    for bad in ("vdb_ci_" + "A" * 43, "x", "", server.old_key, server.old_token):
        refusal(server.all, [("x-api-key", bad)], [b"backup"])
    refusal(server.all, [("authorization", "Basic YTpi")], [b"backup"])


def test_no_credentials_are_refused(server: Server) -> None:
    assert "credentials are required" in refusal(server.all, [])
    assert "credentials are required" in refusal(server.all, [("cookie", server.key), ("authorization-bin", b"x")])
    assert refusal(server.all, [], []) == refusal(server.all, [], [b"", b"\n", "\0"])


def test_the_reason_tells_no_wrong_id_from_a_wrong_secret(server: Server) -> None:
    changed = server.key[:-1] + ("A" if server.key[-1] != "A" else "B")
    reasons = {
        refusal(server.all, [("x-api-key", bad)])
        for bad in (changed, server.key.replace("_ci_", "_no_"), "vdb_", "garbage", server.token[:-3] + "abc", "\0")
    }
    assert reasons == {INVALID}


def test_expired_credentials_are_refused_each_time(server: Server) -> None:
    for _ in range(3):
        assert refusal(server.all, [("x-api-key", server.old_key)]) == EXPIRED
        assert refusal(server.all, [("x-api-key", server.old_token)]) == EXPIRED


def test_a_key_expires_between_two_calls(tmp_path: Path) -> None:
    key, text = new_key(Role.READ, now=0.0, name="brief", expires=float(int(time.time()) + 2))
    add_key(tmp_path / "keys", key)
    authenticator = Authenticator(KeyRing(tmp_path / "keys"))
    assert authenticator.identify([("x-api-key", text)]).name == "brief"
    assert key.expires is not None
    while time.time() < key.expires:
        time.sleep(0.05)
    assert refusal(authenticator, [("x-api-key", text)]) == EXPIRED


def test_two_credentials_are_refused(server: Server) -> None:
    for metadata in (
        [("x-api-key", server.key), ("x-api-key", server.key)],
        [("authorization", f"Bearer {server.key}"), ("x-api-key", server.key)],
        [("authorization", f"Bearer {server.token}"), ("authorization", f"Bearer {server.key}")],
    ):
        assert refusal(server.all, metadata) == "more than one credential"


def test_what_is_not_configured_lets_nobody_in(server: Server) -> None:
    only_keys, only_tokens = Authenticator(KeyRing(server.keys)), Authenticator(None, server.all._tokens)
    only_certificates = Authenticator(certificate_role=Role.WRITE)
    assert refusal(only_keys, [("x-api-key", server.token)]) == INVALID
    assert refusal(only_tokens, [("x-api-key", server.key)]) == INVALID
    assert refusal(only_certificates, [("x-api-key", server.key)], [b"a"]) == INVALID
    for one in (only_keys, only_tokens):
        refusal(one, [], [b"backup"])
    assert only_certificates.identify([], ["a"]).role is Role.WRITE
    refusal(only_certificates, [])


@pytest.mark.parametrize(
    "value",
    [
        *(
            b"Bearer x",
            b"\xff\xfe",
            "",
            " ",
            "Bearer",
            "Bearer ",
            "Bearer\t",
            "Basic YTpi",
            "Bearer é",
            "Bearer \ud800",
        ),
        *("Bearer " + "x" * 1_000_000, "Bearer vdb_" + "_" * 1_000, "bearer\u00a0x", "Token x", "Bearer Bearer x"),
        *("\0" * 100, "Bearer vdb_ci_" + "\u0131" * 43, "Bearer " + "é." * 3_000),
    ],
)
def test_hostile_values_are_refused(value: Any, server: Server) -> None:
    assert refusal(server.all, [("authorization", value)], [b"backup"]) == INVALID
    assert refusal(server.all, [("x-api-key", value)], [b"backup"]) == INVALID


@given(st.lists(st.tuples(st.text() | st.just("authorization") | st.just("x-api-key"), st.text() | st.binary())))
def test_any_metadata_is_identified_or_refused(server: Server, metadata: list[tuple[str, str | bytes]]) -> None:
    with pytest.raises(Unauthenticated):
        server.all.identify(metadata)


@given(st.lists(st.binary(max_size=400)))
def test_a_certificate_names_one_line_or_nobody(server: Server, names: list[bytes]) -> None:
    try:
        name = server.all.identify([], names).name
    except Unauthenticated:
        return
    assert name.isprintable()
    assert 0 < len(name) <= 256


def test_settings_decide_what_is_asked_for(server: Server) -> None:
    keys = Authenticator.of(ServerSettings(data=":memory:", api_keys=str(server.keys)))
    assert keys.identify([("x-api-key", server.key)]).name == "ci"
    jwt = ServerSettings(data=":memory:", jwt_key_file=str(server.secret), jwt_algorithm="HS256", jwt_audience="me")
    assert refusal(Authenticator.of(jwt), [("x-api-key", server.token)]) == INVALID
    assert Authenticator.of(jwt).identify([("x-api-key", server.made_token(aud="me"))]).name == "ann"
    tls = {"tls_certificate": "c", "tls_key": "k", "tls_client_ca": "ca"}
    mutual = Authenticator.of(ServerSettings(data=":memory:", **tls, tls_client_role="admin"))  # type: ignore[arg-type]
    assert mutual.identify([], [b"ops"]).role is Role.ADMIN
    with pytest.raises(StorageFailed):
        Authenticator.of(ServerSettings(data=":memory:", api_keys="/not/there"))
