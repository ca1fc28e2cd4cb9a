"""Events on the screen and as records."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ledger_client.amounts import EXACT, plain
from ledger_client.cli.rendering import Record, cell, columns, csv_text, to_json, visible
from ledger_client.cli.transaction_records import transaction_record
from ledger_client.models import (
    Account,
    AccountSet,
    BalanceUpdate,
    Currency,
    Direction,
    Event,
    HoldCaptured,
    HoldCreated,
    Journal,
    Limit,
    LimitAttachment,
    MembersChange,
    Period,
    PersonalDataErased,
    Transaction,
    TxTemplate,
)

EVENT_COLUMNS = columns("#sequence", "record_time", "type", "actor", "fact")
EVENT_TABLE_COLUMNS = columns("#sequence", "record_time", "type", "about")

#: Places of a sequence and letters of a type that a followed line keeps free.
_SEQUENCE_WIDTH = 8
_TYPE_WIDTH = 27


def event_record(event: Event) -> Record:
    """Return an event with its whole fact."""
    return {
        "sequence": event.sequence,
        "record_time": event.record_time,
        "type": event.type,
        "actor": event.actor,
        "is_erased": event.is_erased,
        "fact": _fact(event.fact),
    }


def event_row(event: Event) -> Record:
    """Return an event as a line of a table."""
    return {**event_record(event), "about": about(event.fact)}


def event_line(event: Event) -> str:
    """Return an event as a line that stands by itself, as others may follow much later."""
    time = cell(event.record_time)
    text = visible(about(event.fact))
    line = f"{event.sequence:>{_SEQUENCE_WIDTH}}  {time}  {event.type:<{_TYPE_WIDTH}}  {text}"
    return line.rstrip()


def event_csv(events: list[Event], *, header: bool = True) -> str:
    """Return events as CSV, a row each, their facts in JSON."""
    text = csv_text(EVENT_COLUMNS, [event_record(event) for event in events])
    return text if header else text.partition("\n")[2]


def about(fact: Any) -> str:
    """Return in a few words what a fact says."""
    match fact:
        case Transaction():
            return _about_transaction(fact)
        case BalanceUpdate():
            sums = f"debit {plain(fact.balance.debit)}, credit {plain(fact.balance.credit)}"
            return f"{fact.account_code} {fact.layer} {fact.currency}: {sums}"
        case Journal() | Currency() | Account() | AccountSet() | TxTemplate() | Limit():
            return fact.code
        case MembersChange():
            count, sets = len(fact.account_ids), len(fact.member_set_ids)
            return f"set {fact.account_set_id}: {count} accounts, {sets} sets"
        case LimitAttachment():
            return f"{fact.limit_code} on {fact.account_id or fact.account_set_id}"
        case Period():
            return f"closed through {fact.closed_through or 'no day'}: {fact.reason}"
        case PersonalDataErased():
            return f"{len(fact.sequences)} events: {fact.reason}"
    return ""


def _about_transaction(transaction: Transaction) -> str:
    sums: dict[str, Any] = {}
    for entry in transaction.entries:
        if entry.direction is Direction.DEBIT and entry.currency in sums:
            sums[entry.currency] = EXACT.add(sums[entry.currency], entry.units)
        elif entry.direction is Direction.DEBIT:
            sums[entry.currency] = entry.units
    moved = ", ".join(f"{plain(units)} {currency}" for currency, units in sums.items())
    return f"{moved}  {transaction.description or transaction.template_code}"


def _fact(fact: Any) -> Mapping[str, Any]:
    match fact:
        case HoldCreated():
            return {**transaction_record(fact), "expire_time": fact.expire_time}
        case HoldCaptured():
            return {**transaction_record(fact), "ended": fact.ended}
        case Transaction():
            return transaction_record(fact)
        case Mapping():
            return fact
    found: Mapping[str, Any] = to_json(dataclasses.asdict(fact))
    return found
