"""Balances and history of accounts, read from the ledger."""

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Mapping
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

from bank_proto.deposit.v1 import deposit_pb2 as pb
from ledger_client.amounts import EXACT, plain
from ledger_client.banking.deposit.account_rules import DepositAccount
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.deposit.withdrawal import Withdrawal
from ledger_client.banking.foundation.errors import FieldInvalidError, UnavailableError
from ledger_client.banking.foundation.fields import page_size_of
from ledger_client.banking.foundation.timestamps import timestamp_of
from ledger_client.banking.foundation.unit import Unit
from ledger_client.client import LedgerClient
from ledger_client.errors import (
    InvalidRequestError,
    OverloadedError,
    ServerError,
)
from ledger_client.errors import UnavailableError as LedgerUnavailableError
from ledger_client.models import Direction, StatementEntry, TransactionKind

T = TypeVar("T")

#: What the ledger calls a field of its request, and this module its own.
_FIELDS: Final = {"page_token": "page_token", "from_date": "from_date", "as_of": "to_date"}
#: By what moved the balance, and whether it was taken back.
_KINDS: Final[Mapping[tuple[type, bool], pb.HistoryKind.ValueType]] = {
    (Deposit, False): pb.HISTORY_KIND_DEPOSIT,
    (Deposit, True): pb.HISTORY_KIND_DEPOSIT_REVERTED,
    (Withdrawal, False): pb.HISTORY_KIND_WITHDRAWAL,
    (Withdrawal, True): pb.HISTORY_KIND_WITHDRAWAL_REVERTED,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Which days of a history; None leaves that end open."""

    first: dt.date | None
    last: dt.date | None


class AccountHistory:
    """Reads the ledger."""

    def __init__(self, ledger: LedgerClient) -> None:
        """Read nothing yet."""
        self._ledger = ledger

    async def balance(self, account: DepositAccount) -> pb.Balance:
        """Return what stands on an account.

        Raises:
            UnavailableError: the ledger does not answer.
        """
        if not account.is_open:
            zero = format(EXACT.scaleb(Decimal(0), -account.decimals), "f")
            return pb.Balance(
                currency=account.currency, settled=zero, pending_withdrawals=zero, available=zero
            )
        found = await _answered(
            self._ledger.get_balance(account.tenant, account.id, account.currency)
        )
        settled = found.settled.net
        assert found.available is not None, "asked for as of now"
        return pb.Balance(
            currency=account.currency,
            settled=plain(settled),
            pending_withdrawals=plain(EXACT.subtract(settled, found.available)),
            available=plain(found.available),
        )

    async def page(
        self, unit: Unit, account: DepositAccount, days: Days, page_size: int, page_token: str
    ) -> pb.GetAccountHistoryResponse:
        """Return a page of what moved the balance.

        Raises:
            FieldInvalidError: the page's size or token, or a day, is wrong.
            UnavailableError: the ledger does not answer.
        """
        size = page_size_of(page_size)
        if not account.is_open:
            return pb.GetAccountHistoryResponse()
        statement = await _answered(
            self._ledger.get_account_statement(
                account.tenant,
                account=account.id,
                from_date=days.first,
                as_of=days.last,
                currency=account.currency,
                page_size=size,
                page_token=page_token,
            )
        )
        origins = await _origins(unit, account, statement.entries)
        return pb.GetAccountHistoryResponse(
            entries=[
                _entry_message(entry, origins.get(entry.correlation_id))
                for entry in statement.entries
            ],
            next_page_token=statement.next_page_token,
        )


async def _origins(
    unit: Unit, account: DepositAccount, entries: tuple[StatementEntry, ...]
) -> dict[str, Deposit | Withdrawal]:
    """Return the deposits and withdrawals of entries, by what the ledger has tied them with."""
    ids = [found for entry in entries if (found := _as_id(entry.correlation_id)) is not None]
    deposits = await unit.find_many(Deposit, ids)
    withdrawals = await unit.find_many(Withdrawal, [each for each in ids if each not in deposits])
    movements: dict[UUID, Deposit | Withdrawal] = {**deposits, **withdrawals}
    return {
        str(movement.id): movement
        for movement in movements.values()
        if movement.account_id == account.id
    }


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _entry_message(entry: StatementEntry, origin: Deposit | Withdrawal | None) -> pb.HistoryEntry:
    kind = pb.HISTORY_KIND_OTHER
    if origin is not None:
        kind = _KINDS[type(origin), entry.kind is TransactionKind.REVERSAL]
    is_in = entry.direction is Direction.CREDIT
    return pb.HistoryEntry(
        kind=kind,
        transaction_id=str(entry.transaction_id),
        origin_id="" if origin is None else str(origin.id),
        amount=plain(entry.units if is_in else EXACT.minus(entry.units)),
        balance=plain(entry.balance),
        effective_date=entry.effective_date.isoformat(),
        record_time=timestamp_of(entry.record_time),
        reference="" if origin is None else origin.reference,
        template_code=entry.template_code,
    )


async def _answered(question: Awaitable[T]) -> T:
    """Return the ledger's answer.

    Raises:
        FieldInvalidError: it found a field wrong that came from the caller.
        UnavailableError: it does not answer.
    """
    try:
        return await question
    except (LedgerUnavailableError, OverloadedError, ServerError) as error:
        raise UnavailableError("the ledger") from error
    except InvalidRequestError as error:
        for wrong in error.violations:
            if wrong.field in _FIELDS:
                raise FieldInvalidError(_FIELDS[wrong.field], wrong.description) from error
        if error.reason == "PAGE_TOKEN_INVALID":
            raise FieldInvalidError("page_token", error.message) from error
        raise
