"""Fiscal years and their close from messages."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from ledger_client import models
from ledger_client.convert import words
from ledger_proto.v1 import account_sets_pb2, events_pb2
from ledger_proto.v1 import fiscal_years_pb2 as pb


def year(received: pb.FiscalYear) -> models.FiscalYear:
    """Return a year."""
    status = pb.FiscalYearStatus.Name(received.status)
    return models.FiscalYear(
        code=received.code,
        first_day=_day(received.first_day),
        last_day=_day(received.last_day),
        retained_earnings=received.retained_earnings_account_code,
        status=models.FiscalYearStatus(status.removeprefix("FISCAL_YEAR_STATUS_")),
        sequence=received.sequence,
        change_time=words.optional_instant(received, "change_time"),
        actor=received.actor,
        reason=received.reason,
    )


def details(received: pb.GetFiscalYearResponse) -> models.FiscalYearDetails:
    """Return a year and its checklist."""
    checklist = received.checklist
    return models.FiscalYearDetails(
        year=year(received.year),
        months=tuple(map(_month, checklist.months)),
        next_month_end=words.optional_date(checklist.next_month_end),
        ended=checklist.ended,
        unclosed=_amounts(checklist.unclosed),
        open_hold_count=checklist.open_hold_count,
        unmapped_accounts=tuple(checklist.unmapped_accounts),
        ambiguous_accounts=tuple(checklist.ambiguous_accounts),
        refusal=checklist.refusal,
        refusal_reason=checklist.refusal_reason,
        changes=tuple(map(year, received.changes)),
        sequence=received.sequence,
    )


def preview(received: pb.PreviewYearCloseResponse) -> models.YearClosePreview:
    """Return what a close would post."""
    return models.YearClosePreview(
        entries=tuple(map(_entry, received.entries)),
        amounts=_amounts(received.amounts),
        balance_count=received.balance_count,
        transaction_count=received.transaction_count,
        sequence=received.sequence,
    )


def close(
    received: pb.CloseFiscalYearResponse | events_pb2.FiscalYearClosed,
) -> models.YearClose:
    """Return what a close did, from its answer or its event."""
    return models.YearClose(
        year=year(received.year),
        amounts=_amounts(received.amounts),
        transaction_ids=tuple(map(UUID, received.transaction_ids)),
    )


def reopening(
    received: pb.ReopenFiscalYearResponse | events_pb2.FiscalYearReopened,
) -> models.YearReopening:
    """Return what a reopening did, from its answer or its event."""
    return models.YearReopening(
        year=year(received.year), transaction_ids=tuple(map(UUID, received.transaction_ids))
    )


def _month(received: pb.FiscalMonth) -> models.FiscalMonth:
    state = pb.DayState.Name(received.state)
    return models.FiscalMonth(
        first_day=_day(received.first_day),
        last_day=_day(received.last_day),
        state=models.DayState(state.removeprefix("DAY_STATE_")),
    )


def _entry(received: pb.ClosingEntry) -> models.ClosingEntry:
    category = account_sets_pb2.AccountCategory.Name(received.category)
    return models.ClosingEntry(
        account_id=UUID(received.account_id),
        account_code=received.account_code,
        category=models.AccountCategory(category.removeprefix("ACCOUNT_CATEGORY_")),
        direction=words.direction(received.direction),
        units=Decimal(received.units),
        currency=received.currency,
    )


def _amounts(received: Iterable[pb.ClosedAmount]) -> tuple[models.ClosedAmount, ...]:
    return tuple(
        models.ClosedAmount(
            currency=one.currency,
            revenue=Decimal(one.revenue),
            expense=Decimal(one.expense),
            net_income=Decimal(one.net_income),
        )
        for one in received
    )


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
