"""`ledgerctl version`: which one this is."""

import importlib.metadata

import typer

from ledger_client.cli.session import Session, command

app = typer.Typer()


@command(app, "version", of_journal=False)
async def version(session: Session) -> None:
    """Print the version of this program."""
    session.show({"ledgerctl": installed_version()})


def installed_version() -> str:
    """Return the version of the installed package, or say that it runs from its sources."""
    try:
        return importlib.metadata.version("ledger-engine")
    except importlib.metadata.PackageNotFoundError:
        return "not installed: running from its sources"
