"""`ledgerctl bank publish` and `cursors`: a module's domain events to a message broker."""

import inspect
from typing import Annotated, Any, Final

import typer

from bank_proto.events.v1 import cursors_pb2
from bank_proto.events.v1.cursors_pb2_grpc import DomainEventCursorServiceStub
from ledger_client.banking.publishing.envelope import DomainEventEnvelope
from ledger_client.banking.publishing.feed import DomainEventFeed, type_prefix
from ledger_client.cli.bank.answers import record_of
from ledger_client.cli.bank.session import BankSession, add_command, print_error_of
from ledger_client.cli.failures import ExitCode
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
    Unpublishable,
    cursor_name,
    publisher_settings,
    run_publisher,
    target_of,
    types_of,
)
from ledger_client.cli.rendering import Record, columns, print_record, print_records
from ledger_client.errors import LedgerError
from ledger_client.publish.publisher import LEASE_SECONDS_DEFAULT, Publisher, Settings
from ledger_client.publish.target import Target

PAGE_SIZE: Final = 500

Module = Annotated[str, typer.Option("--module", "-m", help="Such as deposit.")]
Types = Annotated[str, typer.Option(help="Only these, such as core.deposit.deposit-initialized.")]
SubjectPrefix = Annotated[
    str,
    typer.Option(help="NATS: subjects are PREFIX.TENANT.TYPE; without it they are the type alone."),
]

#: Options of `publish`: name, hint, default.
_OPTIONS: Final[tuple[tuple[str, Any, Any], ...]] = (
    ("module", Module, inspect.Parameter.empty),
    ("to", To, inspect.Parameter.empty),
    ("exchange", Exchange, None),
    ("stream", Stream, None),
    ("create_stream", CreateStream, False),
    ("subject_prefix", SubjectPrefix, ""),
    ("types", Types, ""),
    ("name", Name, None),
    ("lease", LeaseSeconds, LEASE_SECONDS_DEFAULT),
    ("in_flight", InFlight, 256),
    ("unpublishable", OnUnpublishable, Unpublishable.STOP),
    ("once", Once, False),
    ("patience", Patience, None),
)
_PUBLISH_HELP: Final = (
    "Publish a module's domain events to RabbitMQ or NATS JetStream: in order, each at least once. "
    "Start it more than once for safety: one publishes, the others stand by. SIGTERM ends it in "
    "good order. Your roles need the permission sets events_viewer and events_publisher."
)
_CURSORS_HELP: Final = "Show how far the publishers of a module have come, and who is at work."
_COLUMNS: Final = columns("name", "#position", "holder", "lease_expire_time", "update_time")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the bank's group."""
    kind = inspect.Parameter.KEYWORD_ONLY
    options = [
        inspect.Parameter(name, kind, default=default, annotation=hint)
        for name, hint, default in _OPTIONS
    ]
    add_command(app, "publish", _PUBLISH_HELP, options, _publish)
    add_command(
        app,
        "cursors",
        _CURSORS_HELP,
        [inspect.Parameter("module", kind, annotation=Module)],
        _cursors,
    )


async def _publish(session: BankSession, typed: dict[str, Any]) -> ExitCode | None:
    module: str = typed["module"]
    target = target_of(
        typed["to"],
        exchange=typed["exchange"],
        stream=typed["stream"],
        create_stream=typed["create_stream"],
        subject_prefix=typed["subject_prefix"],
        subjects=f"{type_prefix(module)}>",
        in_flight=typed["in_flight"],
        lease=typed["lease"],
    )
    feed = DomainEventFeed(
        session.channel,
        module,
        session.tenant,
        credentials=lambda: session.metadata,
        types=_known_types(typed["types"], module),
    )
    settings = publisher_settings(
        typed["name"] or cursor_name(typed["to"], typed["exchange"], typed["stream"]),
        lease=typed["lease"],
        unpublishable=typed["unpublishable"],
        once=typed["once"],
        patience=typed["patience"],
    )
    try:
        record = await _run(feed, target, settings, once=typed["once"])
    except LedgerError as error:
        return print_error_of(session, error)
    print_record(session.console, session.output, record)
    return None


async def _run(feed: DomainEventFeed, target: Target, settings: Settings, *, once: bool) -> Record:
    # Asked for in any case: what is wrong with the address or the token shows at once.
    head = await feed.head()
    publisher = Publisher(feed, target=target, envelope=DomainEventEnvelope(), settings=settings)
    return await run_publisher(publisher, target, until=head if once else None)


def _known_types(text: str, module: str) -> tuple[str, ...]:
    names = types_of(text)
    prefix = type_prefix(module)
    for name in names:
        if not name.startswith(prefix):
            raise typer.BadParameter(f"--types: {name!r} is none of {module}'s: {prefix}...")
    return names


async def _cursors(session: BankSession, typed: dict[str, Any]) -> None:
    stub: Any = DomainEventCursorServiceStub(session.channel)
    request = cursors_pb2.ListCursorsRequest(
        tenant=session.tenant, module=typed["module"], page_size=PAGE_SIZE
    )
    found: list[Record] = []
    while True:
        page = await stub.ListCursors(request, timeout=session.timeout, metadata=session.metadata)
        found += map(record_of, page.cursors)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    print_records(session.console, session.output, _COLUMNS, found, nothing="no publisher so far")
