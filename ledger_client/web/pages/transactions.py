"""One transaction: its legs by currency, where it came from, what became of it."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ledger_client.documents import Column, ColumnKind, Row, RowStyle, Sheet
from ledger_client.models import Direction, Entry, Transaction
from ledger_client.web.query import address, part
from ledger_client.web.site import Site

_COLUMNS = (
    Column(name="account", title="Account"),
    Column(name="layer", title="Layer"),
    Column(name="debit", title="Debit", kind=ColumnKind.AMOUNT),
    Column(name="credit", title="Credit", kind=ColumnKind.AMOUNT),
    Column(name="currency", title="Currency"),
    Column(name="balance_version", title="Balance version", kind=ColumnKind.NUMBER),
)


async def transaction(site: Site, request: Request) -> Response:
    """Show one transaction."""
    journal = request.path_params["journal"]
    try:
        wanted = UUID(request.path_params["transaction"])
    except ValueError as error:
        raise HTTPException(404, "a transaction's id is a UUID") from error
    found = await site.ledger.get_transaction(journal, wanted)
    sheet = entries_sheet(journal, found, title=found.description or "Transaction")
    return site.sheets(request, "transaction.html", [sheet], transaction=found)


def entries_sheet(journal: str, shown: Transaction, *, title: str) -> Sheet:
    """Return the legs of a transaction, grouped by currency, each group with its sums."""
    rows: list[Row] = []
    for currency in dict.fromkeys(entry.currency for entry in shown.entries):
        legs = [entry for entry in shown.entries if entry.currency == currency]
        rows += [_leg(journal, entry) for entry in legs]
        debits = sum(leg.units for leg in legs if leg.direction is Direction.DEBIT)
        credit = sum(leg.units for leg in legs if leg.direction is Direction.CREDIT)
        rows.append(
            Row(cells=("Total", None, debits, credit, currency, None), style=RowStyle.TOTAL)
        )
    return Sheet(
        title=title,
        subtitles=[f"{journal}; {shown.effective_date}; {shown.kind.lower()}"],
        columns=_COLUMNS,
        rows=rows,
        file_stem=f"transaction-{shown.id}",
    )


def _leg(journal: str, entry: Entry) -> Row:
    is_debit = entry.direction is Direction.DEBIT
    after = entry.balance_after
    return Row(
        cells=(
            entry.account_code,
            entry.layer.lower(),
            entry.units if is_debit else None,
            None if is_debit else entry.units,
            entry.currency,
            after.version if after else None,
        ),
        link=address(f"/{part(journal)}/statement", {"account": entry.account_code}),
    )
