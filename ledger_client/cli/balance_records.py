"""Balances as records."""

from typing import Final

from ledger_client.cli.rendering import Column, Record, columns
from ledger_client.models import Balance, LayerBalance

#: What people look for first.
TABLE_COLUMNS: Final[list[Column]] = columns(
    "account", "currency", "#debit", "#credit", "#balance", "#available"
)
#: All of it, for programs.
CSV_COLUMNS: Final[list[Column]] = columns(
    "account",
    "currency",
    "normal_side",
    "#debit",
    "#credit",
    "#balance",
    "#available",
    "#pending_debit",
    "#pending_credit",
    "#encumbrance_debit",
    "#encumbrance_credit",
    "#version",
)


def balance_record(balance: Balance) -> Record:
    """Return a balance as a flat record: `balance` is the settled net on the normal side."""
    return {
        "account": balance.account_code,
        "currency": balance.currency,
        "normal_side": balance.normal_side,
        **_layer("", balance.settled),
        "balance": balance.settled.net,
        "available": balance.available,
        **_layer("pending_", balance.pending),
        **_layer("encumbrance_", balance.encumbrance),
        "version": balance.version,
        "sequence": balance.sequence,
    }


def _layer(prefix: str, layer: LayerBalance) -> Record:
    return {f"{prefix}debit": layer.debit, f"{prefix}credit": layer.credit}
