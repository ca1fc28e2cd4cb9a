"""Statements of accounts and pages of the journal, from messages to the values of callers."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

from ledger_client import models
from ledger_client.convert import decode, words
from ledger_proto.v1 import reports_pb2 as pb
from ledger_proto.v1 import transactions_pb2


def account_statement(received: pb.GetAccountStatementResponse) -> models.AccountStatement:
    """Return a page of a statement."""
    return models.AccountStatement(
        id=UUID(received.id),
        code=received.code,
        name=received.name,
        is_account_set=received.is_account_set,
        normal_side=words.direction(received.normal_side),
        balances=tuple(map(_balance, received.balances)),
        entries=tuple(map(_entry, received.entries)),
        holds=tuple(map(_hold, received.holds)),
        has_more_holds=received.has_more_holds,
        sequence=received.sequence,
        record_time=words.optional_instant(received, "record_time"),
        from_date=words.optional_date(received.from_date),
        as_of=words.optional_date(received.as_of),
        layer=words.layer(received.layer),
        next_page_token=received.next_page_token,
    )


def general_ledger(received: pb.GetGeneralLedgerResponse) -> models.GeneralLedger:
    """Return a page of the general ledger."""
    return models.GeneralLedger(
        accounts=tuple(
            models.LedgerAccount(
                id=UUID(account.id),
                code=account.code,
                name=account.name,
                normal_side=words.direction(account.normal_side),
                balances=tuple(map(_balance, account.balances)),
                entries=tuple(map(_entry, account.entries)),
                is_continued=account.is_continued,
            )
            for account in received.accounts
        ),
        sequence=received.sequence,
        record_time=words.optional_instant(received, "record_time"),
        from_date=words.optional_date(received.from_date),
        as_of=words.optional_date(received.as_of),
        layer=words.layer(received.layer),
        next_page_token=received.next_page_token,
    )


def journal_page(received: pb.SearchJournalResponse) -> models.JournalPage:
    """Return a page of the journal."""
    return models.JournalPage(
        transactions=tuple(map(decode.transaction, received.transactions)),
        sequence=received.sequence,
        record_time=words.optional_instant(received, "record_time"),
        next_page_token=received.next_page_token,
    )


def _balance(received: pb.StatementBalance) -> models.StatementBalance:
    return models.StatementBalance(
        currency=received.currency,
        opening=Decimal(received.opening),
        debits=Decimal(received.debits),
        credits=Decimal(received.credits),
        closing=Decimal(received.closing),
    )


def _entry(received: pb.StatementEntry) -> models.StatementEntry:
    kind = transactions_pb2.TransactionKind.Name(received.kind)
    return models.StatementEntry(
        sequence=received.sequence,
        position=received.position,
        transaction_id=UUID(received.transaction_id),
        effective_date=dt.date.fromisoformat(received.effective_date),
        record_time=words.instant(received.record_time),
        account_id=UUID(received.account_id),
        account_code=received.account_code,
        direction=words.direction(received.direction),
        units=Decimal(received.units),
        currency=received.currency,
        balance=Decimal(received.balance),
        description=received.description,
        external_id=received.external_id,
        correlation_id=received.correlation_id,
        template_code=received.template_code,
        kind=models.TransactionKind(kind.removeprefix("TRANSACTION_KIND_")),
        counterparts=tuple(received.counterparts),
        counterpart_count=received.counterpart_count,
    )


def _hold(received: pb.StatementHold) -> models.StatementHold:
    return models.StatementHold(
        hold_id=UUID(received.hold_id),
        account_id=UUID(received.account_id),
        account_code=received.account_code,
        direction=words.direction(received.direction),
        currency=received.currency,
        left=Decimal(received.left),
        place_time=words.instant(received.place_time),
        expire_time=words.optional_instant(received, "expire_time"),
        sequence=received.sequence,
    )
