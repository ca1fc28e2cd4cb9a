"""The commands themselves: a group for each module, made when it is asked for."""

import functools
import inspect
from typing import Annotated, Any, Final

import typer
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from typer.core import TyperGroup

from ledger_client.cli.bank import answers, contract, events, fields, publishing
from ledger_client.cli.bank.session import (
    Address,
    BankSession,
    BankSettings,
    Tenant,
    Token,
    add_command,
)
from ledger_client.ids import new_id

RequestId = Annotated[
    str | None,
    typer.Option(
        metavar="UUID", help="The same command with the same id happens once; else a new one."
    ),
]


class Modules(TyperGroup):
    """Has a group for each module of the contract; only the one that is used is loaded."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all groups and commands."""
        own = [name for name in contract.modules() if name != contract.EVENTS]
        return [*own, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a group or command by its name, None if there is none."""
        if cmd_name in self.commands or cmd_name not in contract.modules():
            return super().get_command(ctx, cmd_name)
        return _module_group(cmd_name)


app: Final = typer.Typer(
    cls=Modules,
    no_args_is_help=True,
    help="A bank on the ledger: the commands of its modules.",
)


@app.callback()
def bank(
    context: typer.Context, tenant: Tenant = None, address: Address = None, token: Token = None
) -> None:
    """Speak to the modules of a bank: each of their RPCs is a command, each field an option."""
    context.obj = BankSettings(tenant=tenant, address=address, token=token)


events.add_to(app)
publishing.add_to(app)


@functools.cache
def _module_group(module: str) -> Any:
    text = contract.service_comment(module)
    group = typer.Typer(
        name=module,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        help=text,
        short_help=contract.first_sentence(text),
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # With a callback it stays a group, also with a single command.
    group.callback()(lambda: None)
    for name, method in contract.methods(module).items():
        _add(group, name, method)
    return typer.main.get_command(group)


def _add(group: typer.Typer, name: str, method: MethodDescriptor) -> None:
    parameters = [field.as_parameter() for field in fields.fields_of(method.input_type)]
    is_command = "request_id" in method.input_type.fields_by_name
    if is_command:
        kind = inspect.Parameter.KEYWORD_ONLY
        own = inspect.Parameter("request_id", kind, default=None, annotation=RequestId)
        parameters.append(own)

    async def run(session: BankSession, typed: dict[str, Any]) -> None:
        request: Any = message_factory.GetMessageClass(method.input_type)()
        fields.fill(request, typed)
        if "tenant" in method.input_type.fields_by_name:
            request.tenant = session.tenant
        if is_command:
            request.request_id = typed["request_id"] = typed["request_id"] or str(new_id())
        answers.print_answer(session.console, session.output, await session.ask(method, request))

    add_command(group, name, contract.comment(method.full_name), parameters, run)
