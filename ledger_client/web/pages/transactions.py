"""One transaction: its legs by currency, where it came from, what became of it."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ledger_client.documents import Column, ColumnKind, Row, RowStyle, Sheet
from ledger_client.models import Direction, Entry, Transaction
from ledger_client.web.listing import first
from ledger_client.web.proving import proof_of
from ledger_client.web.query import address, part
from ledger_client.web.site import Site, file_response

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
    found = await _found(site, request)
    sheet = entries_sheet(journal, found, title=found.description or "Transaction")
    books = await site.ledger.get_journal(journal)
    return site.sheets(
        request,
        "transaction.html",
        [sheet],
        transaction=found,
        actor=await _actor(site, journal, found),
        proof=await proof_of(site.ledger, books.id, found),
    )


async def raw_proof(site: Site, request: Request) -> Response:
    """Hand out the proof of a transaction, as `ledgerctl proof check` reads it."""
    found = await _found(site, request)
    books = await site.ledger.get_journal(request.path_params["journal"])
    proof = await proof_of(site.ledger, books.id, found)
    if proof.bundle is None:
        raise HTTPException(404, f"there is no proof of it: {proof.trouble}")
    content = proof.bundle.dump().encode()
    return file_response(content, f"proof-{found.id}.json", "application/json")


async def _found(site: Site, request: Request) -> Transaction:
    try:
        wanted = UUID(request.path_params["transaction"])
    except ValueError as error:
        raise HTTPException(404, "a transaction's id is a UUID") from error
    return await site.ledger.get_transaction(request.path_params["journal"], wanted)


async def _actor(site: Site, journal: str, shown: Transaction) -> str:
    """Return who posted it: that is said by its event. Empty without authentication."""
    if shown.sequence is None:
        return ""
    after = shown.sequence - 1
    found, _ = await first(site.ledger.list_events(journal, after_sequence=after), 1)
    return found[0].actor if found and found[0].sequence == shown.sequence else ""


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
