"""What a publisher does about what goes wrong: tells people, waits, or gives up."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from ledger_client.publish.status import Alert, State, Status

logger: Final = logging.getLogger(__name__)

#: An alert comes again while its cause lasts, this often.
ALERT_SECONDS: Final = 60.0


class GaveUpError(Exception):
    """A publisher that was to come to an end could not for too long; the message has the cause."""


class Troubles:
    """Those of one publisher, from the first failure until something works again."""

    def __init__(
        self,
        status: Status,
        on_alert: Callable[[Alert], None] | None,
        give_up_seconds: float | None,
    ) -> None:
        """Begin without any.

        Args:
            status: is kept up to date.
            on_alert: told what a person should know of, beside the log.
            give_up_seconds: how long they may last; None for ever.
        """
        self._status = status
        self._on_alert = on_alert
        self._give_up_seconds = give_up_seconds
        self._alerted: dict[str, float] = {}
        self._since: float | None = None
        #: Set when the publisher is to end; all waiting ends with it.
        self.stopping = asyncio.Event()

    def note(self, error: Exception, state: State = State.TROUBLED) -> float:
        """Take notice of a failure and return for how many seconds there has been trouble.

        Raises:
            GaveUpError: too long.
        """
        now = asyncio.get_running_loop().time()
        self._status.last_error = str(error)
        self._status.state = state
        if self._since is None:
            self._since = now
        lasted = now - self._since
        if self._give_up_seconds is not None and lasted >= self._give_up_seconds:
            raise GaveUpError(f"gave up after {lasted:.0f} s: {error}") from error
        return lasted

    def alert(self, kind: str, message: str) -> None:
        """Tell people, unless they were told of the same kind a moment ago."""
        now = asyncio.get_running_loop().time()
        if now - self._alerted.get(kind, -ALERT_SECONDS) < ALERT_SECONDS:
            return
        self._alerted[kind] = now
        logger.error("%s: %s", kind, message)
        if self._on_alert is not None:
            sequence = self._status.position + 1
            self._on_alert(Alert(kind=kind, message=message, sequence=sequence))

    def over(self) -> None:
        """Take notice that something worked."""
        if self._since is not None:
            logger.info("publishing goes on after event %d", self._status.position)
        self._status.state = State.PUBLISHING
        self._since = None
        self._alerted.clear()

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
