"""`ledgerctl topology`: what a RabbitMQ must have for those who consume a journal's events."""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.publisher import PASSWORD_VARIABLE
from ledger_client.cli.rendering import Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.publish.address import broker_kind, with_password
from ledger_client.publish.topology import Topology, TopologyFileError, load_topology

app = typer.Typer(no_args_is_help=True, help="Exchanges, queues and bindings of a RabbitMQ.")

_COLUMNS = columns("kind", "name", "detail")

_NO_DRIVER = "the brokers' drivers are not installed"


@command(app, "declare", of_journal=False)
async def declare(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The topology, YAML; see docs/consuming.md.")
    ],
    *,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="LEDGER_BROKER_URL",
            help="amqp://USER@HOST:PORT/VHOST, or amqps:// with TLS. The password may come from "
            f"{PASSWORD_VARIABLE}.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be declared; ask no broker.")
    ] = False,
) -> None:
    """Declare exchanges, queues and bindings as a file states them.

    What is there already stays as it is, so it can be done again at any time. Where something
    differs the rest is declared, every difference is told, and nothing is changed or deleted.
    """
    topology = _load(file)
    try:
        from ledger_client.publish import topology_declaration  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        hint = "install them: pip install 'ledger-engine[brokers]'"
        raise CommandError(_NO_DRIVER, ExitCode.FAILURE, hint=hint) from error
    if not dry_run:
        if to is None:
            raise typer.BadParameter("give --to URL, or --dry-run")
        to = _address(to)
        # What the driver would say on standard error is said below.
        logging.getLogger("aiormq").addHandler(logging.NullHandler())
        try:
            await topology_declaration.declare(topology, to)
        except topology_declaration.TopologyMismatchError as error:
            raise CommandError(
                "the broker has something else under these names; the rest is declared",
                ExitCode.CONFLICT,
                details=error.differences,
                hint="change the file, or delete what differs once it is empty, and declare again",
            ) from error
        except topology_declaration.BrokerError as error:
            raise CommandError(str(error), ExitCode.UNAVAILABLE) from error
    records: list[Record] = [
        {"kind": step.kind, "name": step.name, "detail": step.detail}
        for step in topology_declaration.steps(topology)
    ]
    session.show_list(_COLUMNS, records)
    session.note("nothing was declared" if dry_run else "declared")


def _address(url: str) -> str:
    password = os.environ.get(PASSWORD_VARIABLE)
    try:
        kind = broker_kind(url)
        full = with_password(url, password) if password else url
    except ValueError as error:
        raise typer.BadParameter(f"--to: {error}") from error
    if kind != "rabbitmq":
        raise typer.BadParameter("--to: topologies are RabbitMQ's: amqp:// or amqps://")
    return full


def _load(file: Path) -> Topology:
    try:
        return load_topology(file)
    except TopologyFileError as error:
        raise CommandError(
            f"{error.path} is not a topology",
            ExitCode.INVALID,
            details=[f"line {problem.line}: {problem.message}" for problem in error.problems],
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", ExitCode.INVALID) from error
