"""Reports by sums as they are sent."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from ledger_proto.v1 import reports_pb2 as pb
from ledger_server.domain.primitives import fixed
from ledger_server.domain.report.balance_sheet import BalanceSheetTotal
from ledger_server.domain.report.conversion import Conversion
from ledger_server.domain.report.income_statement import IncomeStatementTotal
from ledger_server.domain.report.periods import Period
from ledger_server.domain.report.section import Amounts, Line, Section
from ledger_server.domain.report.trial_balance import Columns, ColumnsByPeriod
from ledger_server.store.codec import rate_message

#: Decimals by currency.
Exponents = Mapping[str, int]


def day_text(day: date | None) -> str:
    """Write a day, nothing for None."""
    return "" if day is None else day.isoformat()


def period_messages(periods: Sequence[Period]) -> Iterable[pb.ReportPeriod]:
    """Encode the periods of a report's columns."""
    for period in periods:
        yield pb.ReportPeriod(from_date=day_text(period.from_date), as_of=day_text(period.as_of))


def trial_balance_total(
    currency: str, columns: ColumnsByPeriod, exponents: Exponents
) -> pb.TrialBalanceTotal:
    """Encode the totals of a currency; it balances if all periods do."""
    exponent = exponents[currency]
    return pb.TrialBalanceTotal(
        currency=currency,
        columns=_columns(columns[0], exponent),
        balanced=all(each.is_balanced() for each in columns),
        earlier=[_columns(each, exponent) for each in columns[1:]],
    )


def section_message(section: Section, exponents: Exponents) -> pb.Section:
    """Encode a section of a statement."""
    return pb.Section(
        kind=section.kind.value,  # type: ignore[arg-type]  # same numbers
        lines=[_line(line, exponents.get(line.currency, 0)) for line in section.lines],
        totals=[
            pb.CurrencyAmounts(currency=currency, amounts=_texts(amounts, exponents[currency]))
            for currency, amounts in section.totals.items()
        ],
    )


def balance_sheet_total(
    currency: str,
    total: BalanceSheetTotal,
    exponents: Exponents,
    *,
    is_converted: bool,
) -> pb.BalanceSheetTotal:
    """Encode the sums of a currency, with what conversion to it left over."""
    exponent = exponents[currency]
    left_over = total.translation_difference if is_converted else ()
    return pb.BalanceSheetTotal(
        currency=currency,
        assets=_texts(total.assets, exponent),
        liabilities=_texts(total.liabilities, exponent),
        equity=_texts(total.equity, exponent),
        current_earnings=_texts(total.current_earnings, exponent),
        earlier_earnings=_texts(total.earlier_earnings, exponent),
        difference=_texts(total.difference, exponent),
        unmapped=_texts(total.unmapped, exponent),
        off_balance=_texts(total.off_balance, exponent),
        unexplained=_texts(total.unexplained, exponent),
        translation_difference=_texts(left_over, exponent),
    )


def income_statement_total(
    currency: str, total: IncomeStatementTotal, exponents: Exponents
) -> pb.IncomeStatementTotal:
    """Encode the sums of a currency."""
    exponent = exponents[currency]
    return pb.IncomeStatementTotal(
        currency=currency,
        revenue=_texts(total.revenue, exponent),
        expenses=_texts(total.expenses, exponent),
        net_income=_texts(total.net_income, exponent),
    )


def used_rates(conversion: Conversion | None) -> Iterable[pb.UsedRate]:
    """Encode the rates that a report was converted with."""
    for one in conversion.used if conversion else ():
        yield pb.UsedRate(rate=rate_message(one.rate), inverse=one.inverse)


def _line(line: Line, exponent: int) -> pb.SectionLine:
    return pb.SectionLine(
        is_account_set=line.is_set,
        id=str(line.named.id),
        code=line.named.code,
        name=line.named.name,
        depth=line.depth,
        currency=line.currency,
        amounts=_texts(line.amounts, exponent),
        is_repeated=line.is_repeated,
        categories=[category.value for category in line.categories],  # type: ignore[misc]  # same numbers
    )


def _texts(amounts: Amounts, exponent: int) -> list[str]:
    return [fixed(amount, exponent) for amount in amounts]


def _columns(columns: Columns, exponent: int) -> pb.TrialBalanceColumns:
    names = pb.TrialBalanceColumns.DESCRIPTOR.fields_by_name
    texts = [fixed(value, exponent) for value in columns]
    return pb.TrialBalanceColumns(**dict(zip(names, texts, strict=True)))
