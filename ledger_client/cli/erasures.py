"""`ledgerctl erase`: personal data, for good."""

from typing import Annotated

import typer

from ledger_client.cli.session import Session, command

app = typer.Typer()


@command(app, "erase")
async def erase(
    session: Session,
    *,
    transaction: Annotated[
        list[str] | None,
        typer.Option(help="Id of a transaction: its description, params and metadata. Repeatable."),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(help="Code or id of an account: its name and metadata. Repeatable."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept for good, so not personal itself.")],
) -> None:
    """Erase personal data for good. Amounts, dates and codes stay, and every proof holds."""
    if not transaction and not account:
        raise typer.BadParameter("give --transaction ID or --account CODE, or several of them")
    erasure = await session.ledger.erase_personal_data(
        await session.journal(),
        transaction_ids=transaction or (),
        accounts=account or (),
        reason=reason,
    )
    session.show({"sequence": erasure.sequence, "erased_sequences": list(erasure.erased_sequences)})
