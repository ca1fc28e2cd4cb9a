"""Statements converted to a reporting currency over the API: rates of days, and what lacks one."""

import datetime as dt
import itertools
from typing import Any

import pytest
import pytest_asyncio

from ledger_proto.v1 import rates_pb2
from ledger_proto.v1 import reports_pb2 as pb
from tests.api.calls import refused
from tests.api.report_books import ReportLedger, shown
from tests.api.test_reports import close_with
from tests.ledger import Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)
ASSETS, LIABILITIES, EQUITY = range(3)
REVENUE, EXPENSES = range(2)


class RatedLedger(ReportLedger):
    """A journal whose rates are kept too."""

    async def rate(
        self, day: str, rate: str, base: str = "BTC", quote: str = "USD", hour: int = 12
    ) -> None:
        """Record what one of a currency is worth from an hour of a day on."""
        new = rates_pb2.NewRate(base=base, quote=quote, rate=rate, source="KRAKEN")
        new.effective_time.FromDatetime(
            dt.datetime.combine(dt.date.fromisoformat(day), dt.time(hour), dt.UTC)
        )
        await self.rates.RecordRates(
            rates_pb2.RecordRatesRequest(journal=self.journal, rates=[new])
        )

    async def in_usd(self, **fields: Any) -> pb.GetBalanceSheetResponse:
        return await self.balance_sheet(reporting_currency="USD", **fields)

    async def earn(self, day: str, units: str, currency: str = "BTC") -> None:
        await self.enter(day, f"DEBIT bank {units} {currency}", f"CREDIT sales {units} {currency}")


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(running: Serving) -> RatedLedger:
    """A shop that takes dollars and bitcoin; nobody recorded what a euro is worth."""
    books = RatedLedger(running.channel, f"converted-{next(_journals)}")
    await books.open_books()
    await books.rate("2026-01-01", "50000")
    await books.rate("2026-01-10", "60000.5")
    await books.rate("2026-01-20", "40000")
    await books.move("2026-01-01", "bank", "capital", "1000.00")
    await books.enter("2026-01-01", "DEBIT bank 1 BTC", "CREDIT capital 1 BTC")
    await books.earn("2026-01-05", "0.1")
    await books.earn("2026-01-10", "0.00000001")
    await books.earn("2026-01-11", "0.2")
    await books.earn("2026-01-12", "7.00", "EUR")
    return books


async def test_a_balance_sheet_at_the_closing_rate(ledger: RatedLedger) -> None:
    sheet = await ledger.in_usd(as_of="2026-01-31")
    # 1.30000001 BTC at 40,000, and 1,000 USD.
    assert shown(sheet.sections[ASSETS]) == [
        "assets EUR 7.00",
        "assets USD 53000.00",
        "- bank EUR 7.00",
        "- bank USD 53000.00",
    ]
    assert shown(sheet.sections[EQUITY]) == ["equity USD 41000.00", "- capital USD 41000.00"]
    in_eur, in_usd = sheet.totals
    # 0.1 at 50,000, a satoshi at 60,000.50, which is nothing, and 0.2 at 60,000.50.
    assert in_usd == pb.BalanceSheetTotal(
        currency="USD",
        assets=["53000.00"],
        liabilities=["0.00"],
        equity=["41000.00"],
        current_earnings=["17000.10"],
        earlier_earnings=["0.00"],
        difference=["0.00"],
        unmapped=["0.00"],
        off_balance=["0.00"],
        unexplained=["0.00"],
        translation_difference=["-5000.10"],
    )
    assert (in_eur.currency, list(in_eur.assets), list(in_eur.current_earnings)) == (
        "EUR",
        ["7.00"],
        ["7.00"],
    )
    assert list(in_eur.translation_difference) == []
    assert (sheet.reporting_currency, list(sheet.unconverted)) == ("USD", ["EUR"])
    assert [(one.rate.rate, one.rate.source, one.inverse) for one in sheet.used_rates] == [
        ("50000", "KRAKEN", False),
        ("60000.5", "KRAKEN", False),
        ("40000", "KRAKEN", False),
    ]


async def test_an_income_statement_at_the_rate_of_each_day(ledger: RatedLedger) -> None:
    async def income(first: str, last: str) -> pb.GetIncomeStatementResponse:
        return await ledger.income_statement(from_date=first, as_of=last, reporting_currency="USD")

    whole = await income("2026-01-01", "2026-01-31")
    assert shown(whole.sections[REVENUE]) == [
        "revenue EUR 7.00",
        "revenue USD 17000.10",
        "- sales EUR 7.00",
        "- sales USD 17000.10",
    ]
    assert list(whole.unconverted) == ["EUR"]
    # The closing rate converts nothing here, so it is not among those used.
    assert [one.rate.rate for one in whole.used_rates] == ["50000", "60000.5"]
    parts = [
        await income(*days) for days in (("2026-01-01", "2026-01-09"), ("2026-01-10", "2026-01-31"))
    ]
    assert [
        total.net_income[0] for part in parts for total in part.totals if total.currency == "USD"
    ] == [
        "5000.00",
        "12000.10",
    ]


async def test_each_column_has_the_rates_of_its_own_day(ledger: RatedLedger) -> None:
    sheet = await ledger.in_usd(
        as_of="2026-01-31",
        comparison=pb.Comparison(
            periods=[pb.ReportPeriod(as_of=day) for day in ("2026-01-15", "2026-01-09")]
        ),
    )
    for index, day in enumerate(("2026-01-31", "2026-01-15", "2026-01-09")):
        alone = (await ledger.in_usd(as_of=day)).totals[-1]
        together = sheet.totals[-1]
        assert together.currency == alone.currency == "USD"
        for field in ("assets", "equity", "current_earnings", "translation_difference"):
            assert getattr(together, field)[index] == getattr(alone, field)[0]
        assert (together.difference[index], together.unexplained[index]) == ("0.00", "0.00")


async def test_rates_that_were_not_known_yet_do_not_count(ledger: RatedLedger) -> None:
    """A reprint is the same bytes after rates, postings and a euro that came later."""
    before = await ledger.in_usd(as_of="2026-01-31")
    income = await ledger.income_statement(as_of="2026-01-31", reporting_currency="USD")
    await ledger.rate("2026-01-31", "45000")
    await ledger.rate("2026-01-02", "0.5", base="USD", quote="EUR")
    await ledger.earn("2026-01-11", "0.5")
    again = await ledger.in_usd(as_of="2026-01-31", as_known_at=before.sequence)
    assert again.SerializeToString(deterministic=True) == before.SerializeToString(
        deterministic=True
    )
    same = await ledger.income_statement(
        as_of="2026-01-31", reporting_currency="USD", as_known_at=income.sequence
    )
    assert same.SerializeToString(deterministic=True) == income.SerializeToString(
        deterministic=True
    )
    now = await ledger.in_usd(as_of="2026-01-31")
    assert list(now.unconverted) == []
    # 1,000 + 1.80000001 at 45,000 + 7 euros, of which half a euro is a dollar.
    assert [(total.currency, *total.assets) for total in now.totals] == [("USD", "82014.00")]
    assert [one.rate.rate for one in now.used_rates if one.inverse] == ["0.5"]
    assert list(now.totals[0].unexplained) == ["0.00"]


async def test_a_currency_stays_whole_where_one_of_its_days_has_no_rate(
    ledger: RatedLedger,
) -> None:
    await ledger.earn("2025-12-31", "1", "BTC")
    sheet = await ledger.in_usd(as_of="2026-01-31")
    assert list(sheet.unconverted) == ["EUR"], "what was earned before the year needs no day's rate"
    assert list(sheet.totals[-1].earlier_earnings) == ["40000.00"]
    sheet = await ledger.in_usd(as_of="2026-01-31", fiscal_year_start="12-01")
    assert list(sheet.unconverted) == ["BTC", "EUR"]
    assert shown(sheet.sections[ASSETS])[:1] == ["assets BTC 2.30000001"]
    assert all(total.difference[0].strip("0.") == "" for total in sheet.totals)


async def test_columns_without_ends_have_the_last_rate_there_is(ledger: RatedLedger) -> None:
    await ledger.earn("9999-12-31", "0.1")
    everything = pb.Comparison(periods=[pb.ReportPeriod()])
    made = await ledger.income_statement(
        from_date="2026-01-11",
        as_of="2026-01-31",
        comparison=everything,
        reporting_currency="USD",
        currency="BTC",
    )
    # 0.2 at 60,000.50; and beside it 0.1 at 50,000 and 0.1 at 40,000 too.
    assert [(total.currency, *total.net_income) for total in made.totals] == [
        ("USD", "12000.10", "21000.10")
    ]
    assert list(made.unconverted) == [], "of one currency alone, others lack nothing"


async def test_zero_rows_stand_in_the_reporting_currency(ledger: RatedLedger) -> None:
    sheet = await ledger.in_usd(as_of="2026-01-31", include_zero_rows=True)
    assert "- cash USD 0.00" in shown(sheet.sections[ASSETS])


async def test_without_rates_it_is_the_plain_report(ledger: RatedLedger) -> None:
    converted = await ledger.balance_sheet(as_of="2025-12-31", reporting_currency="EUR")
    plain = await ledger.balance_sheet(as_of="2025-12-31")
    assert (converted.sections, converted.totals) == (plain.sections, plain.totals)
    assert list(converted.used_rates) == []


async def test_closing_entries_are_left_out_of_the_days_too(ledger: RatedLedger, dsn: str) -> None:
    closing = await ledger.enter(
        "2026-01-31", "DEBIT sales 0.30000001 BTC", "CREDIT capital 0.30000001 BTC"
    )
    await close_with(dsn, ledger, closing)
    open_ = (await ledger.in_usd(as_of="2026-01-31", without_closing=True)).totals[-1]
    assert list(open_.current_earnings) == ["17000.10"]
    assert list(open_.translation_difference) == ["-5000.10"]
    # With them: taken out at the rate of the last day, the rest is what the rates made of it.
    closed = (await ledger.in_usd(as_of="2026-01-31")).totals[-1]
    assert list(closed.current_earnings) == ["5000.10"]
    assert list(closed.translation_difference) == ["-5000.10"]
    # In the years after it the closed year is gone from the earnings.
    after = (await ledger.in_usd(as_of="2027-01-31")).totals[-1]
    assert [*after.equity, *after.earlier_earnings, *after.current_earnings] == [
        "53000.00",
        "0.00",
        "0.00",
    ]
    assert list(after.translation_difference) == ["0.00"]


@pytest.mark.parametrize(("code", "why"), [("usd", "FIELD_INVALID"), ("XYZ", "CURRENCY_UNKNOWN")])
async def test_what_is_no_currency_of_the_journal_is_refused(
    ledger: RatedLedger, code: str, why: str
) -> None:
    for ask in (ledger.balance_sheet, ledger.income_statement):
        assert (await refused(ask(reporting_currency=code))).reason == why
