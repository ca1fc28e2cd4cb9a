"""From the URL of a target to its anchor."""

from urllib.parse import urlsplit

from ledger_client.anchor.file import FileAnchor
from ledger_client.anchor.http import HttpAnchor
from ledger_client.anchor.nats import NatsAnchor
from ledger_client.anchor.rabbitmq import RabbitAnchor
from ledger_client.anchor.target import Anchor, shown


def open_anchor(url: str) -> Anchor:
    """Return the anchor that a URL names. Nothing is connected yet.

    Args:
        url: `file:PATH`, `http(s)://...`, `nats://HOST:PORT/SUBJECT`, or
            `amqp(s)://USER:PASSWORD@HOST:PORT/VHOST?exchange=NAME&routing_key=KEY`.

    Raises:
        ValueError: it names none; says why.
    """
    scheme, colon, rest = url.partition(":")
    if scheme == "file" and rest:
        return FileAnchor.at(url)
    if colon and not urlsplit(url).hostname:
        raise ValueError(f"{shown(url)} names no host")
    if scheme in {"http", "https"}:
        return HttpAnchor(url)
    if scheme in {"nats", "tls"}:
        return NatsAnchor(url)
    if scheme in {"amqp", "amqps"}:
        return RabbitAnchor(url)
    raise ValueError(f"{shown(url)} is none of file:, http:, https:, nats:, amqp:, amqps:")
