"""Credentials of modules towards each other: short-lived tokens signed with the bank's secret."""

import contextlib
import datetime as dt
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import jwt

ISSUER: Final = "ledger-bank"
ALGORITHM: Final = "HS256"
LIFETIME: Final = dt.timedelta(minutes=5)
#: HS256 wants as many bytes as its hash has.
SECRET_BYTES: Final = 32


def token_maker(module: str, secret: bytes) -> Callable[[], str]:
    """Return what makes tokens of `system:<module>`; one is used again for half its life."""
    made = ("", 0.0)

    def token() -> str:
        nonlocal made
        if time.monotonic() >= made[1]:
            now = dt.datetime.now(dt.UTC)
            text = jwt.encode(
                {"iss": ISSUER, "sub": f"system:{module}", "iat": now, "exp": now + LIFETIME},
                secret,
                algorithm=ALGORITHM,
            )
            made = (text, time.monotonic() + LIFETIME.total_seconds() / 2)
        return made[0]

    return token


def system_subject(token: str, secret: bytes) -> str | None:
    """Return `system:<module>` of a token that a module of this bank made, None for any other."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            options={"require": ["exp", "iss", "sub"]},
        )
    except jwt.InvalidTokenError:
        return None
    subject: str = claims["sub"]
    return subject if subject.startswith("system:") else None


def secret_of(path: Path) -> bytes:
    """Return the bank's secret, made and kept in a file of its owner's alone if it is not there."""
    if not path.exists():
        # Whole under another name first: processes that start at once find all of it or nothing.
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(SECRET_BYTES))
            with contextlib.suppress(FileExistsError):
                os.link(made, path)
        finally:
            Path(made).unlink()
    secret = path.read_text().strip().encode()
    if len(secret) < SECRET_BYTES:
        raise ValueError(f"{path}: the secret has fewer than {SECRET_BYTES} characters")
    return secret
