"""JetStream's answers to messages that are on their way, many at once.

The driver's own `publish_async` never resolves when the answer is an error (nats-py 2.16 raises it
where nobody catches it), and errors are what tells that another publisher was faster.
"""

import asyncio
import dataclasses
import itertools
import json
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

#: What a server answers for a subject on which nobody listens: in a header of its own.
_STATUS_HEADER: Final = "Status"
_NO_RESPONDERS: Final = "503"

#: Error codes of JetStream.
WRONG_LAST_SEQUENCE: Final = 10071
WRONG_LAST_ID: Final = 10070
TOO_LARGE: Final = 10054


@dataclasses.dataclass(frozen=True, slots=True)
class Ack:
    """The message is stored."""

    #: Its place in the stream.
    sequence: int
    #: It was there before; nothing was stored now.
    is_duplicate: bool


class AckError(Exception):
    """The message is not stored."""

    def __init__(self, code: int, description: str) -> None:
        """Keep JetStream's own code, 0 if it gave none, and words."""
        super().__init__(description)
        self.code = code


class NoStreamError(AckError):
    """No stream takes the subject."""


class Acks:
    """Those of one connection."""

    def __init__(self, client: Client) -> None:
        """Use `open` instead."""
        self._client = client
        self._inbox = client.new_inbox()
        self._numbers = itertools.count(1)
        self._pending: dict[str, asyncio.Future[Ack]] = {}

    @classmethod
    async def open(cls, client: Client) -> "Acks":
        """Begin to listen for answers."""
        acks = cls(client)
        await client.subscribe(f"{acks._inbox}.*", cb=acks._take)
        return acks

    async def publish(
        self, subject: str, body: bytes, headers: dict[str, str]
    ) -> "asyncio.Future[Ack]":
        """Send a message; return what resolves with its Ack or an AckError, or is cancelled."""
        number = str(next(self._numbers))
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        future.add_done_callback(lambda _: self._pending.pop(number, None))
        await self._client.publish(subject, body, reply=f"{self._inbox}.{number}", headers=headers)
        return future

    def fail(self, error: Exception) -> None:
        """End what is pending: no answer will come."""
        for future in list(self._pending.values()):
            if not future.done():
                future.set_exception(error)

    async def _take(self, answer: Msg) -> None:
        future = self._pending.get(answer.subject.rpartition(".")[2])
        if future is None or future.done():
            return  # given up meanwhile
        if (answer.headers or {}).get(_STATUS_HEADER) == _NO_RESPONDERS:
            future.set_exception(NoStreamError(0, "no stream takes the subject"))
            return
        said = json.loads(answer.data)
        if error := said.get("error"):
            code, description = error.get("err_code", 0), error.get("description", "no reason")
            future.set_exception(AckError(code, description))
        else:
            future.set_result(Ack(said["seq"], said.get("duplicate", False)))
