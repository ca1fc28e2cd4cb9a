"""What an anchor is: it takes a checkpoint and says that it has it."""

import dataclasses
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from ledger_client.verify import SignedCheckpoint


class AnchorError(Exception):
    """A checkpoint could not be anchored. It may be tried again: twice does no harm."""


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """What a target said when it had taken a checkpoint."""

    #: The target as it was named, without a password.
    target: str
    #: In its own words: a place in a file, a sequence of a stream, an answer.
    detail: str


class Anchor(Protocol):
    """A place that keeps checkpoints."""

    async def submit(self, checkpoint: SignedCheckpoint) -> Receipt:
        """Send a checkpoint and return when it is kept.

        Raises:
            AnchorError: it is not, or it is not known.
        """

    async def close(self) -> None:
        """Let go of connections."""


def shown(url: str) -> str:
    """Return a URL without its secrets: what people are shown, and state files remember."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return url
    user, at, place = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    # A user without a password is a token for NATS, and as secret.
    if at and not colon and parts.scheme in {"nats", "tls"}:
        name = "***"
    netloc = f"{name}{':***' if colon else ''}@{place}" if at else place
    # Archives take their keys in the query; brokers have names there that tell targets apart.
    query = "***" if parts.query and parts.scheme in {"http", "https"} else parts.query
    return urlunsplit(parts._replace(netloc=netloc, query=query))
