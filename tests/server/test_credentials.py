"""Every method, with every kind of credentials: who may not call is refused before anything of the call is read."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import vecdb
from tests.server.certificates import Authority
from tests.server.raw_client import BY_NAME, Metadata, RawClient, methods
from tests.server.server_process import wait_until
from vecdb.proto.methods import METHODS, Method
from vecdb.proto.v1 import admin_pb2, collections_pb2, points_pb2, search_pb2, types_pb2
from vecdb.server import Server, ServerSettings
from vecdb.server.api_keys import new_key
from vecdb.server.gate import Served
from vecdb.server.key_file import add_key, remove_key
from vecdb.server.principal import Role
from vecdb.server.request_log import log_lines

SECRET = "a shared secret of more than thirty-two bytes"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
OK, UNAUTHENTICATED, DENIED = grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
ROLES = {types_pb2.ROLE_READ: 1, types_pb2.ROLE_WRITE: 2, types_pb2.ROLE_ADMIN: 3}


@dataclass
class Guarded:
    """A server that takes keys and tokens, whose methods only note that they were entered."""

    target: str
    keys: Path
    texts: dict[str, str]
    log: io.StringIO
    entered: list[str] = field(default_factory=list)

    def metadata(self, credentials: str) -> Metadata:
        text = self.texts[credentials]
        if not text:
            return ()
        return (("x-api-key", text),) if credentials.endswith("by header") else (("authorization", f"Bearer {text}"),)


# What each credential is: the rank of its role; 0: none that counts.
CREDENTIALS = {
    "nothing": 0,
    "empty bearer": 0,
    "bad id": 0,
    "bad secret": 0,
    "half a key": 0,
    "key of another server": 0,
    "expired key": 0,
    "read key": 1,
    "write key": 2,
    "admin key": 3,
    "admin key by header": 3,
    "bad token": 0,
    "token of another secret": 0,
    "token without signature": 0,
    "token without role": 0,
    "token without end": 0,
    "expired token": 0,
    "read token": 1,
    "write token": 2,
    "admin token": 3,
}


def texts_for(keys: Path) -> dict[str, str]:
    now = time.time()
    texts = {"nothing": "", "empty bearer": " ", "bad token": "eyJ.eyJ.AAAA"}
    for role in Role:
        key, texts[f"{role.text} key"] = new_key(role, now=now, name=f"{role.text}er")
        add_key(keys, key)
    expired, texts["expired key"] = new_key(Role.ADMIN, now=now - 100, name="old", expires=now - 1)
    add_key(keys, expired)
    admin = texts["admin key"]
    texts["admin key by header"] = admin
    texts["bad id"] = admin.replace("vdb_adminer_", "vdb_nobody_")
    texts["bad secret"] = admin[:-1] + ("A" if admin[-1] != "A" else "B")
    texts["half a key"] = admin[: len(admin) // 2]
    texts["key of another server"] = new_key(Role.ADMIN, now=now, name="adminer")[1]
    good = {"sub": "someone", "exp": now + 600}
    for role in Role:
        texts[f"{role.text} token"] = token({**good, "role": role.text})
    texts["expired token"] = token({**good, "role": "admin", "exp": now - 1})
    texts["token of another secret"] = token({**good, "role": "admin"}, "x" * 40)
    texts["token without role"] = token(good)
    texts["token without end"] = token({"sub": "someone", "role": "admin"})
    texts["token without signature"] = jwt.encode({**good, "role": "admin"}, "", algorithm="none")
    return texts


def token(claims: dict[str, Any], secret: str = SECRET) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    keys, secret, log = folder / "keys", folder / "secret", io.StringIO()
    secret.write_text(SECRET)
    texts = texts_for(keys)
    settings = ServerSettings(
        data=":memory:", port=0, api_keys=str(keys), jwt_key_file=str(secret), jwt_algorithm="HS256", log="all"
    )
    found = Guarded("", keys, texts, log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vecdb.server.server.served_by", lambda _: spies(found.entered))
        server = Server(settings)
    with log_lines(log), server:
        found.target = f"127.0.0.1:{server.port}"
        yield found


def spies(entered: list[str]) -> dict[str, Served]:
    def spy(method: Method) -> Served:
        def unary(call: Any, data: bytes) -> Any:
            entered.append(method.name)
            return method.response()

        def stream(call: Any, source: Any) -> Iterator[Any]:
            entered.append(method.name)
            yield from ()

        return Served(
            method, "stream" if method.server_streaming else "search", stream if method.server_streaming else unary
        )

    return {path: spy(method) for path, method in METHODS.items()}


@pytest.fixture(scope="module")
def client(guarded: Guarded) -> Iterator[RawClient]:
    with RawClient(guarded.target) as client:
        yield client


def test_the_table_covers_every_method_and_each_declares_a_role() -> None:
    files = (admin_pb2, collections_pb2, points_pb2, search_pb2)
    declared = {
        f"/{service.full_name}/{method.name}": method.GetOptions().Extensions[types_pb2.required_role]
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert len(declared) >= 20
    assert declared == {method.path: method.required_role for method in methods()}
    assert set(declared.values()) <= set(ROLES), "a method without a role would be open to somebody by accident"


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_every_method(guarded: Guarded, client: RawClient, credentials: str) -> None:
    rank = CREDENTIALS[credentials]
    assert guarded.texts.keys() == CREDENTIALS.keys()
    for method in methods():
        guarded.entered.clear()
        outcome = client.attempt(method.name, b"", 10, guarded.metadata(credentials))
        case = (credentials, method.name, outcome)
        if rank >= ROLES[method.required_role]:
            assert outcome.code is OK, case
            assert guarded.entered == [method.name], case
            continue
        assert outcome.code is (DENIED if rank else UNAUTHENTICATED), case
        assert type(outcome.error) is (vecdb.PermissionDenied if rank else vecdb.Unauthenticated), case
        assert guarded.entered == [], case
        assert outcome.seconds < 2, case


def test_the_refused_are_not_waited_for(guarded: Guarded, client: RawClient) -> None:
    """The answer comes though the request never does, so it does not depend on anything in it."""
    for credentials, expected in (("nothing", UNAUTHENTICATED), ("bad secret", UNAUTHENTICATED), ("read key", DENIED)):
        for method in methods():
            if credentials == "read key" and method.required_role == types_pb2.ROLE_READ:
                continue
            never = threading.Event()
            guarded.entered.clear()
            outcome = client.attempt_path(method.path, after(never), 10, guarded.metadata(credentials))
            never.set()
            assert (outcome.code, guarded.entered) == (expected, []), (credentials, method.name, outcome)
            assert outcome.seconds < 2, (credentials, method.name)


def after(event: threading.Event) -> Iterator[bytes]:
    event.wait(20)
    yield b""


def test_two_credentials_are_none(guarded: Guarded, client: RawClient) -> None:
    both = (*guarded.metadata("admin key"), *guarded.metadata("admin key by header"))
    assert client.attempt("Search", b"", 10, both).code is UNAUTHENTICATED


@pytest.mark.parametrize(
    "metadata",
    [
        (("authorization", "Basic YWRtaW46YWRtaW4="),),
        (("authorization", "Bearer"),),
        (("authorization", "Bearer " + "x" * 9_000),),
        (("authorization-bin", b"\xff\x00"),),
        (("x-api-key", "vdb__"),),
        (("x-api-key", "vdb_adminer_"),),
        (("x-api-key", ""),),
        (("role", "admin"), ("x-role", "admin"), ("principal", "adminer"), ("x-forwarded-user", "adminer")),
    ],
)
def test_odd_headers_are_no_credentials(guarded: Guarded, client: RawClient, metadata: Metadata) -> None:
    guarded.entered.clear()
    outcome = client.attempt("DropCollection", b"", 10, metadata)
    assert (outcome.code, guarded.entered) == (UNAUTHENTICATED, []), outcome


@pytest.mark.parametrize(
    "path",
    ["/vecdb.v1.Search/search", "/vecdb.v1.Search/", "/", "//vecdb.v1.Search/Search", "/vecdb.v1.Search/Search/", "/x"],
)
def test_unknown_paths_are_refused_like_the_known(guarded: Guarded, client: RawClient, path: str) -> None:
    guarded.entered.clear()
    assert client.attempt_path(path, [b""], 10, ()).code is UNAUTHENTICATED
    with_key = client.attempt_path(path, [b""], 10, guarded.metadata("admin key"))
    assert with_key.code is grpc.StatusCode.UNIMPLEMENTED
    assert guarded.entered == []


def test_nothing_tells_an_id_from_a_secret(guarded: Guarded, client: RawClient) -> None:
    wrong = ("bad id", "bad secret", "half a key", "key of another server", "bad token", "token of another secret")
    said = {str(client.attempt("Search", b"", 10, guarded.metadata(each)).error) for each in wrong}
    assert len(said) == 1, said


def test_secrets_are_in_no_log_and_no_error(guarded: Guarded, client: RawClient) -> None:
    said = [
        client.attempt(name, b"\xff", 10, guarded.metadata(credentials))
        for credentials in CREDENTIALS
        for name in ("Search", "Verify", "Write")
    ]
    texts = guarded.log.getvalue() + "".join(repr(outcome) for outcome in said)
    assert guarded.log.getvalue().count("\n") > 100
    secrets = {part for text in guarded.texts.values() for part in re.split(r"[_.\s]", text) if len(part) >= 16}
    assert len(secrets) > 10
    for secret in (*secrets, SECRET):
        assert secret not in texts


def test_health_needs_no_credentials(guarded: Guarded, client: RawClient) -> None:
    stub: Any = health_pb2_grpc.HealthStub(client.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
    # Nothing else under its name is open, nor what would hold a thread.
    for path in ("", "Watch", "../../vecdb.v1.Admin/Verify"):
        assert client.attempt_path("/grpc.health.v1.Health/" + path, [b""], 10, ()).code is UNAUTHENTICATED


@pytest.mark.parametrize("on", [True, False])
def test_reflection_only_where_it_is_on_and_with_credentials(tmp_path: Path, on: bool) -> None:
    keys = tmp_path / "keys"
    key, text = new_key(Role.READ, now=time.time())
    add_key(keys, key)
    with (
        Server(ServerSettings(data=":memory:", port=0, api_keys=str(keys), reflection=on)) as server,
        RawClient(f"127.0.0.1:{server.port}") as client,
    ):
        asked = [b"\x3a\x01*"]  # list_services: "*"
        assert client.attempt_path(REFLECTION, asked, 10, ()).code is UNAUTHENTICATED
        outcome = client.attempt_path(REFLECTION, asked, 10, (("x-api-key", text),))
        assert outcome.code is (OK if on else grpc.StatusCode.UNIMPLEMENTED)
        assert (b"vecdb.v1.Points" in b"".join(outcome.replies)) is on


def test_a_removed_key_stops_working_and_an_added_one_begins_to(guarded: Guarded, client: RawClient) -> None:
    key, text = new_key(Role.READ, now=time.time(), name="passing")

    def works() -> bool:
        return client.attempt("Count", b"", 10, (("x-api-key", text),)).code is OK

    assert not works()
    add_key(guarded.keys, key)
    assert wait_until(works, 2)
    remove_key(guarded.keys, "passing")
    assert wait_until(lambda: not works(), 2)
    assert client.attempt("Count", b"", 10, guarded.metadata("read key")).code is OK


def test_mutual_tls(tmp_path: Path) -> None:
    ours, strangers = Authority(), Authority()
    certificate, key = ours.issue("server").write(tmp_path, "server")
    (tmp_path / "ca.pem").write_bytes(ours.pem)
    settings = ServerSettings(
        data=":memory:",
        port=0,
        tls_certificate=str(certificate),
        tls_key=str(key),
        tls_client_ca=str(tmp_path / "ca.pem"),
        tls_client_role="write",
    )
    known, unknown, named_alike = ours.issue("robot"), strangers.issue("robot"), Authority().issue("robot")
    with Server(settings) as server:
        target = f"localhost:{server.port}"
        for issued in (unknown, named_alike, None):
            pair = (None, None) if issued is None else (issued.key, issued.certificate)
            with RawClient(target, (), grpc.ssl_channel_credentials(ours.pem, *pair)) as client:
                assert client.attempt("ListCollections", b"", 5).code is grpc.StatusCode.UNAVAILABLE
        with RawClient(target) as client:  # in the clear
            assert client.attempt("ListCollections", b"", 5).code is grpc.StatusCode.UNAVAILABLE
        good = grpc.ssl_channel_credentials(ours.pem, known.key, known.certificate)
        with RawClient(target, (), good) as client:
            assert client.attempt("ListCollections", b"", 10).code is OK
            capabilities = client.call("GetCapabilities", admin_pb2.GetCapabilitiesRequest())
            assert capabilities.role == types_pb2.ROLE_WRITE
            assert client.attempt("DropCollection", b"", 10).code is DENIED
            # A wrong key is refused, whatever the certificate says.
            assert client.attempt("ListCollections", b"", 10, (("x-api-key", "vdb_x_y"),)).code is UNAUTHENTICATED


def test_without_credentials_configured_everybody_is_admin_on_loopback_only() -> None:
    with Server(ServerSettings(data=":memory:", port=0)) as server, RawClient(f"127.0.0.1:{server.port}") as client:
        assert client.call("GetCapabilities", admin_pb2.GetCapabilitiesRequest()).role == types_pb2.ROLE_ADMIN
    for host in ("0.0.0.0", "::", "192.168.1.1", "example.org"):
        with pytest.raises(vecdb.InvalidValue):
            ServerSettings(data=":memory:", host=host)


def test_every_method_of_the_server_is_in_the_table(guarded: Guarded) -> None:
    with Server(ServerSettings(data=":memory:", port=0)) as server:
        assert server._gate._ways.keys() == {method.path for method in BY_NAME.values()}
