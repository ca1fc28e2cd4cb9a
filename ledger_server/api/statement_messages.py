"""Statements of accounts as they are sent."""

from collections.abc import Mapping, Sequence
from typing import Final

from ledger_proto.v1 import reports_pb2 as pb
from ledger_proto.v1 import transactions_pb2
from ledger_server.application.general_ledger import Part
from ledger_server.application.statements import Line
from ledger_server.domain.primitives import AccountId, fixed
from ledger_server.domain.report.account_statement import Balance
from ledger_server.store.codec import timestamp
from ledger_server.store.statements import HoldLeft

#: Counterparts that an entry names: enough to tell what it was; a payroll has thousands.
COUNTERPARTS_MAX: Final = 10


def balance_message(currency: str, balance: Balance, exponent: int) -> pb.StatementBalance:
    """Encode one currency over the range of a statement."""
    return pb.StatementBalance(
        currency=currency,
        opening=fixed(balance.opening, exponent),
        debits=fixed(balance.debits, exponent),
        credits=fixed(balance.credits, exponent),
        closing=fixed(balance.closing, exponent),
    )


def entry_message(line: Line, account_code: str, exponent: int) -> pb.StatementEntry:
    """Encode an entry with what a reader needs of its transaction."""
    movement, transaction = line.entry.movement, line.entry.transaction
    others = _counterparts(transaction, movement.place.position)
    return pb.StatementEntry(
        sequence=movement.place.sequence,
        position=movement.place.position,
        transaction_id=transaction.id,
        effective_date=transaction.effective_date,
        record_time=transaction.record_time,
        account_id=str(movement.account_id),
        account_code=account_code,
        direction=movement.direction.value,  # type: ignore[arg-type]  # same numbers
        units=fixed(movement.units, exponent),
        currency=movement.currency,
        balance=fixed(line.balance, exponent),
        description=transaction.description,
        external_id=transaction.external_id,
        correlation_id=transaction.correlation_id,
        template_code=transaction.template_code,
        kind=transaction.kind,
        counterparts=others[:COUNTERPARTS_MAX],
        counterpart_count=len(others),
    )


def hold_message(hold: HoldLeft, account_code: str, exponent: int) -> pb.StatementHold:
    """Encode what is left of a hold."""
    return pb.StatementHold(
        hold_id=str(hold.hold_id),
        account_id=str(hold.account_id),
        account_code=account_code,
        direction=hold.direction.value,  # type: ignore[arg-type]  # same numbers
        currency=hold.currency,
        left=fixed(hold.units, exponent),
        place_time=timestamp(hold.placed_at),
        expire_time=timestamp(hold.expire_at) if hold.expire_at else None,
        sequence=hold.sequence,
    )


def ledger_account_message(part: Part, exponents: Mapping[str, int]) -> pb.LedgerAccount:
    """Encode one account's part of a page of the general ledger."""
    codes: Mapping[AccountId, str] = {part.account.id: part.account.code}
    return pb.LedgerAccount(
        id=str(part.account.id),
        code=part.account.code,
        name=part.account.name,
        normal_side=part.account.normal_side.value,  # type: ignore[arg-type]  # same numbers
        balances=[
            balance_message(currency, balance, exponents[currency])
            for currency, balance in part.balances.items()
        ],
        entries=entry_messages(part.lines, codes, exponents),
        is_continued=part.is_continued,
    )


def entry_messages(
    lines: Sequence[Line], codes: Mapping[AccountId, str], exponents: Mapping[str, int]
) -> list[pb.StatementEntry]:
    """Encode entries."""
    return [
        entry_message(
            line, codes[line.entry.movement.account_id], exponents[line.entry.movement.currency]
        )
        for line in lines
    ]


def _counterparts(transaction: transactions_pb2.Transaction, position: int) -> list[str]:
    """Return the accounts on the other side of an entry, each once, in the order of entries."""
    own = transaction.entries[position]
    return list(
        dict.fromkeys(
            other.account_code
            for other in transaction.entries
            if other.direction != own.direction
            and other.layer == own.layer
            and other.currency == own.currency
        )
    )
