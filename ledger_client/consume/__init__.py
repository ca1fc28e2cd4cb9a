"""From brokers to handlers: at least once delivered, effects exactly once.

`RabbitMQConsumer` is in `ledger_client.consume.rabbitmq`, `NatsConsumer` in
`ledger_client.consume.nats`: each needs its driver, which the extra `brokers` installs.
"""

from ledger_client.consume.consumer import Consumer, Counts
from ledger_client.consume.gaps import Gap, SequenceWatch
from ledger_client.consume.inbox import Inbox, InboxUnavailableError, MemoryInbox
from ledger_client.consume.postgres_inbox import PostgresInbox
from ledger_client.consume.processing import Handler, RejectEventError
from ledger_client.consume.received import EventReference, ReceivedEvent, UnreadableError
from ledger_client.publish.topology import Retries

__all__ = [
    "Consumer",
    "Counts",
    "EventReference",
    "Gap",
    "Handler",
    "Inbox",
    "InboxUnavailableError",
    "MemoryInbox",
    "PostgresInbox",
    "ReceivedEvent",
    "RejectEventError",
    "Retries",
    "SequenceWatch",
    "UnreadableError",
]
