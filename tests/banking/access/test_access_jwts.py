"""JWTs: only those that the provider signed, for this bank, now."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ledger_client.banking.access.jwts import Claims, JwtOptionsError, JwtVerifier, verifier_of
from ledger_client.banking.foundation import system_tokens
from ledger_client.banking.foundation.errors import UnauthenticatedError

NOW = dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)
SECRET = b"a secret of the provider, which is long enough"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: Any) -> bytes:
    return key.public_key().public_bytes(  # type: ignore[no-any-return]
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def claims(**changed: Any) -> dict[str, Any]:
    usual = {
        "iss": "https://login.bank",
        "aud": "bank",
        "sub": "someone",
        "exp": int((NOW + dt.timedelta(minutes=5)).timestamp()),
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def verified(token: str, key: bytes = b"") -> Claims:
    return JwtVerifier(key or public_pem(KEY), "https://login.bank", "bank").verify(token, NOW)


def test_each_kind_of_key() -> None:
    kinds: list[tuple[Any, str]] = [
        (KEY, "RS256"),
        (KEY, "PS512"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ]
    for key, algorithm in kinds:
        token = jwt.encode(claims(), key, algorithm)
        assert verified(token, public_pem(key)) == Claims("someone", None)
    assert verified(jwt.encode(claims(), SECRET, "HS256"), SECRET) == Claims("someone", None)


def test_an_address_counts_only_if_it_is_verified() -> None:
    for is_verified, expected in [(True, "a@b"), (False, None), ("true", None), (1, None)]:
        token = jwt.encode(claims(email="a@b", email_verified=is_verified), KEY, "RS256")
        assert verified(token).email == expected
    assert verified(jwt.encode(claims(email="a@b"), KEY, "RS256")).email is None


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": None},
        {"exp": int((NOW - dt.timedelta(seconds=31)).timestamp())},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"nbf": int((NOW + dt.timedelta(seconds=31)).timestamp())},
        {"iss": "https://elsewhere"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\0b"},
        {"sub": "s" * 256},
    ],
    ids=str,
)
def test_claims_that_are_wrong(changed: dict[str, Any]) -> None:
    token = jwt.encode(claims(**changed), KEY, "RS256")
    with pytest.raises(UnauthenticatedError):
        verified(token)


def test_algorithms_that_the_key_is_not_for() -> None:
    """`none`, and the public key taken for a secret."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    body = part(json.dumps(claims()).encode())
    confused = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + "." + body
    signature = hmac.new(public_pem(KEY).strip(), confused.encode(), hashlib.sha256).digest()
    unsigned = part(json.dumps({"alg": "none"}).encode()) + "." + body + "."
    other = jwt.encode(
        claims(), rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"
    )
    for token in (unsigned, f"{confused}.{part(signature)}", other, "..", "a.b.c"):
        with pytest.raises(UnauthenticatedError):
            verified(token)
    with pytest.raises(UnauthenticatedError):
        verified(jwt.encode(claims(), KEY, "RS256"), SECRET)


def test_options_that_are_wrong(tmp_path: Path) -> None:
    key_file = tmp_path / "key"

    def options(key: bytes, issuer: str = "https://login.bank", audience: str = "bank") -> Any:
        key_file.write_bytes(key)
        names = {"jwt_key_file": str(key_file), "jwt_issuer": issuer, "jwt_audience": audience}
        return verifier_of(names, b"the bank's own secret of some length")

    private = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert options(public_pem(KEY)) is not None
    assert options(SECRET + b"\n") is not None
    assert verifier_of({}, SECRET) is None
    for wrong in (
        lambda: options(b"short"),
        lambda: options(private),
        lambda: options(public_pem(weak)),
        lambda: options(public_pem(ec.generate_private_key(ec.SECP256K1()))),
        lambda: options(b"-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----"),
        lambda: options(b"the bank's own secret of some length"),
        lambda: options(SECRET, issuer=""),
        lambda: options(SECRET, audience=""),
        lambda: options(SECRET, issuer=system_tokens.ISSUER),
        lambda: verifier_of({"jwt_issuer": "x"}, SECRET),
        lambda: verifier_of({"jwt_key_file": str(tmp_path / "missing")}, SECRET),
    ):
        with pytest.raises(JwtOptionsError):
            wrong()
