"""What every command has: a client, a journal, a way to print; and how a command is declared."""

import asyncio
import dataclasses
import functools
import inspect
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Concatenate, Final, ParamSpec, TypeVar

import typer
from rich.console import Console

from ledger_client.cli import suggestions
from ledger_client.cli.arguments import parse_seconds
from ledger_client.cli.failures import (
    CommandError,
    ExitCode,
    exit_code_of,
    hint_of,
    print_error,
    print_ledger_error,
)
from ledger_client.cli.rendering import Column, Output, Record, print_record, print_records
from ledger_client.client import LedgerClient
from ledger_client.errors import LedgerError

SERVER_DEFAULT: Final = "127.0.0.1:7070"
TIMEOUT_SECONDS_DEFAULT: Final = 10.0

P = ParamSpec("P")
T = TypeVar("T")

Server = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help=f"The server; else LEDGER_SERVER, else {SERVER_DEFAULT}."
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        parser=parse_seconds, metavar="SECONDS", help="The longest that one call may take."
    ),
]
OutputFormat = Annotated[
    Output | None, typer.Option("--output", "-o", help="How results are printed.")
]
Journal = Annotated[
    str | None,
    typer.Option(help="Code or id; else LEDGER_JOURNAL, else the only one there is."),
]


@dataclasses.dataclass(slots=True, kw_only=True)
class Settings:
    """Options that belong to no command alone; None where they were not given."""

    server: str | None = None
    timeout: float | None = None
    output: Output | None = None
    journal: str | None = None

    def over(self, below: "Settings | None") -> "Settings":
        """Return these, filled up from `below`."""
        below = below or Settings()
        return Settings(
            server=self.server or below.server,
            timeout=self.timeout or below.timeout,
            output=self.output or below.output,
            journal=self.journal or below.journal,
        )


class ReaderGoneError(Exception):
    """Whoever read standard output has seen enough."""


class Session:
    """One run of one command."""

    def __init__(self, settings: Settings, *, timeout_seconds: float) -> None:
        """Open a client; nothing is sent yet. Needs a running event loop.

        Args:
            settings: what was given on the command line.
            timeout_seconds: bound of a call, unless the command line has one.
        """
        self.server = settings.server or os.environ.get("LEDGER_SERVER") or SERVER_DEFAULT
        self.output = settings.output or Output.TABLE
        self.console = Console(highlight=False, markup=False, emoji=False)
        self.errors = error_console()
        self.ledger = LedgerClient.connect(
            self.server, timeout_seconds=settings.timeout or timeout_seconds
        )
        self._journal = settings.journal or os.environ.get("LEDGER_JOURNAL")

    @property
    def chosen_journal(self) -> str | None:
        """The journal as given or found so far."""
        return self._journal

    async def journal(self) -> str:
        """Return the journal's code or id: the one given, else the only one there is.

        Raises:
            CommandError: none was given, and there is none, or more than one.
        """
        if self._journal is None:
            codes = [journal.code async for journal in self.ledger.list_journals()]
            if not codes:
                hint = "make one: ledgerctl journal create CODE"
                raise CommandError("there is no journal yet", ExitCode.NOT_FOUND, hint=hint)
            if len(codes) > 1:
                several = ", ".join(codes[:10]) + (", ..." if len(codes) > 10 else "")
                hint = "name one with --journal CODE or LEDGER_JOURNAL"
                message = f"there is more than one journal: {several}"
                raise CommandError(message, ExitCode.USAGE, hint=hint)
            self._journal = codes[0]
        return self._journal

    def show_list(
        self,
        titles: Sequence[Column],
        records: Sequence[Record],
        *,
        table_titles: Sequence[Column] | None = None,
        nothing: str = "nothing found",
    ) -> None:
        """Print a list of records as `--output` says."""
        print_records(
            self.console,
            self.output,
            titles,
            records,
            table_titles=table_titles,
            nothing=nothing,
        )

    def show(self, record: Record) -> None:
        """Print one record as `--output` says."""
        print_record(self.console, self.output, record)

    def note(self, text: str) -> None:
        """Say something beside the result: only with tables, as it is not data."""
        if self.output is Output.TABLE:
            self.console.print(text, soft_wrap=True)


def error_console() -> Console:
    """Return the console of standard error."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


Command = Callable[Concatenate[Session, P], Awaitable[ExitCode | None]]


def command(
    app: typer.Typer,
    name: str,
    *,
    of_journal: bool = True,
    timeout_seconds: float = TIMEOUT_SECONDS_DEFAULT,
) -> Callable[[Command[P]], Command[P]]:
    """Declare a command: its function takes a Session and the command's own arguments.

    Args:
        app: the group that it belongs to.
        name: as typed.
        of_journal: whether it takes `--journal`.
        timeout_seconds: bound of a call without `--timeout`.
    """

    def register(function: Command[P]) -> Command[P]:
        @functools.wraps(function)
        def run(context: typer.Context, **arguments: Any) -> None:
            names = [field.name for field in dataclasses.fields(Settings)]
            given = Settings(**{key: arguments.pop(key, None) for key in names})
            settings = given.over(context.find_object(Settings))
            try:
                exit_code = asyncio.run(_run(function, settings, timeout_seconds, arguments))
            except BrokenPipeError as error:
                # By another name, as typer would end with a failure here.
                raise ReaderGoneError from error
            if exit_code:
                raise typer.Exit(int(exit_code))

        parameters = _parameters(function, of_journal=of_journal)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # its own
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        app.command(name)(run)
        return function

    return register


def _parameters(function: Callable[..., Any], *, of_journal: bool) -> list[inspect.Parameter]:
    """Return the command's own parameters, then those that all commands take."""
    own = list(inspect.signature(function).parameters.values())[1:]
    shared: list[tuple[str, Any]] = [("journal", Journal)] if of_journal else []
    shared += [("output", OutputFormat), ("server", Server), ("timeout", Timeout)]
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter("context", kind, annotation=typer.Context),
        *(each.replace(kind=kind) for each in own),
        *(inspect.Parameter(name, kind, default=None, annotation=hint) for name, hint in shared),
    ]


async def _run(
    function: Callable[..., Awaitable[ExitCode | None]],
    settings: Settings,
    timeout_seconds: float,
    arguments: dict[str, Any],
) -> ExitCode | None:
    """Run a command to its end and say on standard error what went wrong."""
    session = Session(settings, timeout_seconds=timeout_seconds)
    async with session.ledger:
        try:
            return await function(session, **arguments)
        except CommandError as error:
            print_error(session.errors, error.message, details=error.details, hint=error.hint)
            return error.exit_code
        except LedgerError as error:
            await print_failure(session, error)
            return exit_code_of(error)


async def print_failure(session: Session, error: LedgerError) -> None:
    """Say on standard error what a call failed with, and what to do."""
    hint = hint_of(error, server=session.server, journal=session.chosen_journal)
    near = await suggestions.near_names(session.ledger, session.chosen_journal, error)
    if near:
        hint = f"did you mean {' or '.join(near)}?" + (f" Else {hint}" if hint else "")
    print_ledger_error(session.errors, error, server=session.server, hint=hint)


async def print_in_doubt(session: Session, error: LedgerError, repeat: str) -> ExitCode:
    """Say what a call failed with whose outcome is not known; return the exit code.

    Args:
        session: says where.
        error: what it failed with.
        repeat: the options with which the same command cannot happen twice.
    """
    await print_failure(session, error)
    session.errors.print(f"to repeat it safely, add {repeat}", soft_wrap=True)
    return exit_code_of(error)
