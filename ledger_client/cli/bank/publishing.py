"""`ledgerctl bank publish`: a module's domain events to a message broker."""

import asyncio
from typing import Annotated, Final

import grpc
import typer
from rich.console import Console

from ledger_client.banking.publishing.envelope import DomainEventEnvelope
from ledger_client.banking.publishing.feed import DomainEventFeed, type_prefix
from ledger_client.cli.failures import (
    CommandError,
    ExitCode,
    exit_code_of,
    print_error,
    print_ledger_error,
)
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
from ledger_client.cli.rendering import Output, Record, print_record
from ledger_client.cli.session import OutputFormat, error_console
from ledger_client.connection import CHANNEL_OPTIONS
from ledger_client.errors import LedgerError
from ledger_client.publish.publisher import LEASE_SECONDS_DEFAULT, Publisher, Settings
from ledger_client.publish.target import Target

ADDRESS_DEFAULT: Final = "127.0.0.1:7080"

app = typer.Typer()

Module = Annotated[str, typer.Option(help="Whose events, such as deposit.")]
Tenant = Annotated[
    str, typer.Option(envvar="LEDGER_BANK_TENANT", show_envvar=True, help="Code of the journal.")
]
Address = Annotated[
    str,
    typer.Option(
        envvar="LEDGER_BANK_ADDRESS", show_envvar=True, metavar="HOST:PORT", help="The bank."
    ),
]
Token = Annotated[
    str,
    typer.Option(
        envvar="LEDGER_BANK_TOKEN",
        show_envvar=True,
        help="Of a user with the permission sets events_viewer and events_publisher. Better in the "
        "environment: others see what stands in a command line.",
    ),
]
Types = Annotated[str, typer.Option(help="Only these, such as core.deposit.deposit-initialized.")]
SubjectPrefix = Annotated[
    str,
    typer.Option(help="NATS: subjects are PREFIX.TENANT.TYPE; without it they are the type alone."),
]


@app.command("publish")
def publish(
    *,
    module: Module,
    tenant: Tenant,
    to: To,
    token: Token,
    address: Address = ADDRESS_DEFAULT,
    exchange: Exchange = None,
    stream: Stream = None,
    create_stream: CreateStream = False,
    subject_prefix: SubjectPrefix = "",
    types: Types = "",
    name: Name = None,
    lease: LeaseSeconds = LEASE_SECONDS_DEFAULT,
    in_flight: InFlight = 256,
    unpublishable: OnUnpublishable = Unpublishable.STOP,
    once: Once = False,
    patience: Patience = None,
    output: OutputFormat = None,
) -> None:
    """Publish a module's domain events to RabbitMQ or NATS JetStream: in order, each at least once.

    Start it more than once for safety: one publishes, the others stand by. SIGTERM ends it in good
    order.
    """
    target = target_of(
        to,
        exchange=exchange,
        stream=stream,
        create_stream=create_stream,
        subject_prefix=subject_prefix,
        subjects=f"{type_prefix(module)}>",
        in_flight=in_flight,
        lease=lease,
    )
    settings = publisher_settings(
        name or cursor_name(to, exchange, stream),
        lease=lease,
        unpublishable=unpublishable,
        once=once,
        patience=patience,
    )
    wanted = _known_types(types, module)

    async def run() -> Record:
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            feed = DomainEventFeed(
                channel,
                module,
                tenant,
                credentials=lambda: (("authorization", f"Bearer {token}"),),
                types=wanted,
            )
            return await _publish(feed, target, settings, once=once)

    errors = error_console()
    try:
        record = asyncio.run(run())
    except CommandError as error:
        print_error(errors, error.message, details=error.details, hint=error.hint)
        raise typer.Exit(int(error.exit_code)) from error
    except LedgerError as error:
        print_ledger_error(errors, error, server=address, hint=_hint(error, address))
        raise typer.Exit(int(exit_code_of(error))) from error
    console = Console(highlight=False, markup=False, emoji=False)
    print_record(console, output or Output.TABLE, record)


async def _publish(
    feed: DomainEventFeed, target: Target, settings: Settings, *, once: bool
) -> Record:
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


def _hint(error: LedgerError, address: str) -> str | None:
    if exit_code_of(error) is ExitCode.UNAVAILABLE:
        return f"is a bank running at {address}? Start one with ledger-bank"
    return _HINTS.get(error.reason)


_HINTS: Final = {
    "MODULE_UNKNOWN": "name another with --module, or the address where it runs with --address",
    "PERMISSION_DENIED": "the user needs the permission sets events_viewer and events_publisher",
    "UNAUTHENTICATED": "give a token that is in force with LEDGER_BANK_TOKEN",
    "OTHER_TENANT": "name the tenant of the token's user with --tenant",
}
