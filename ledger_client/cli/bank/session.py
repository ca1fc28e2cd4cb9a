"""One run of one command to a bank: where, as whom, for which tenant, and what went wrong."""

import asyncio
import dataclasses
import inspect
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import grpc
import typer
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from rich.console import Console

from ledger_client import errors
from ledger_client.cli.bank import contract
from ledger_client.cli.failures import (
    CommandError,
    ExitCode,
    exit_code_of,
    print_error,
    print_ledger_error,
)
from ledger_client.cli.rendering import Output
from ledger_client.cli.session import (
    OutputFormat,
    ReaderGoneError,
    Settings,
    Timeout,
    error_console,
)
from ledger_client.connection import CHANNEL_OPTIONS

ADDRESS_DEFAULT: Final = "127.0.0.1:7080"
#: Longer than a bank waits for the ledger before it answers.
TIMEOUT_SECONDS_DEFAULT: Final = 15.0
#: The `ErrorInfo.domain` of a bank.
DOMAIN: Final = "bank.v1"

Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help=f"The bank; else LEDGER_BANK_ADDRESS, else {ADDRESS_DEFAULT}."
    ),
]
Tenant = Annotated[
    str | None,
    typer.Option(help="Code of the journal that is the tenant; else LEDGER_BANK_TENANT."),
]
Token = Annotated[
    str | None,
    typer.Option(
        help="Who you are. Better in LEDGER_BANK_TOKEN: others see what stands in a command line."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="As --output json: the whole answer.")]

#: What every command takes beside its own options, in the order in which help shows them.
SHARED: Final[tuple[tuple[str, Any, Any], ...]] = (
    ("tenant", Tenant, None),
    ("address", Address, None),
    ("token", Token, None),
    ("timeout", Timeout, None),
    ("output", OutputFormat, None),
    ("json", Json, False),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """Options that belong to no command alone; None where they were not given."""

    tenant: str | None = None
    address: str | None = None
    token: str | None = None


class BankSession:
    """One run of one command."""

    def __init__(self, given: dict[str, Any], bank: BankSettings, settings: Settings) -> None:
        """Open a channel; nothing is sent yet. Needs a running event loop.

        Args:
            given: the shared options behind the command; taken out of it.
            bank: those between `bank` and the command.
            settings: those before `bank`.
        """
        own = {name: given.pop(name, None) for name, _, _ in SHARED}
        environment = os.environ.get
        self.address = (
            own["address"] or bank.address or environment("LEDGER_BANK_ADDRESS") or ADDRESS_DEFAULT
        )
        self._tenant = own["tenant"] or bank.tenant or environment("LEDGER_BANK_TENANT")
        self._token = own["token"] or bank.token or environment("LEDGER_BANK_TOKEN")
        self.timeout = own["timeout"] or settings.timeout or TIMEOUT_SECONDS_DEFAULT
        chosen = own["output"] or settings.output or Output.TABLE
        self.output = Output.JSON if own["json"] else chosen
        self.console = Console(highlight=False, markup=False, emoji=False)
        self.errors = error_console()
        self.channel = grpc.aio.insecure_channel(self.address, options=CHANNEL_OPTIONS)

    @property
    def tenant(self) -> str:
        """The tenant that was named.

        Raises:
            CommandError: none was.
        """
        if not self._tenant:
            hint = "name one with --tenant CODE or LEDGER_BANK_TENANT"
            raise CommandError("no tenant is named", ExitCode.USAGE, hint=hint)
        return self._tenant

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Who calls."""
        return (("authorization", f"Bearer {self._token}"),) if self._token else ()

    async def ask(self, method: MethodDescriptor, request: Message) -> Any:
        """Send a request; return the response.

        Raises:
            grpc.aio.AioRpcError: the call failed.
        """
        response_class: Any = message_factory.GetMessageClass(method.output_type)
        call: Any = self.channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response_class.FromString,
        )
        return await call(request, timeout=self.timeout, metadata=self.metadata)


Command = Callable[[BankSession, dict[str, Any]], Awaitable[ExitCode | None]]


def add_command(
    app: typer.Typer, name: str, text: str, parameters: list[inspect.Parameter], run: Command
) -> None:
    """Add a command to a group.

    Args:
        app: the group.
        name: as typed.
        text: its help.
        parameters: its own; those that all commands take are added.
        run: is given what was typed, by parameter.
    """

    def typed(context: typer.Context, **arguments: Any) -> None:
        bank = context.find_object(BankSettings) or BankSettings()
        settings = context.find_object(Settings) or Settings()
        try:
            exit_code = asyncio.run(_run(run, arguments, bank, settings))
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        if exit_code:
            raise typer.Exit(int(exit_code))

    kind = inspect.Parameter.KEYWORD_ONLY
    signature = [
        inspect.Parameter("context", kind, annotation=typer.Context),
        *parameters,
        *(
            inspect.Parameter(shared, kind, default=default, annotation=annotation)
            for shared, annotation, default in SHARED
        ),
    ]
    typed.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]  # its own
    typed.__annotations__ = {each.name: each.annotation for each in signature}
    app.command(name, help=text, short_help=contract.first_sentence(text))(typed)


async def _run(
    run: Command, arguments: dict[str, Any], bank: BankSettings, settings: Settings
) -> ExitCode | None:
    """Run a command to its end and say on standard error what went wrong."""
    session = BankSession(arguments, bank, settings)
    async with session.channel:
        try:
            return await run(session, arguments)
        except CommandError as error:
            print_error(session.errors, error.message, details=error.details, hint=error.hint)
            return error.exit_code
        except grpc.aio.AioRpcError as error:
            return _print_failure(session, error, arguments.get("request_id"))


def _print_failure(
    session: BankSession, error: grpc.aio.AioRpcError, request_id: str | None
) -> ExitCode:
    failure = errors.from_call(error, domain=DOMAIN, idempotency_key=request_id or "")
    exit_code = print_error_of(session, failure)
    in_doubt = isinstance(failure, errors.UnavailableError) or failure.status in {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
    }
    if request_id and in_doubt:
        session.errors.print(f"to repeat it safely, add --request-id {request_id}", soft_wrap=True)
    return exit_code


def print_error_of(session: BankSession, error: errors.LedgerError) -> ExitCode:
    """Say on standard error what a call failed with, and what to do; return the exit code."""
    hint = _hint(session, error.status)
    print_ledger_error(session.errors, error, server=session.address, hint=hint)
    return exit_code_of(error)


def _hint(session: BankSession, status: grpc.StatusCode) -> str | None:
    match status:
        case grpc.StatusCode.UNAVAILABLE:
            return (
                f"is a bank running at {session.address}? Start one with ledger-bank, or name "
                "another with --address HOST:PORT or LEDGER_BANK_ADDRESS"
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return "try again, or with a longer --timeout"
        case grpc.StatusCode.UNAUTHENTICATED:
            return "give your token with --token or LEDGER_BANK_TOKEN"
        case grpc.StatusCode.UNIMPLEMENTED:
            return f"the module does not run at {session.address}, or is of another version"
        case _:
            return None
