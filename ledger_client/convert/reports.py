"""Reports from messages to the values of callers, and what narrows them to messages."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger_client import models
from ledger_client.convert import encode, words
from ledger_proto.v1 import account_sets_pb2
from ledger_proto.v1 import reports_pb2 as pb


def comparison(value: models.Comparison | None) -> pb.Comparison | None:
    """Return which earlier columns are asked for, None for none."""
    if value is None:
        return None
    name = "UNSPECIFIED" if value.interval is None else value.interval.name
    return pb.Comparison(
        interval=pb.ComparisonInterval.Value(f"COMPARISON_INTERVAL_{name}"),
        count=value.count,
        periods=[
            pb.ReportPeriod(from_date=encode.date(one.from_date), as_of=encode.date(one.as_of))
            for one in value.periods
        ],
    )


def trial_balance_form(value: models.TrialBalanceForm) -> pb.TrialBalanceForm.ValueType:
    """Return the form."""
    return pb.TrialBalanceForm.Value(f"TRIAL_BALANCE_FORM_{models.TrialBalanceForm(value).name}")


def trial_balance_row(received: pb.TrialBalanceRow) -> models.TrialBalanceRow:
    """Return a row of a trial balance."""
    kind = pb.TrialBalanceRowKind.Name(received.kind)
    return models.TrialBalanceRow(
        kind=models.TrialBalanceRowKind(kind.removeprefix("TRIAL_BALANCE_ROW_KIND_")),
        id=UUID(received.id),
        code=received.code,
        name=received.name,
        depth=received.depth,
        currency=received.currency,
        columns=_columns(received.columns),
        earlier=tuple(map(_columns, received.earlier)),
    )


def trial_balance(
    first_page: pb.GetTrialBalanceResponse, rows: Sequence[models.TrialBalanceRow]
) -> models.TrialBalance:
    """Return a trial balance of all `rows`, with the totals and the position of its first page."""
    # A server that knows no other form does not say which it is.
    form = pb.TrialBalanceForm.Name(first_page.form or pb.TRIAL_BALANCE_FORM_NET)
    return models.TrialBalance(
        rows=tuple(rows),
        totals=tuple(
            models.TrialBalanceTotal(
                currency=total.currency,
                columns=_columns(total.columns),
                balanced=total.balanced,
                earlier=tuple(map(_columns, total.earlier)),
            )
            for total in first_page.totals
        ),
        sequence=first_page.sequence,
        record_time=words.optional_instant(first_page, "record_time"),
        from_date=words.optional_date(first_page.from_date),
        as_of=words.optional_date(first_page.as_of),
        layer=words.layer(first_page.layer),
        periods=_periods(first_page.periods),
        form=models.TrialBalanceForm(form.removeprefix("TRIAL_BALANCE_FORM_")),
        without_closing=first_page.without_closing,
    )


def balance_sheet(received: pb.GetBalanceSheetResponse) -> models.BalanceSheet:
    """Return a balance sheet."""
    return models.BalanceSheet(
        sections=tuple(map(_section, received.sections)),
        totals=tuple(
            models.BalanceSheetTotal(
                currency=total.currency,
                assets=_amounts(total.assets),
                liabilities=_amounts(total.liabilities),
                equity=_amounts(total.equity),
                current_earnings=_amounts(total.current_earnings),
                earlier_earnings=_amounts(total.earlier_earnings),
                difference=_amounts(total.difference),
                unmapped=_amounts(total.unmapped),
                off_balance=_amounts(total.off_balance),
                unexplained=_amounts(total.unexplained),
            )
            for total in received.totals
        ),
        sequence=received.sequence,
        record_time=words.optional_instant(received, "record_time"),
        periods=_periods(received.periods),
        layer=words.layer(received.layer),
        without_closing=received.without_closing,
    )


def income_statement(received: pb.GetIncomeStatementResponse) -> models.IncomeStatement:
    """Return an income statement."""
    return models.IncomeStatement(
        sections=tuple(map(_section, received.sections)),
        totals=tuple(
            models.IncomeStatementTotal(
                currency=total.currency,
                revenue=_amounts(total.revenue),
                expenses=_amounts(total.expenses),
                net_income=_amounts(total.net_income),
            )
            for total in received.totals
        ),
        sequence=received.sequence,
        record_time=words.optional_instant(received, "record_time"),
        periods=_periods(received.periods),
        layer=words.layer(received.layer),
        without_closing=received.without_closing,
    )


def _section(received: pb.Section) -> models.Section:
    kind = pb.SectionKind.Name(received.kind)
    return models.Section(
        kind=models.SectionKind(kind.removeprefix("SECTION_KIND_")),
        lines=tuple(map(_line, received.lines)),
        totals=tuple(
            models.CurrencyAmounts(currency=total.currency, amounts=_amounts(total.amounts))
            for total in received.totals
        ),
    )


def _line(received: pb.SectionLine) -> models.SectionLine:
    return models.SectionLine(
        is_account_set=received.is_account_set,
        id=UUID(received.id),
        code=received.code,
        name=received.name,
        depth=received.depth,
        currency=received.currency,
        amounts=_amounts(received.amounts),
        is_repeated=received.is_repeated,
        categories=tuple(map(_category, received.categories)),
    )


def _category(received: Any) -> models.AccountCategory:
    name = account_sets_pb2.AccountCategory.Name(received)
    return models.AccountCategory(name.removeprefix("ACCOUNT_CATEGORY_"))


def _periods(received: Iterable[pb.ReportPeriod]) -> tuple[models.ReportPeriod, ...]:
    return tuple(
        models.ReportPeriod(words.optional_date(one.from_date), words.optional_date(one.as_of))
        for one in received
    )


def _columns(received: pb.TrialBalanceColumns) -> models.TrialBalanceColumns:
    return models.TrialBalanceColumns(
        opening_debit=_sum(received.opening_debit),
        opening_credit=_sum(received.opening_credit),
        debit=_sum(received.debit),
        credit=_sum(received.credit),
        closing_debit=_sum(received.closing_debit),
        closing_credit=_sum(received.closing_credit),
    )


def _amounts(texts: Iterable[str]) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


def _sum(text: str) -> Decimal:
    return Decimal(text) if text else Decimal(0)
