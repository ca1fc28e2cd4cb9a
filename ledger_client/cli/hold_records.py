"""Holds on the screen and as records."""

from decimal import Decimal

from ledger_client.amounts import EXACT
from ledger_client.cli.rendering import Grid, Output, Record, columns, csv_text, print_grid
from ledger_client.cli.session import Session
from ledger_client.cli.transaction_records import transaction_record
from ledger_client.models import Direction, Hold, HoldEntry

_ENTRY_COLUMNS = columns(
    "account", "direction", "#placed", "#captured", "#released", "#left", "currency"
)
_CSV_COLUMNS = columns("id", "status", "expire_time", "date", "description", "external_id")
_TABLE_COLUMNS = columns("status", "expires", "description", "#placed", "#left", "currency", "id")


def hold_record(hold: Hold) -> Record:
    """Return a hold with its entries and the transaction that placed it."""
    return {
        "id": hold.id,
        "status": hold.status,
        "expire_time": hold.expire_time,
        "entries": [_entry(entry) for entry in hold.entries],
        "transaction": transaction_record(hold.transaction),
    }


def show_hold(session: Session, hold: Hold, **more: object) -> None:
    """Print one hold: its own fields, then its entries; CSV has a row for each entry.

    Args:
        session: says how.
        hold: what to print.
        more: further fields, for JSON.
    """
    if session.output is Output.JSON:
        session.show({**hold_record(hold), **more})
    elif session.output is Output.CSV:
        session.console.file.write(holds_csv([hold]) + "\n")
    else:
        placed = hold.transaction
        session.show(
            {
                "id": hold.id,
                "status": hold.status,
                "expires": hold.expire_time or "never",
                "effective_date": placed.effective_date,
                "template": f"{placed.template_code} version {placed.template_version}",
                "description": placed.description,
            }
        )
        session.note("")
        print_grid(session.console, Grid(_ENTRY_COLUMNS, [_entry(each) for each in hold.entries]))


def show_holds(session: Session, holds: list[Hold]) -> None:
    """Print a list of holds: a table has a line for each currency, CSV a row for each entry."""
    if session.output is Output.CSV:
        session.console.file.write(holds_csv(holds) + "\n")
    elif session.output is Output.JSON:
        session.show_list([], [hold_record(hold) for hold in holds])
    else:
        rows = [row for hold in holds for row in _rows(hold)]
        session.show_list(_TABLE_COLUMNS, rows, nothing="no such hold")


def holds_csv(holds: list[Hold]) -> str:
    """Return the entries of holds as CSV, a row each."""
    records = [
        {
            **hold_record(hold),
            "date": hold.transaction.effective_date,
            "description": hold.transaction.description,
            "external_id": hold.transaction.external_id,
            **_entry(entry),
        }
        for hold in holds
        for entry in hold.entries
    ]
    return csv_text([*_CSV_COLUMNS, *_ENTRY_COLUMNS], records)


def _rows(hold: Hold) -> list[Record]:
    """Return a line for each currency, with the sums of its debits."""
    zero = Decimal(0)
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for entry in hold.entries:
        if entry.direction is Direction.DEBIT:
            placed, left = sums.get(entry.currency, (zero, zero))
            sums[entry.currency] = (EXACT.add(placed, entry.placed), EXACT.add(left, entry.left))
    head = {
        "status": hold.status,
        "expires": hold.expire_time,
        "description": hold.transaction.description,
        "id": hold.id,
    }
    amounts = [
        {"placed": placed, "left": left, "currency": currency}
        for currency, (placed, left) in sums.items()
    ]
    return [(head if index == 0 else {}) | amount for index, amount in enumerate(amounts)]


def _entry(entry: HoldEntry) -> Record:
    return {
        "account": entry.account_code,
        "direction": entry.direction,
        "placed": entry.placed,
        "captured": entry.captured,
        "released": entry.released,
        "left": entry.left,
        "currency": entry.currency,
    }
