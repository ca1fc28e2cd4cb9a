"""What the commands that publish have in common: options, the target, the run."""

import asyncio
import enum
import logging
import os
import signal
from typing import Annotated, Any, Final

import typer

from ledger_client.cli.arguments import parse_seconds
from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.rendering import Record
from ledger_client.publish.address import broker_kind, with_password
from ledger_client.publish.publisher import Publisher, Settings
from ledger_client.publish.target import Target
from ledger_client.publish.troubles import GaveUpError

logger: Final = logging.getLogger("ledger_client.publish")

#: Where the password is, if it is not in the URL.
PASSWORD_VARIABLE: Final = "LEDGER_BROKER_PASSWORD"  # noqa: S105  # its name
#: With `--once`, unless the command line says otherwise.
ONCE_PATIENCE_SECONDS: Final = 60.0

#: A shorter heartbeat would end connections that are merely slow.
HEARTBEAT_SECONDS_MIN: Final = 2

#: Between lines in the log that say how it goes.
REPORT_SECONDS: Final = 60.0

#: Loggers that say with tracebacks what our own says in a line.
_NOISY: Final = ("aio_pika", "aiormq", "asyncio", "nats")


class Unpublishable(enum.StrEnum):
    """What is done with an event that cannot be published, as typed."""

    STOP = "stop"
    REFER = "refer"


To = Annotated[
    str,
    typer.Option(
        envvar="LEDGER_BROKER_URL",
        metavar="URL",
        show_envvar=True,
        help="amqp://USER@HOST/VHOST or amqps:// (RabbitMQ), nats://HOST or tls:// (NATS). "
        f"The password may come from {PASSWORD_VARIABLE}.",
    ),
]
Exchange = Annotated[
    str | None, typer.Option(help="RabbitMQ: the topic exchange; made if it is not there.")
]
Stream = Annotated[
    str | None, typer.Option(help="NATS: the JetStream stream, of this publisher alone.")
]
CreateStream = Annotated[
    bool, typer.Option("--create-stream", help="NATS: make the stream if it is not there.")
]
Types = Annotated[str, typer.Option(help="Only these, such as journal.posted,hold.created.")]
Name = Annotated[
    str | None,
    typer.Option(help="Of the cursor: publishers that share it take turns; else the target."),
]
LeaseSeconds = Annotated[
    int, typer.Option(min=1, max=300, metavar="SECONDS", help="After which another takes over.")
]
InFlight = Annotated[
    int, typer.Option(min=1, max=4_000, help="Messages sent before the first is confirmed.")
]
OnUnpublishable = Annotated[
    Unpublishable,
    typer.Option(
        help="An event the broker cannot carry: stand still before it, or publish in its place "
        "where to find it."
    ),
]
Once = Annotated[bool, typer.Option("--once", help="End when all that is there now is published.")]
Patience = Annotated[
    float | None,
    typer.Option(
        parser=parse_seconds,
        metavar="SECONDS",
        help="End when kept waiting so long; else never, with --once after 60.",
    ),
]


def cursor_name(url: str, exchange: str | None, stream: str | None) -> str:
    """Return the name of a cursor that was given none: that of the place."""
    return f"{broker_kind(url)}/{exchange or stream}"


def types_of(text: str) -> tuple[str, ...]:
    """Return the types that were typed with commas between."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def publisher_settings(
    name: str, *, lease: int, unpublishable: Unpublishable, once: bool, patience: float | None
) -> Settings:
    """Return how the publisher is to behave."""
    return Settings(
        name=name,
        lease_seconds=lease,
        unpublishable="refer" if unpublishable is Unpublishable.REFER else "stop",
        give_up_seconds=patience or (ONCE_PATIENCE_SECONDS if once else None),
    )


async def run_publisher(publisher: Publisher[Any], target: Target, *, until: int | None) -> Record:
    """Run a publisher with its log on standard error; return what it did.

    Args:
        publisher: that publishes to `target`.
        target: where to.
        until: sequence after which it ends; None for never, but by a signal, in good order.

    Raises:
        CommandError: it was kept waiting too long.
        LedgerError: the feed refuses what no waiting will change.
    """
    _log_to_standard_error()
    try:
        await _run(publisher, until=until)
    except GaveUpError as error:
        raise CommandError(str(error), ExitCode.UNAVAILABLE) from error
    return _record(publisher, target)


def target_of(
    url: str,
    *,
    exchange: str | None,
    stream: str | None,
    create_stream: bool,
    subject_prefix: str,
    in_flight: int,
    lease: int,
    subjects: str = ">",
) -> Target:
    """Return where to publish, its driver loaded only now: it is an extra of the installation.

    Raises:
        CommandError: the driver is not installed.
        typer.BadParameter: the options do not go together.
    """
    try:
        kind = broker_kind(url)
        if password := os.environ.get(PASSWORD_VARIABLE):
            url = with_password(url, password)
    except ValueError as error:
        raise typer.BadParameter(f"--to: {error}") from error
    try:
        if kind == "rabbitmq":
            if not exchange or stream:
                raise typer.BadParameter("RabbitMQ takes --exchange NAME, and no --stream")
            from ledger_client.publish.rabbitmq import RabbitTarget  # noqa: PLC0415

            heartbeat = max(lease // 3, HEARTBEAT_SECONDS_MIN)
            return RabbitTarget(url, exchange, in_flight=in_flight, heartbeat_seconds=heartbeat)
        if not stream or exchange:
            raise typer.BadParameter("NATS takes --stream NAME, and no --exchange")
        from ledger_client.publish.nats import NatsTarget  # noqa: PLC0415
    except ImportError as error:
        hint = "pip install 'ledger-engine[brokers]'"
        message = f"the driver of the broker is not installed: {error.name}"
        raise CommandError(message, ExitCode.FAILURE, hint=hint) from error
    return NatsTarget(
        url,
        stream,
        subject_prefix=subject_prefix,
        subjects=subjects,
        create_stream=create_stream,
        in_flight=in_flight,
    )


async def _run(publisher: Publisher[Any], *, until: int | None) -> None:
    """Run a publisher; a signal to end has it end in good order."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, publisher.stop)
    reporting = asyncio.create_task(_report(publisher))
    try:
        await publisher.run(until=until)
    finally:
        reporting.cancel()
        for number in signals:
            loop.remove_signal_handler(number)


async def _report(publisher: Publisher[Any]) -> None:
    """Write how it goes into the log, now and then, if it goes at all or should."""
    reported = -1
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        status = publisher.status
        if status.published != reported or status.lag:
            logger.info(
                "%s: published %d, at event %d of %d, retried %d",
                *(status.state, status.published, status.position, status.head, status.retried),
            )
        reported = status.published


def _log_to_standard_error() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("ledger_client.publish").setLevel(logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _record(publisher: Publisher[Any], target: Target) -> Record:
    status = publisher.status
    return {
        "target": target.name,
        "position": status.position,
        "head": status.head,
        "published": status.published,
        "skipped": status.skipped,
        "retried": status.retried,
        "returned": status.returned,
        "referred": status.referred,
    }
