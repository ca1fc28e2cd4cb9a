"""Transactions, and what a posting would do, on the screen and as records."""

from ledger_client.cli.rendering import (
    Column,
    Grid,
    Output,
    Record,
    columns,
    csv_text,
    json_text,
    print_grid,
    print_record,
)
from ledger_client.cli.session import Session
from ledger_client.models import Direction, Entry, PostResult, Transaction, Validation


def transaction_record(transaction: Transaction) -> Record:
    """Return a transaction with its entries."""
    return {
        **_head(transaction),
        "params": transaction.params,
        "entries": [_entry(entry) for entry in transaction.entries],
    }


def show_transaction(session: Session, transaction: Transaction, **more: object) -> None:
    """Print one transaction: its own fields, then its entries; CSV has a row for each entry.

    Args:
        session: says how.
        transaction: what to print.
        more: further fields, for JSON.
    """
    if session.output is Output.JSON:
        _write(session, json_text({**transaction_record(transaction), **more}))
    elif session.output is Output.CSV:
        _write(session, entries_csv([transaction]))
    else:
        print_record(session.console, Output.TABLE, _shown_head(transaction))
        session.note("")
        print_grid(session.console, entries_grid(transaction))


def show_result(session: Session, result: PostResult) -> None:
    """Print what came of a posting, a capture, a release or a reversal."""
    show_transaction(session, result.transaction, replayed=result.replayed)
    if result.replayed:
        session.note("\nit was there already: nothing was posted again")


def entries_csv(transactions: list[Transaction]) -> str:
    """Return the entries of transactions as CSV, a row each."""
    titles = columns(
        "date", "id", "external_id", "description", "account", "layer", "#debit", "#credit"
    )
    titles += [Column("currency"), *columns("kind", "hold_id", "reverses")]
    records = [
        {**_head(transaction), "date": transaction.effective_date, **_entry(entry)}
        for transaction in transactions
        for entry in transaction.entries
    ]
    return csv_text(titles, records)


def entries_grid(transaction: Transaction) -> Grid:
    """Return the entries of a transaction as a table."""
    layers = {entry.layer for entry in transaction.entries}
    names = ["account", "#debit", "#credit", "currency"]
    # Nearly all books live in one layer: say it only where there is something to tell.
    names += ["layer"] if layers != {"SETTLED"} else []
    return Grid(columns(*names), [_entry(entry) for entry in transaction.entries])


def show_validation(session: Session, validation: Validation) -> None:
    """Print what a posting would do, without its refusal."""
    changes = [
        {
            "account": change.account_code,
            "currency": change.currency,
            "layer": change.layer,
            "net_debit_before": change.net_debit_before,
            "net_debit_after": change.net_debit_after,
        }
        for change in validation.balance_changes
    ]
    refusal = validation.refusal
    if session.output is not Output.TABLE:
        reason = refusal and {
            "reason": refusal.reason,
            "message": refusal.message,
            "facts": dict(refusal.facts),
        }
        show_transaction(session, validation.transaction, balance_changes=changes, refusal=reason)
        return
    show_transaction(session, validation.transaction)
    if changes:
        session.note("\nbalances before and after, debits less credits:")
        titles = columns("account", "currency", "layer", "#net_debit_before", "#net_debit_after")
        print_grid(session.console, Grid(titles, changes))
    session.note("\nnothing was posted: this was a trial")


def _head(transaction: Transaction) -> Record:
    return {
        "id": transaction.id,
        "sequence": transaction.sequence,
        "effective_date": transaction.effective_date,
        "template": transaction.template_code,
        "template_version": transaction.template_version,
        "description": transaction.description,
        "external_id": transaction.external_id,
        "correlation_id": transaction.correlation_id,
        "record_time": transaction.record_time,
        "metadata": transaction.metadata,
        "kind": transaction.kind,
        "hold_id": transaction.hold_id,
        "reverses": transaction.reverses,
        "reversed_by": transaction.reversed_by,
    }


def _shown_head(transaction: Transaction) -> Record:
    """Return the fields that say something, template and version as one."""
    head = dict(_head(transaction))
    if transaction.template_code:  # what closes a year has none
        head["template"] = f"{transaction.template_code} version {transaction.template_version}"
    head["reversed_by"] = ", ".join(map(str, transaction.reversed_by))
    del head["template_version"]
    return {name: value for name, value in head.items() if value not in (None, "", {})}


def _entry(entry: Entry) -> Record:
    after = entry.balance_after
    return {
        "account": entry.account_code,
        "layer": entry.layer,
        "debit": entry.units if entry.direction is Direction.DEBIT else None,
        "credit": entry.units if entry.direction is Direction.CREDIT else None,
        "currency": entry.currency,
        "balance_after": after
        and {"debit": after.debit, "credit": after.credit, "version": after.version},
    }


def _write(session: Session, text: str) -> None:
    session.console.file.write(text + "\n")
