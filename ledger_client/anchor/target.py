"""What an anchor is: it takes a checkpoint and says that it has it."""

import dataclasses
from typing import Protocol
from urllib.parse import urlsplit

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
    """Return a URL without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:***@{host}").geturl()
