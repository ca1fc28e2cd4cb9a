"""`ledgerctl events`: the facts of a journal, as they are and as they come."""

import asyncio
import contextlib
import json
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger_client.cli.arguments import parse_sequence
from ledger_client.cli.event_records import (
    EVENT_TABLE_COLUMNS,
    event_csv,
    event_line,
    event_record,
    event_row,
)
from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.rendering import Output, to_json
from ledger_client.cli.session import Session, command
from ledger_client.cli.subscriber_failures import as_command_errors
from ledger_client.convert import events as convert
from ledger_client.models import Event, EventFilter
from ledger_client.subscriber import (
    FailurePolicy,
    FileCheckpoints,
    JournalSubscriber,
    MemoryCheckpoints,
    OnPoison,
    PoisonEventError,
)

app = typer.Typer(no_args_is_help=True, help="Events: every fact of a journal, once, in order.")

After = Annotated[
    int | None,
    typer.Option(parser=parse_sequence, metavar="N", help="Begin behind this sequence."),
]
Types = Annotated[
    str | None,
    typer.Option(metavar="TYPE,...", help="Only these, such as journal.posted,hold.created."),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--account", help="Only those about it: code or id; may be repeated."),
]
AccountSet = Annotated[str | None, typer.Option("--set", help="Only those about its accounts.")]
Template = Annotated[str | None, typer.Option(help="Only transactions from it.")]
CorrelationId = Annotated[str | None, typer.Option(help="Only transactions with this.")]
BalanceUpdates = Annotated[
    bool,
    typer.Option("--balance-updates", help="After each transaction its balances, one an entry."),
]


@command(app, "list")
async def list_all(
    session: Session,
    *,
    after: After = None,
    types: Types = None,
    accounts: Accounts = None,
    account_set: AccountSet = None,
    template: Template = None,
    correlation_id: CorrelationId = None,
    balance_updates: BalanceUpdates = False,
    limit: Annotated[
        int | None,
        typer.Option(parser=parse_sequence, metavar="N", help="At most so many; else all."),
    ] = None,
) -> None:
    """List the events that are there, by sequence."""
    wanted = _filter(types, accounts, account_set, template, correlation_id)
    found = session.ledger.list_events(
        await session.journal(),
        after_sequence=after or 0,
        filter=wanted,
        include_balance_updates=balance_updates,
    )
    events: list[Event] = []
    async for event in found:
        events.append(event)
        if len(events) == limit:
            break
    if session.output is Output.CSV:
        session.console.file.write(event_csv(events) + "\n")
    elif session.output is Output.JSON:
        session.show_list([], [event_record(event) for event in events])
    else:
        rows = [event_row(event) for event in events]
        session.show_list(EVENT_TABLE_COLUMNS, rows, nothing="no such event")


@command(app, "follow")
async def follow(
    session: Session,
    *,
    after: After = None,
    new: Annotated[bool, typer.Option("--new", help="Only what is still to come.")] = False,
    types: Types = None,
    accounts: Accounts = None,
    account_set: AccountSet = None,
    template: Template = None,
    correlation_id: CorrelationId = None,
    balance_updates: BalanceUpdates = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the position here, and go on from it next time."),
    ] = None,
    until_head: Annotated[
        bool, typer.Option("--until-head", help="End when all that is there was printed.")
    ] = False,
) -> None:
    """Print events as they are committed, a line each, until Ctrl-C.

    JSON is an object a line. It goes on by itself when the server restarts. With --checkpoint
    every event is printed at least once, over any number of runs.
    """
    if new and (after or checkpoint):
        raise typer.BadParameter("--new goes with neither --after nor --checkpoint")
    journal = await session.journal()
    start = (await session.ledger.get_head(journal)).sequence if new else after or 0
    subscriber = JournalSubscriber(
        session.ledger,
        journal,
        FileCheckpoints(checkpoint) if checkpoint else MemoryCheckpoints(),
        filter=_filter(types, accounts, account_set, template, correlation_id),
        include_balance_updates=balance_updates,
        start_after=start,
        failures=FailurePolicy(attempts=1, on_poison=OnPoison.STOP),
    )
    with _stopping(subscriber) as interrupted, as_command_errors():
        try:
            await subscriber.run(_printer(session), until_head=until_head)
        except PoisonEventError as error:
            # As when whoever read the lines has gone.
            raise error.__cause__ or error from None
    if interrupted.is_set():
        raise typer.Abort


def _printer(session: Session) -> Any:
    if session.output is Output.CSV:
        session.console.file.write(event_csv([]) + "\n")

    async def write(event: Event) -> None:
        if session.output is Output.JSON:
            line = json.dumps(to_json(event_record(event)), ensure_ascii=False)
        elif session.output is Output.CSV:
            line = event_csv([event], header=False)
        else:
            line = event_line(event)
        session.console.file.write(line + "\n")
        session.console.file.flush()

    return write


@contextlib.contextmanager
def _stopping(subscriber: JournalSubscriber[()]) -> Any:
    """Have signals end the subscriber in order; tell whether it was Ctrl-C."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        subscriber.stop()

    # Not on Windows, where Ctrl-C ends the process at once.
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
        loop.add_signal_handler(signal.SIGTERM, subscriber.stop)
    try:
        yield interrupted
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)


def _filter(
    types: str | None,
    accounts: list[str] | None,
    account_set: str | None,
    template: str | None,
    correlation_id: str | None,
) -> EventFilter | None:
    wanted = EventFilter(
        types=tuple(each.strip() for each in types.split(",")) if types else (),
        accounts=tuple(accounts or ()),
        account_set=account_set,
        template_code=template or "",
        correlation_id=correlation_id or "",
    )
    if wanted == EventFilter():
        return None
    try:
        convert.event_filter(wanted)
    except ValueError as error:
        raise CommandError(
            f"--types {types}: not types of events",
            ExitCode.USAGE,
            hint="such as journal.posted, hold.created, account.updated",
        ) from error
    return wanted
