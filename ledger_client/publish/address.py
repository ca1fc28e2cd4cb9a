"""Addresses of brokers as people write them."""

from typing import Final, Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

Kind = Literal["rabbitmq", "nats"]

_KINDS: Final[dict[str, Kind]] = {
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "nats": "nats",
    "tls": "nats",
}


def broker_kind(url: str) -> Kind:
    """Return which broker a URL is of.

    Raises:
        ValueError: of none that is known; the message does not repeat the URL, which may hold a
            password.
    """
    parts = urlsplit(url)
    if parts.scheme not in _KINDS:
        raise ValueError(
            "not the URL of a broker: amqp://, amqps:// (RabbitMQ), nats:// or tls:// (NATS)"
        )
    if not parts.hostname:
        raise ValueError(f"no host in the URL: {parts.scheme}://USER@HOST:PORT")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"no port in the URL: {parts.scheme}://USER@HOST:PORT") from None
    return _KINDS[parts.scheme]


def with_password(url: str, password: str) -> str:
    """Return `url` with a password for its user.

    Raises:
        ValueError: the URL names no user, or has a password already.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise ValueError("a password is in the URL already")
    if not parts.username:
        raise ValueError(f"a password needs a user in the URL: {parts.scheme}://USER@HOST:PORT")
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}"))


def without_secrets(url: str) -> str:
    """Return `url` for people: without password, token and options."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    # A user without a password is a token for NATS, and as secret.
    is_name = at and (colon or broker_kind(url) == "rabbitmq")
    netloc = f"{name}@{place}" if is_name else place
    return urlunsplit(parts._replace(netloc=netloc, query="", fragment=""))


def redacted(text: str, url: str) -> str:
    """Return what somebody else says without the secrets of `url` in it."""
    parts = urlsplit(url)
    secrets = [parts.password]
    if parts.password is None and broker_kind(url) == "nats":
        secrets.append(parts.username)
    for secret in filter(None, secrets):
        # As it stands in the URL, and as a driver has decoded it.
        for form in (secret, unquote(secret)):
            text = text.replace(form, "***")
    return text
