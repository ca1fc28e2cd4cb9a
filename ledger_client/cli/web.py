"""`ledgerctl web`: the page for accountants."""

from typing import Annotated, Final

import typer

from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.session import Session, command

app = typer.Typer()

LISTEN_DEFAULT: Final = "127.0.0.1:8080"


@command(app, "web", of_journal=False, timeout_seconds=60.0)
async def web(
    session: Session,
    *,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the page is served; this machine alone.")
    ] = LISTEN_DEFAULT,
) -> None:
    """Serve the page for accountants until Ctrl-C: reports, statements, journal, chart, holds.

    It reads from the server as every client does.
    """
    try:
        from ledger_client.web.serving import ListenError, serve  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise CommandError(
            f"the page needs packages that are not installed: {error.name}",
            ExitCode.FAILURE,
            hint="pip install 'ledger-engine[web,export]'",
        ) from error
    try:
        await serve(session.ledger, listen, on_ready=session.note)
    except ListenError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
