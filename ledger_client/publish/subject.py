"""What an event is about, and what it belongs to."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger_client.models import Event

#: Of every fact; a test holds it to the contract.
_ABOUT: Final[Mapping[str, Callable[[Any], str]]] = {
    "journal_created": lambda fact: f"journals/{fact.journal.id}",
    "currency_registered": lambda fact: f"currencies/{fact.currency.code}",
    **dict.fromkeys(
        (
            "account_created",
            "account_updated",
            "account_locked",
            "account_unlocked",
            "account_closed",
        ),
        lambda fact: f"accounts/{fact.account.id}",
    ),
    "account_set_created": lambda fact: f"account_sets/{fact.account_set.id}",
    "account_set_members_added": lambda fact: f"account_sets/{fact.account_set_id}",
    "account_set_members_removed": lambda fact: f"account_sets/{fact.account_set_id}",
    "template_created": lambda fact: f"tx_templates/{fact.template.code}/{fact.template.version}",
    **dict.fromkeys(
        (
            "journal_posted",
            "hold_created",
            "hold_captured",
            "hold_released",
            "hold_expired",
            "transaction_reversed",
        ),
        lambda fact: f"transactions/{fact.transaction.id}",
    ),
    "period_changed": lambda _: "period",
    "limit_created": lambda fact: f"limits/{fact.limit.code}",
    "limit_updated": lambda fact: f"limits/{fact.limit.code}",
    "limit_attached": lambda fact: f"limits/{fact.attachment.limit}",
    "limit_detached": lambda fact: f"limits/{fact.attachment.limit}",
    "rate_recorded": lambda fact: f"rates/{fact.rate.base}/{fact.rate.quote}",
    **dict.fromkeys(
        ("fiscal_year_opened", "fiscal_year_closed", "fiscal_year_reopened"),
        lambda fact: f"fiscal_years/{fact.year.code}",
    ),
    "personal_data_erased": lambda _: "personal_data",
    "balance_updated": lambda fact: f"accounts/{fact.account_id}",
}


def subject(event: Event) -> str:
    """Return what an event is about, as a path within the journal: `transactions/<id>`."""
    name, fact = _fact(event)
    return _ABOUT[name](fact) if name in _ABOUT else ""


def correlation(event: Event, message_id: str) -> str:
    """Return what an event belongs to: never empty, since consumers want one on each message.

    The caller's correlation id; without it the id under which the transaction was asked for; of
    other facts the event's own message, where a trace then begins.
    """
    name, fact = _fact(event)
    if name == "balance_updated":
        return fact.transaction_id or message_id
    transaction = getattr(fact, "transaction", None)
    if transaction is not None:
        return transaction.correlation_id or transaction.id or message_id
    return message_id


def _fact(event: Event) -> tuple[str, Any]:
    name = event.message.WhichOneof("fact")
    return (name, getattr(event.message, name)) if name else ("", None)
