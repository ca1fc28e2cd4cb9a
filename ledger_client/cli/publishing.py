"""`ledgerctl publish`: a journal's events to a message broker."""

import enum
from collections.abc import Sequence
from typing import Annotated

import typer

from ledger_client.cli.publisher import (
    CreateStream,
    Exchange,
    InFlight,
    LeaseSeconds,
    Name,
    Once,
    OnUnpublishable,
    Patience,
    Stream,
    To,
    Types,
    Unpublishable,
    cursor_name,
    publisher_settings,
    run_publisher,
    target_of,
    types_of,
)
from ledger_client.cli.session import Session, command
from ledger_client.convert.events import event_filter
from ledger_client.models import EventFilter
from ledger_client.publish.envelopes import envelope as envelope_named
from ledger_client.publish.journal_feed import JournalFeed
from ledger_client.publish.publisher import LEASE_SECONDS_DEFAULT, Publisher

app = typer.Typer()


class Form(enum.StrEnum):
    """An envelope as typed."""

    CLOUDEVENTS = "cloudevents"
    LANA = "lana"
    IMAGY = "imagy"


SubjectPrefix = Annotated[str, typer.Option(help="NATS: subjects are PREFIX.JOURNAL.TYPE.")]
EnvelopeOptions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE", help="Of the envelope, such as type_prefix; may be repeated."
    ),
]
Balances = Annotated[
    bool, typer.Option("--balances", help="Publish a balance.updated for each entry too.")
]


@command(app, "publish")
async def publish(
    session: Session,
    *,
    to: To,
    exchange: Exchange = None,
    stream: Stream = None,
    create_stream: CreateStream = False,
    subject_prefix: SubjectPrefix = "ledger",
    envelope: Annotated[Form, typer.Option(help="The form of messages.")] = Form.CLOUDEVENTS,
    envelope_option: EnvelopeOptions = None,
    types: Types = "",
    balances: Balances = False,
    name: Name = None,
    lease: LeaseSeconds = LEASE_SECONDS_DEFAULT,
    in_flight: InFlight = 256,
    unpublishable: OnUnpublishable = Unpublishable.STOP,
    once: Once = False,
    patience: Patience = None,
) -> None:
    """Publish a journal's events to RabbitMQ or NATS JetStream: in order, each at least once.

    Start it more than once for safety: one publishes, the others stand by. SIGTERM ends it in good
    order.
    """
    target = target_of(
        to,
        exchange=exchange,
        stream=stream,
        create_stream=create_stream,
        subject_prefix=subject_prefix,
        in_flight=in_flight,
        lease=lease,
    )
    journal = await session.ledger.get_journal(await session.journal())
    try:
        form = envelope_named(envelope, journal.id, _options(envelope_option or ()))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    feed = JournalFeed(session.ledger, journal, types=_known_types(types), balance_updates=balances)
    publisher = Publisher(
        feed,
        target=target,
        envelope=form,
        settings=publisher_settings(
            name or cursor_name(to, exchange, stream),
            lease=lease,
            unpublishable=unpublishable,
            once=once,
            patience=patience,
        ),
    )
    session.show(
        await run_publisher(publisher, target, until=journal.head_sequence if once else None)
    )


def _options(arguments: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"--envelope-option {argument!r} is not NAME=VALUE")
        options[key] = value
    return options


def _known_types(text: str) -> tuple[str, ...]:
    names = types_of(text)
    if "balance.updated" in names:
        raise typer.BadParameter("--types: balance.updated comes with --balances")
    for name in names:
        try:
            event_filter(EventFilter(types=(name,)))
        except ValueError as error:
            message = f"--types: {name!r} is no event type, such as journal.posted"
            raise typer.BadParameter(message) from error
    return names
