"""Checkpoints to RabbitMQ. Needs the extra `brokers`."""

import importlib
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from ledger_client.anchor.target import AnchorError, Receipt, shown
from ledger_client.publish.address import redacted
from ledger_client.verify import SignedCheckpoint

ROUTING_KEY_DEFAULT: Final = "ledger.checkpoint.signed"
TIMEOUT_SECONDS: Final = 10


class RabbitAnchor:
    """Publishes the note, persistent and mandatory, and waits for the broker's confirmation."""

    def __init__(self, url: str) -> None:
        """Publish to the exchange and with the routing key that the query of `url` names.

        Without an exchange the routing key is the name of a queue.

        Raises:
            ValueError: the client of RabbitMQ is not installed.
        """
        try:
            self._pika: Any = importlib.import_module("aio_pika")
        except ImportError as error:
            raise ValueError("aio-pika is missing: pip install 'ledger-engine[brokers]'") from error
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._exchange = query.get("exchange", [""])[0]
        self._routing_key = query.get("routing_key", [ROUTING_KEY_DEFAULT])[0]
        self._server = parts._replace(query="", fragment="").geturl()
        self._target = shown(url)

    async def submit(self, checkpoint: SignedCheckpoint) -> Receipt:
        """Publish the checkpoint; one that no queue takes is an error."""
        try:
            # A connection each: kept over the minutes between two, it would be found broken.
            connection = await self._pika.connect(self._server, timeout=TIMEOUT_SECONDS)
            async with connection:
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                exchange = channel.default_exchange
                if self._exchange:
                    exchange = await channel.get_exchange(self._exchange, ensure=True)
                await exchange.publish(
                    self._pika.Message(
                        checkpoint.note.encode(),
                        content_type="text/plain",
                        delivery_mode=self._pika.DeliveryMode.PERSISTENT,
                        message_id=f"{checkpoint.size}-{checkpoint.root.hex()}",
                        type="ledger.checkpoint.signed",
                    ),
                    self._routing_key,
                    mandatory=True,
                    timeout=TIMEOUT_SECONDS,
                )
        except Exception as error:
            # Where a connection breaks the driver raises what it happens to meet, RuntimeError and
            # Exception itself among it. Whatever it was, the checkpoint is not known to be there.
            said = redacted(str(error), self._server) or type(error).__name__
            raise AnchorError(f"{self._target}: {said}") from error
        return Receipt(self._target, f"confirmed, routing key {self._routing_key}")

    async def close(self) -> None:
        """Nothing is held."""
