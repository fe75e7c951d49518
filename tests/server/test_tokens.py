"""TokenVerifier: tokens made by hand against it, good ones, forged ones and malformed ones."""

from __future__ import annotations

import base64
import hmac
import json
import os
import random
import time
from hashlib import sha512
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from tests.server.signed_tokens import (
    EC_KEY,
    ED_KEY,
    RSA_KEY,
    SECRET,
    Sign,
    by_curve,
    by_edwards,
    by_rsa,
    by_secret,
    private_pem,
    public_pem,
    segment,
    token,
)
from vecdb.errors import Corrupted, InvalidValue, Unauthenticated
from vecdb.server.principal import EXPIRED, INVALID, Principal, Role
from vecdb.server.settings import Algorithm
from vecdb.server.tokens import TOKENS_MAXIMUM, TokenVerifier

SIGNERS: dict[Algorithm, tuple[bytes, Sign]] = {
    "HS256": (SECRET, by_secret(SECRET)),
    "RS256": (public_pem(RSA_KEY), by_rsa),
    "ES256": (public_pem(EC_KEY), by_curve),
    "EdDSA": (public_pem(ED_KEY), by_edwards),
}


def claims(**change: object) -> dict[str, object]:
    return {"sub": "ann", "role": "write", "exp": int(time.time()) + 100} | change


def verifier(tmp_path: Path, algorithm: Algorithm = "HS256", **given: Any) -> TokenVerifier:
    path = tmp_path / f"{algorithm}.key"
    path.write_bytes(SIGNERS[algorithm][0])
    return TokenVerifier(path, algorithm, **given)


def refusal(checked: TokenVerifier, text: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        checked.verify(text)
    assert text[-20:] not in str(caught.value) or len(text) < 20
    return caught.value.reason


@pytest.mark.parametrize("algorithm", SIGNERS)
def test_a_good_token_names_its_principal(algorithm: Algorithm, tmp_path: Path) -> None:
    said = claims(tenant="acme", jti="7", iat=int(time.time()) - 5, nbf=int(time.time()) - 5)
    text = token(said, SIGNERS[algorithm][1], algorithm)
    checked = verifier(tmp_path, algorithm)
    for _ in range(2):  # the second time it is remembered
        principal = checked.verify(text)
        assert principal == Principal(name="ann", role=Role.WRITE, tenant="acme", expires=said["exp"])  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", SIGNERS)
@pytest.mark.parametrize("other", [*SIGNERS, "none", "None", "HS512", "", None])
def test_the_algorithm_is_never_the_tokens_choice(algorithm: Algorithm, other: Any, tmp_path: Path) -> None:
    """Each way of signing, and each name in the header, but the pair that is right."""
    checked = verifier(tmp_path, algorithm)
    for signer in SIGNERS:
        if (signer, other) != (algorithm, algorithm):
            assert refusal(checked, token(claims(), SIGNERS[signer][1], other)) == INVALID
    assert refusal(checked, token(claims(), lambda _: b"", other)) == INVALID


def test_a_sibling_of_the_algorithm_is_another_one(tmp_path: Path) -> None:
    """Signed by the right key, under a digest that was not configured."""

    def by_longer_secret(text: bytes) -> bytes:
        return hmac.new(SECRET, text, sha512).digest()

    def by_longer_rsa(text: bytes) -> bytes:
        return RSA_KEY.sign(text, padding.PKCS1v15(), hashes.SHA512())

    assert refusal(verifier(tmp_path), token(claims(), by_longer_secret, "HS512")) == INVALID
    assert refusal(verifier(tmp_path, "RS256"), token(claims(), by_longer_rsa, "RS512")) == INVALID


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_is_no_shared_secret(algorithm: Algorithm, tmp_path: Path) -> None:
    """The classic confusion: everybody has the public key, so nothing signed with it as a secret may pass."""
    public = SIGNERS[algorithm][0]
    checked = verifier(tmp_path, algorithm)
    for secret in (public, public.rstrip(), public + b"\0", base64.b64decode(b"".join(public.split(b"\n")[1:-2]))):
        for header in ("HS256", algorithm):
            assert refusal(checked, token(claims(), by_secret(secret), header)) == INVALID
    (tmp_path / "public").write_bytes(public)
    with pytest.raises(InvalidValue):
        TokenVerifier(tmp_path / "public", "HS256")


@pytest.mark.parametrize(
    "change",
    [
        {"exp": None},
        {"exp": "never"},
        {"exp": [1]},
        {"exp": {}},
        {"exp": str(int(time.time()) + 1_000_000)},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"nbf": int(time.time()) + 1_000_000},
        {"nbf": "later"},
        {"iat": int(time.time()) + 1_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\nb"},
        {"sub": "a" * 257},
        {"role": None},
        {"role": "root"},
        {"role": "ADMIN"},
        {"role": ["admin"]},
        {"role": {"admin": True}},
        {"tenant": 5},
        {"tenant": ""},
        {"tenant": ["acme"]},
        {"aud": "somebody"},  # for another, and this server has no name
    ],
)
def test_claims_that_do_not_hold_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    said = {name: value for name, value in claims(**change).items() if value is not None}
    assert refusal(verifier(tmp_path), token(said, by_secret(SECRET), "HS256")) == INVALID


@pytest.mark.parametrize("exp", [0, -1, True, int(time.time()) - 1, time.time() - 0.5])
def test_an_expired_token_is_refused(exp: float, tmp_path: Path) -> None:
    assert refusal(verifier(tmp_path), token(claims(exp=exp), by_secret(SECRET), "HS256")) == EXPIRED


def test_a_token_that_is_remembered_expires_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verifier(tmp_path)
    text = token(claims(exp=int(time.time()) + 2), by_secret(SECRET), "HS256")
    checked.verify(text)
    end = int(time.time()) + 3
    while time.time() < end:
        time.sleep(0.05)
    assert refusal(checked, text) == EXPIRED


def test_issuer_and_audience_are_checked_where_configured(tmp_path: Path) -> None:
    checked = verifier(tmp_path, issuer="login", audience="vecdb")

    def signed(**change: object) -> str:
        said = claims(iss="login", aud="vecdb") | change
        return token({name: value for name, value in said.items() if value is not None}, by_secret(SECRET), "HS256")

    assert checked.verify(signed()).name == "ann"
    assert checked.verify(signed(aud=["else", "vecdb"])).name == "ann"
    changes: list[tuple[str, object]] = [
        *(("iss", value) for value in ("other", None, "LOGIN", ["login"], 5, "loginx")),
        *(("aud", value) for value in ("other", None, [], ["other"], {"vecdb": 1}, ["vecdb", 1])),
    ]
    for name, value in changes:
        assert refusal(checked, signed(**{name: value})) == INVALID, (name, value)
    assert verifier(tmp_path).verify(token(claims(iss="anyone"), by_secret(SECRET), "HS256")).name == "ann"


def test_headers_that_ask_for_more_are_refused(tmp_path: Path) -> None:
    checked = verifier(tmp_path)
    assert refusal(checked, token(claims(), by_secret(SECRET), "HS256", crit=["exp2"], exp2=1)) == INVALID
    assert refusal(checked, token(claims(), by_secret(SECRET), "HS256", b64=False, crit=["b64"])) == INVALID
    # Keys that a token brings along are never used.
    key = {"kty": "oct", "k": segment(b"evil" * 8)}
    forged = token(claims(), by_secret(b"evil" * 8), "HS256", jwk=key, jku="http://127.0.0.1/", kid="../../dev/null")
    assert refusal(checked, forged) == INVALID


def test_text_that_is_no_token_is_refused(tmp_path: Path) -> None:
    checked = verifier(tmp_path)
    head, body, signature = token(claims(), by_secret(SECRET), "HS256").split(".")
    deep = segment(b"[" * 3_000)
    for text in (
        *("", ".", "..", "...", "a.b.c", "é", "\ud800", "\0", "x" * 10_000, "." * 8_000, head, f"{head}.{body}"),
        *(f"{head}.{body}.", f"{head}..{signature}", f".{body}.{signature}", f"{head}.{body}.{signature}.x"),
        *(f"{head}.{body}.{signature}==", f"{head}.{body}.{signature} ", f"{deep}.{body}.{signature}"),
        *(f"{head}.{deep}.{signature}", f"{segment(b'1')}.{body}.{signature}", f"{segment(b'{')}.{body}.{signature}"),
    ):
        assert refusal(checked, text) == INVALID, repr(text[:80])
    deep_but_signed = f"{head}.{deep}"
    text = f"{deep_but_signed}.{segment(by_secret(SECRET)(deep_but_signed.encode()))}"
    assert refusal(checked, text) == INVALID


def test_tokens_with_a_changed_letter_are_refused(tmp_path: Path) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    random_of = random.Random(seed)
    checked = verifier(tmp_path)
    good = token(claims(), by_secret(SECRET), "HS256")
    for step in range(1_000):
        place = random_of.randrange(len(good))
        bad = good[:place] + chr(random_of.randrange(33, 127)) + good[place + 1 :]
        if bad != good:
            with pytest.raises(Unauthenticated):
                pytest.fail(f"seed {seed}, step {step}: {checked.verify(bad)}")


def test_what_is_remembered_is_bounded_and_verified_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verifier(tmp_path)
    decoded: list[str] = []
    real = jwt.decode

    def decode(text: str, *given: Any, **named: Any) -> Any:
        decoded.append(text)
        return real(text, *given, **named)

    monkeypatch.setattr(jwt, "decode", decode)
    texts = [token(claims(jti=str(number)), by_secret(SECRET), "HS256") for number in range(TOKENS_MAXIMUM + 10)]
    for text in texts:
        checked.verify(text)
    assert len(checked._known) == TOKENS_MAXIMUM
    decoded.clear()
    checked.verify(texts[-1])
    assert decoded == []
    checked.verify(texts[0])  # forgotten, and verified again
    assert decoded == texts[:1]
    assert not any(text in str(checked._known) for text in texts[:10]), "tokens are remembered by digest"


def wrong_keys() -> list[tuple[Algorithm, bytes]]:
    publics: dict[str, bytes] = {name: SIGNERS[name][0] for name in ("RS256", "ES256", "EdDSA")}
    pairs: list[tuple[Any, bytes]] = [(one, key) for one in publics for name, key in publics.items() if name != one]
    pairs += [(one, content) for one in publics for content in (b"", SECRET, b"-----BEGIN PUBLIC KEY-----\nx\n")]
    pairs += [("RS256", private_pem(RSA_KEY)), ("ES256", private_pem(EC_KEY)), ("EdDSA", private_pem(ED_KEY))]
    pairs += [("RS256", public_pem(rsa.generate_private_key(65_537, 1_024)))]
    pairs += [("ES256", public_pem(ec.generate_private_key(ec.SECP384R1())))]
    pairs += [("EdDSA", public_pem(ed448.Ed448PrivateKey.generate()))]  # type: ignore[arg-type]
    pairs += [("HS256", content) for content in (b"", b"short", b"x" * 31 + b"\r\n", *publics.values())]
    pairs += [("HS256", private_pem(RSA_KEY)), ("HS256", b"ssh-rsa " + b"A" * 100)]
    return pairs


@pytest.mark.parametrize(("algorithm", "content"), wrong_keys())
def test_a_key_that_does_not_fit_is_refused_at_start(algorithm: Algorithm, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(InvalidValue) as caught:
        TokenVerifier(tmp_path / "key", algorithm)
    assert caught.value.argument == "jwt_key_file"
    assert "short" not in str(caught.value)


def test_a_key_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Corrupted):
        TokenVerifier(tmp_path / "none", "HS256")


def test_the_last_line_end_is_no_part_of_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(SECRET + b"\n")
    checked = TokenVerifier(tmp_path / "key", "HS256")
    assert checked.verify(token(claims(), by_secret(SECRET), "HS256")).name == "ann"


def test_the_tokens_made_here_are_as_the_standard_says() -> None:
    """The example of RFC 7515, A.1, so that the refusals above are not for want of a good token."""
    secret = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    )
    text = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    assert segment(by_secret(secret)(text.encode())) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert json.loads(base64.urlsafe_b64decode(token({"a": 1}, by_edwards, "EdDSA").split(".")[1] + "=")) == {"a": 1}
    assert isinstance(ED_KEY, ed25519.Ed25519PrivateKey)
