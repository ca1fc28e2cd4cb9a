"""Checkpoints into a stream of NATS JetStream. Needs the extra `brokers`."""

import contextlib
import importlib
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ledger_client.anchor.target import AnchorError, Receipt, shown
from ledger_client.publish.address import redacted
from ledger_client.verify import SignedCheckpoint

SUBJECT_DEFAULT: Final = "ledger.checkpoint.signed"
TIMEOUT_SECONDS: Final = 10


class NatsAnchor:
    """Publishes the note and waits until a stream has stored it."""

    def __init__(self, url: str) -> None:
        """Publish on the subject that the path of `url` names, else on the default one.

        Raises:
            ValueError: the client of NATS is not installed.
        """
        try:
            self._nats: Any = importlib.import_module("nats")
        except ImportError as error:
            raise ValueError("nats-py is missing: pip install 'ledger-engine[brokers]'") from error
        parts = urlsplit(url)
        self._server = parts._replace(path="", query="", fragment="").geturl()
        self._subject = unquote(parts.path.strip("/")) or SUBJECT_DEFAULT
        self._target = shown(url)
        self._connection: Any = None

    async def submit(self, checkpoint: SignedCheckpoint) -> Receipt:
        """Publish the checkpoint; the same one twice within the stream's window is stored once."""
        try:
            if self._connection is None:
                self._connection = await self._nats.connect(
                    self._server,
                    connect_timeout=TIMEOUT_SECONDS,
                    max_reconnect_attempts=2,
                    allow_reconnect=False,
                    error_cb=_silent,
                )
            stored = await self._connection.jetstream(timeout=TIMEOUT_SECONDS).publish(
                self._subject,
                checkpoint.note.encode(),
                headers={
                    "Nats-Msg-Id": f"{checkpoint.origin}-{checkpoint.size}-{checkpoint.root.hex()}"
                },
            )
        except (self._nats.errors.Error, OSError, TimeoutError) as error:
            await self.close()
            said = redacted(str(error), self._server) or type(error).__name__
            raise AnchorError(
                f"{self._target}: {said} (is there a stream for {self._subject}?)"
            ) from error
        return Receipt(self._target, f"stream {stored.stream}, sequence {stored.seq}")

    async def close(self) -> None:
        """Close the connection; the next checkpoint opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(self._nats.errors.Error, OSError):
                await connection.close()


async def _silent(_error: Exception) -> None:
    """Leave it to `submit` to say what failed."""
