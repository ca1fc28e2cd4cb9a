"""Where messages go: what a publisher asks of a broker, and how a broker says no."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from ledger_client.publish.message import Message


@dataclasses.dataclass(frozen=True, slots=True)
class Published:
    """The last message of this publisher that the broker has."""

    sequence: int
    id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Who publishes."""

    #: Code of the journal, also where that is a bank's tenant.
    journal: str
    #: Name of the cursor: publishers that share it take turns.
    publisher: str
    #: Whose events of the journal: `ledger`, or `bank.<module>`.
    system: str = "ledger"

    @property
    def name(self) -> str:
        """One name for all, for the broker to tell publishers apart by."""
        return f"{self.system}.publisher.{self.journal}.{self.publisher}"


class Target(Protocol):
    """A broker's place for messages.

    Opened, used and closed by one publisher, again and again: after any failure it is closed and
    opened anew. What was in flight then is in doubt and is sent again, unless `open` can tell.
    """

    @property
    def name(self) -> str:
        """What it is, for people: never with a password."""

    async def open(self, origin: Origin) -> Published | None:
        """Connect, and shut out any other publisher of the same origin.

        Returns:
            The last message the broker has, None if it cannot tell or has none.

        Raises:
            PublishError: it cannot be used now.
        """

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages in order and return when the broker has taken charge of all.

        Raises:
            PublishError: with how many from the first on it has taken charge of.
        """

    async def close(self) -> None:
        """Let go of the connection, whatever state it is in. Raises nothing."""


class PublishError(Exception):
    """Messages were not published, or nobody knows whether they were."""

    def __init__(self, message: str, *, confirmed: int = 0) -> None:
        """Say what went wrong.

        Args:
            message: for people, without passwords.
            confirmed: how many messages, from the first on, the broker has taken charge of.
        """
        super().__init__(message)
        self.confirmed = confirmed


class TargetUnavailableError(PublishError):
    """The broker does not answer, answers too late, or does not take messages now."""


class FencedError(PublishError):
    """Another publisher of the same origin is at work, or was a moment ago."""


class TargetSetupError(PublishError):
    """The broker lacks something that only its operator can give: a stream, a right."""


class UnroutableError(PublishError):
    """Nobody would get the message: the broker has no queue, or no stream, for it."""


class MessageTooLargeError(PublishError):
    """The message, first of those not confirmed, is larger than the broker takes."""
