"""JWTs of the provider that the bank is set up with: whose they are, if they are any good."""

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ledger_client.banking.foundation import system_tokens
from ledger_client.banking.foundation.errors import UnauthenticatedError

#: Clocks of two machines may differ by this much.
LEEWAY: Final = dt.timedelta(seconds=30)
SECRET_BYTES_MIN: Final = 32
RSA_BITS_MIN: Final = 2048
SUBJECT_LENGTH_MAX: Final = 255

_CURVES: Final[Sequence[tuple[type[Any], str]]] = (
    (SECP256R1, "ES256"),
    (SECP384R1, "ES384"),
    (SECP521R1, "ES512"),
)

#: A secret shorter than the hash weakens it.
_HASHES: Final = (("HS256", 32), ("HS384", 48), ("HS512", 64))


class JwtOptionsError(ValueError):
    """The options for JWTs are wrong; the bank does not start."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claims:
    """Who a JWT is for."""

    subject: str
    #: Only an address that the provider says is verified.
    email: str | None


class JwtVerifier:
    """Verifies with one key. The algorithms follow from the key, never from the JWT."""

    def __init__(self, key: bytes, issuer: str, audience: str) -> None:
        """Take a PEM public key, or a secret.

        Raises:
            JwtOptionsError: the key is neither or too weak, or issuer or audience is missing.
        """
        if not issuer or not audience:
            raise JwtOptionsError("jwt_key_file needs jwt_issuer and jwt_audience too")
        if issuer == system_tokens.ISSUER:
            raise JwtOptionsError(f"jwt_issuer {issuer!r} is the bank's own name")
        self._key, self._algorithms = _key_and_algorithms(key)
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str, now: dt.datetime) -> Claims:
        """Return who a JWT is for.

        Args:
            token: its text.
            now: by the bank's clock.

        Raises:
            UnauthenticatedError: it is not signed by the provider for this bank, or not now.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=self._algorithms,
                issuer=self._issuer,
                audience=self._audience,
                # By the bank's clock, below.
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise UnauthenticatedError(f"the JWT is not valid: {error}") from error
        if _seconds(claims, "exp") <= (now - LEEWAY).timestamp():
            raise UnauthenticatedError("the JWT is expired")
        if "nbf" in claims and _seconds(claims, "nbf") > (now + LEEWAY).timestamp():
            raise UnauthenticatedError("the JWT is not valid yet")
        subject = claims["sub"]
        if not _is_text(subject):
            raise UnauthenticatedError("the JWT's sub is not one")
        email = claims.get("email")
        is_verified = claims.get("email_verified") is True and _is_text(email)
        return Claims(subject, email if is_verified else None)


def verifier_of(options: Mapping[str, str], secret: bytes) -> JwtVerifier | None:
    """Return what verifies JWTs by the options `jwt_key_file`, `jwt_issuer`, `jwt_audience`.

    Args:
        options: None is returned if they name no key.
        secret: the bank's own, which must not be the provider's too.

    Raises:
        JwtOptionsError: they are wrong.
    """
    path = options.get("jwt_key_file", "")
    if not path:
        if options.get("jwt_issuer") or options.get("jwt_audience"):
            raise JwtOptionsError("jwt_issuer and jwt_audience need jwt_key_file too")
        return None
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise JwtOptionsError(f"jwt_key_file: {error}") from error
    if key == secret:
        raise JwtOptionsError("jwt_key_file must not be the bank's own secret")
    return JwtVerifier(key, options.get("jwt_issuer", ""), options.get("jwt_audience", ""))


def _key_and_algorithms(key: bytes) -> tuple[Any, list[str]]:
    """Return the key and what it may be used with."""
    if b"-----BEGIN" not in key:
        if len(key) < SECRET_BYTES_MIN:
            raise JwtOptionsError(f"the secret for JWTs needs {SECRET_BYTES_MIN} bytes or more")
        try:
            jwt.get_algorithm_by_name("HS256").prepare_key(key)
        except jwt.InvalidKeyError as error:
            raise JwtOptionsError(f"jwt_key_file: {error}") from error
        return key, [name for name, size in _HASHES if len(key) >= size]
    try:
        public = load_pem_public_key(key)
    except ValueError as error:
        raise JwtOptionsError("jwt_key_file holds no PEM public key and no secret") from error
    if isinstance(public, RSAPublicKey) and public.key_size >= RSA_BITS_MIN:
        return public, ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
    if isinstance(public, Ed25519PublicKey):
        return public, ["EdDSA"]
    if isinstance(public, EllipticCurvePublicKey):
        for curve, algorithm in _CURVES:
            if isinstance(public.curve, curve):
                return public, [algorithm]
    raise JwtOptionsError(
        f"jwt_key_file: RSA of {RSA_BITS_MIN} bits or more, P-256, P-384, P-521 or Ed25519"
    )


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    """Return a time of the JWT in seconds since 1970."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnauthenticatedError(f"the JWT's {name} is not a time")
    return float(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= SUBJECT_LENGTH_MAX and value.isprintable()
