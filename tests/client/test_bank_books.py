"""A bank's first weeks: its books agree on each day, and a report is printed again as it was."""

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from ledger_client import (
    Comparison,
    Direction,
    LedgerClient,
    NewRate,
    Posting,
    ReportPeriod,
)
from ledger_client.csv_files.charts import read_chart
from ledger_client.documents import FileForm, as_file
from ledger_client.documents.statements import balance_sheet_sheet, income_statement_sheet
from ledger_client.templates import library

BANK = "BANK"
CHART = Path(__file__).with_name("bank_chart.csv")
FIRST_DAY = dt.date(2025, 1, 1)
DAYS = 30
CUSTOMERS = 300
#: Of our own: code, leaf of the chart, side.
OWN = (
    ("nostro", "11.01", Direction.DEBIT),
    ("custody", "11.02", Direction.DEBIT),
    ("capital", "3.01", Direction.CREDIT),
    ("interest", "4.01", Direction.CREDIT),
    ("fees", "4.02", Direction.CREDIT),
    ("losses", "5.01", Direction.DEBIT),
)
PLACES = {"USD": "nostro", "BTC": "custody"}
UNITS = {"USD": Decimal("0.01"), "BTC": Decimal("0.00000001")}


class Bank:
    """Makes up what happens at a bank, the same on each run."""

    def __init__(self) -> None:
        self._random = random.Random(20250101)

    def day(self, day: dt.date, count: int) -> Iterator[Posting]:
        """Give a day's business: deposits, loans, repayments, interest, fees, a loss."""
        if day == FIRST_DAY:
            for currency, place in PLACES.items():
                yield self._move("capital", place, currency, day, most=10_000_000_000)
        for _ in range(count):
            currency = self._random.choice(("USD", "USD", "BTC"))
            number = self._random.randrange(CUSTOMERS)
            account, loan = f"customer:{number:03}", f"loan:{number:03}"
            place = PLACES[currency]
            away, to = self._random.choice(
                (
                    (account, place),
                    (place, account),
                    (loan, account),
                    (account, loan),
                    (account, "interest"),
                    (account, "fees"),
                    ("losses", loan),
                )
            )
            # Debit the first, credit the second.
            yield self._move(to, away, currency, day)

    def _move(
        self, credit: str, debit: str, currency: str, day: dt.date, most: int = 5_000_000
    ) -> Posting:
        amount = self._random.randrange(1, most) * UNITS[currency]
        params = {"from": credit, "to": debit, "amount": amount, "currency": currency}
        return Posting(template_code="TRANSFER", params=params, effective_date=day)


async def open_bank(ledger: LedgerClient) -> None:
    await ledger.create_journal(BANK)
    for loaded in library():
        await ledger.create_tx_template(BANK, loaded.template)
    chart = read_chart(CHART.read_bytes(), {})
    assert chart.problems == []
    await ledger.import_chart(BANK, chart.nodes)
    for code, leaf, side in OWN:
        await ledger.create_account(BANK, code, normal_side=side, account_sets=[leaf])
    for number in range(CUSTOMERS):
        await ledger.create_account(
            BANK, f"customer:{number:03}", normal_side=Direction.CREDIT, account_sets=["21.01"]
        )
        await ledger.create_account(
            BANK, f"loan:{number:03}", normal_side=Direction.DEBIT, account_sets=["12.01"]
        )


async def post(ledger: LedgerClient, postings: list[Posting]) -> None:
    for begin in range(0, len(postings), 500):
        await ledger.post_many(BANK, postings[begin : begin + 500], atomic=True)


async def check_each_day(ledger: LedgerClient) -> None:
    """Assets are liabilities, equity and earnings at the end of each day, in each currency."""
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(DAYS)]
    sheet = await ledger.get_balance_sheet(
        BANK,
        as_of=days[0],
        set_depth=1,
        comparison=Comparison(periods=tuple(ReportPeriod(None, day) for day in days[1:])),
    )
    assert {total.currency for total in sheet.totals} == {"USD", "BTC"}
    assert [period.as_of for period in sheet.periods] == days
    for total in sheet.totals:
        assert any(total.assets)
        assert any(total.current_earnings)
        for number in range(DAYS):
            assert total.assets[number] == (
                total.liabilities[number]
                + total.equity[number]
                + total.current_earnings[number]
                + total.earlier_earnings[number]
            )
            assert total.difference[number] == 0


async def check_each_day_converted(ledger: LedgerClient) -> None:
    """The same in dollars, with the translation difference on its own line."""
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(DAYS)]
    sheet = await ledger.get_balance_sheet(
        BANK,
        as_of=days[0],
        set_depth=1,
        reporting_currency="USD",
        comparison=Comparison(periods=tuple(ReportPeriod(None, day) for day in days[1:])),
    )
    (total,) = sheet.totals
    assert (total.currency, sheet.unconverted) == ("USD", ())
    assert len({used.rate.effective_time for used in sheet.used_rates}) == DAYS
    assert any(total.translation_difference)
    for number in range(DAYS):
        assert total.assets[number] == (
            total.liabilities[number]
            + total.equity[number]
            + total.current_earnings[number]
            + total.earlier_earnings[number]
            + total.translation_difference[number]
        )
        assert total.difference[number] == 0
        assert total.unexplained[number] == 0


async def record_rates(ledger: LedgerClient, base: int) -> None:
    """Record what a bitcoin is worth from each day's beginning on."""
    await ledger.record_rates(
        BANK,
        [
            NewRate(
                base="BTC",
                quote="USD",
                effective_time=dt.datetime.combine(
                    FIRST_DAY + dt.timedelta(days=number), dt.time(), dt.UTC
                ),
                rate=Decimal(base) + Decimal("137.25") * number,
                source="TEST",
            )
            for number in range(DAYS)
        ],
    )


async def printed(ledger: LedgerClient, position: int | None) -> list[bytes]:
    """Return balance sheet and income statement, converted and not, in every form."""
    last = FIRST_DAY + dt.timedelta(days=DAYS - 1)
    sheets = []
    for currency in (None, "USD"):
        sheet = await ledger.get_balance_sheet(
            BANK, as_of=last, as_known_at=position, reporting_currency=currency
        )
        income = await ledger.get_income_statement(
            BANK,
            from_date=FIRST_DAY,
            as_of=last,
            as_known_at=position,
            reporting_currency=currency,
        )
        sheets += [balance_sheet_sheet(BANK, sheet), income_statement_sheet(BANK, income)]
    return [as_file([each], form) for each in sheets for form in FileForm]


async def test_a_month_of_a_bank(server_address: str) -> None:
    """The books agree each day; 1,000 back-dated entries later the old report is the same bytes."""
    bank = Bank()
    async with LedgerClient.connect(server_address, timeout_seconds=60) as ledger:
        await open_bank(ledger)
        days = [FIRST_DAY + dt.timedelta(days=number) for number in range(DAYS)]
        await post(ledger, [each for day in days for each in bank.day(day, 100)])
        await record_rates(ledger, 64_000)
        await check_each_day(ledger)
        await check_each_day_converted(ledger)
        position = (await ledger.get_head(BANK)).sequence
        before = await printed(ledger, position)

        late = [each for day in days[1:21] for each in bank.day(day, 50)]
        assert len(late) == 1_000
        await post(ledger, late)

        await record_rates(ledger, 71_000)
        await check_each_day(ledger)
        await check_each_day_converted(ledger)
        assert await printed(ledger, position) == before
        assert await printed(ledger, None) != before
