"""`ledgerctl dead-letters`: events that a subscriber could not handle."""

import contextlib
import importlib
import inspect
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger_client.cli.arguments import parse_sequence
from ledger_client.cli.event_records import event_record
from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.rendering import Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.cli.subscriber_failures import as_command_errors
from ledger_client.models import Event
from ledger_client.subscriber import (
    DeadLetter,
    FileCheckpoints,
    LetterState,
    PostgresCheckpoints,
    SubscriberError,
    discard,
    replay,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Dead letters: events that a subscriber gave up on. They are where its checkpoint is.",
)

_COLUMNS = columns("#sequence", "type", "state", "#attempts", "time", "settle_time", "error")

Checkpoint = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The checkpoint, if it is a file.")
]
Dsn = Annotated[
    str | None,
    typer.Option(
        metavar="DSN", help="The consumer's database, if it is there; else LEDGER_CONSUMER_DSN."
    ),
]
Consumer = Annotated[
    str | None, typer.Option(help="Name of the consumer, if the checkpoint is in a database.")
]
Sequences = Annotated[
    list[int] | None,
    typer.Argument(parser=parse_sequence, metavar="[SEQUENCE]...", help="Which."),
]
All = Annotated[bool, typer.Option("--all", help="All that are open.")]


@command(app, "list")
async def list_all(
    session: Session,
    *,
    checkpoint: Checkpoint = None,
    dsn: Dsn = None,
    consumer: Consumer = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that were replayed or discarded.")
    ] = False,
) -> None:
    """List dead letters by sequence."""
    async with _store(session, checkpoint, dsn, consumer) as store:
        letters = [
            letter
            for letter in await store.dead_letters()
            if everything or letter.state is LetterState.OPEN
        ]
    records = [_record(letter) for letter in letters]
    session.show_list(_COLUMNS, records, nothing="no dead letter")


@command(app, "show")
async def show(
    session: Session,
    sequence: Annotated[
        int, typer.Argument(parser=parse_sequence, metavar="SEQUENCE", help="Which.")
    ],
    *,
    checkpoint: Checkpoint = None,
    dsn: Dsn = None,
    consumer: Consumer = None,
) -> None:
    """Show a dead letter: its event, and where its last failure was raised."""
    async with _store(session, checkpoint, dsn, consumer) as store:
        letters = [each for each in await store.dead_letters() if each.sequence == sequence]
    if not letters:
        raise CommandError(f"there is no dead letter of event {sequence}", ExitCode.NOT_FOUND)
    letter = letters[0]
    try:
        events: list[Record] = [event_record(event) for event in letter.events]
    except ValueError as error:
        events = [{"unreadable": str(error)}]
    session.show({**_record(letter), "traceback": letter.traceback, "events": events})


@command(app, "replay")
async def replay_letters(
    session: Session,
    sequences: Sequences = None,
    *,
    handler: Annotated[
        str,
        typer.Option(metavar="MODULE:FUNCTION", help="What takes the event, as of `run`."),
    ],
    batches: Annotated[
        bool, typer.Option("--batches", help="It takes a list of events, as of `run_batches`.")
    ] = False,
    everything: All = False,
    checkpoint: Checkpoint = None,
    dsn: Dsn = None,
    consumer: Consumer = None,
) -> ExitCode:
    """Hand dead letters to a handler again, in order; ends at the first that fails.

    One that it takes is noted as replayed, and is not handed over again.
    """
    handle = _handler(handler, batches=batches)
    async with _store(session, checkpoint, dsn, consumer) as store:
        for sequence in await _chosen(store, sequences, everything=everything):
            try:
                taken = await replay(store, sequence, handle)
            except SubscriberError:
                raise
            except Exception as error:
                message = f"event {sequence} failed again: {type(error).__name__}: {error}"
                raise CommandError(message, ExitCode.FAILURE, hint="it is still open") from error
            session.note(f"event {sequence}: {'replayed' if taken else 'not open'}")
    return ExitCode.OK


@command(app, "discard")
async def discard_letters(
    session: Session,
    sequences: Sequences = None,
    *,
    everything: All = False,
    checkpoint: Checkpoint = None,
    dsn: Dsn = None,
    consumer: Consumer = None,
) -> None:
    """Note that dead letters need not be handled; they stay listed with --all."""
    async with _store(session, checkpoint, dsn, consumer) as store:
        for sequence in await _chosen(store, sequences, everything=everything):
            taken = await discard(store, sequence)
            session.note(f"event {sequence}: {'discarded' if taken else 'not open'}")


@contextlib.asynccontextmanager
async def _store(
    session: Session, checkpoint: Path | None, dsn: str | None, consumer: str | None
) -> AsyncIterator[Any]:
    dsn = dsn or os.environ.get("LEDGER_CONSUMER_DSN")
    with as_command_errors():
        if checkpoint is not None:
            file = FileCheckpoints(checkpoint)
            if not file.path.exists():
                raise CommandError(f"there is no checkpoint {checkpoint}", ExitCode.NOT_FOUND)
            yield file
            return
        if dsn is None or consumer is None:
            message = "give --checkpoint FILE, or --dsn DSN and --consumer NAME"
            raise CommandError(message, ExitCode.USAGE)
        store = PostgresCheckpoints(dsn, consumer=consumer)
        try:
            try:
                await store.choose(session.chosen_journal)
            except LookupError as error:
                hint = "name another with --journal"
                raise CommandError(str(error), ExitCode.NOT_FOUND, hint=hint) from error
            yield store
        finally:
            await store.close()


async def _chosen(store: Any, sequences: list[int] | None, *, everything: bool) -> list[int]:
    if bool(sequences) is everything:
        raise CommandError("give sequences, or --all", ExitCode.USAGE)
    letters = await store.dead_letters()
    if everything:
        return [letter.sequence for letter in letters if letter.state is LetterState.OPEN]
    unknown = set(sequences or ()) - {letter.sequence for letter in letters}
    if unknown:
        message = f"there is no dead letter of event {min(unknown)}"
        raise CommandError(message, ExitCode.NOT_FOUND)
    return sorted(sequences or ())


def _handler(name: str, *, batches: bool) -> Callable[..., Any]:
    module_name, colon, function_name = name.partition(":")
    if not colon:
        raise CommandError(f"--handler {name} is not MODULE:FUNCTION", ExitCode.USAGE)
    # As `python -m` does: the module may stand where the command is given.
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
        for part in function_name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise CommandError(f"--handler {name}: {error}", ExitCode.USAGE) from error
    function: Callable[..., Any] = found
    if not inspect.iscoroutinefunction(function):
        raise CommandError(f"--handler {name} is no `async def` function", ExitCode.USAGE)
    if not batches:
        return function

    async def one(event: Event, *arguments: object) -> None:
        await function([event], *arguments)

    return one


def _record(letter: DeadLetter) -> Record:
    return {column.name: getattr(letter, column.name) for column in _COLUMNS}
