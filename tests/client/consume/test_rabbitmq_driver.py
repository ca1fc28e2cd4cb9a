"""What the driver of RabbitMQ raises where a connection breaks, as it was met."""

import asyncio
from typing import Any

import pytest

from ledger_client.consume import MemoryInbox, ReceivedEvent
from ledger_client.consume.rabbitmq import RabbitMQConsumer
from tests.client.consume.brokers_at_hand import OnRabbitMQ
from tests.client.consume.effects import event_message


class Channel:
    def __init__(self) -> None:
        self.is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class Message:
    content_type = message_id = type = ""
    body = event_message(1).body
    redelivered = False

    def __init__(self, error: BaseException) -> None:
        self.headers: dict[str, str] = {}
        self._error = error

    async def ack(self) -> None:
        raise self._error


async def handle(_event: ReceivedEvent, _transaction: object) -> None:
    pass


def consumer() -> Any:
    at_hand = OnRabbitMQ("amqp://127.0.0.1:1/")
    return at_hand.consumer(MemoryInbox(), handle)


async def test_a_bare_exception_where_a_write_is_cut_off() -> None:
    """The message is in doubt: without its channel the broker delivers it again."""
    channel = Channel()
    await consumer()._settle(channel, Message(Exception()))
    assert channel.is_closed


async def test_an_error_of_ours_is_not_taken_for_it() -> None:
    with pytest.raises(KeyError):
        await consumer()._settle(Channel(), Message(KeyError("ours")))


@pytest.mark.parametrize("cancelled_by", ["driver", "caller"])
async def test_a_cancellation_by_the_driver_is_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch, cancelled_by: str
) -> None:
    sessions = 0

    async def session(self: Any) -> None:
        nonlocal sessions
        sessions += 1
        if sessions == 1 and cancelled_by == "driver":
            raise asyncio.CancelledError
        if cancelled_by == "driver":
            self.stop()
            return
        await asyncio.sleep(60)

    monkeypatch.setattr(RabbitMQConsumer, "_session", session)
    task = asyncio.create_task(consumer().run())
    if cancelled_by == "driver":
        await asyncio.wait_for(task, 30)
        assert sessions == 2
    else:
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
