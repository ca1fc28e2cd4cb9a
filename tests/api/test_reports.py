"""Balance sheet and income statement over the API, now, earlier, and as they were known."""

import itertools
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ledger_proto.v1 import (
    account_sets_pb2,
    common_pb2,
    fiscal_years_pb2,
    fiscal_years_pb2_grpc,
    transactions_pb2,
)
from ledger_proto.v1 import reports_pb2 as pb
from tests.api.report_books import (
    EXPENSE,
    OFF_BALANCE,
    REVENUE,
    ReportLedger,
    comparison,
    shown,
)
from tests.ledger import Serving, lines

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)
ASSETS, LIABILITIES, EQUITY, UNMAPPED, OFF = range(5)


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(running: Serving) -> ReportLedger:
    """Two years of a small shop, in USD."""
    books = ReportLedger(running.channel, f"reports-{next(_journals)}")
    await books.open_books()
    await books.move("2024-01-01", "bank", "capital", "1000.00")
    await books.move("2024-03-05", "bank", "sales", "300.00")
    await books.move("2024-12-31", "rent", "bank", "120.00")
    await books.move("2025-02-01", "cash", "sales", "80.00")
    await books.move("2025-02-28", "fees", "card", "30.00")
    return books


async def test_a_balance_sheet(ledger: ReportLedger) -> None:
    sheet = await ledger.balance_sheet(as_of="2025-12-31")
    assert [pb.SectionKind.Name(each.kind) for each in sheet.sections] == [
        "SECTION_KIND_ASSETS",
        "SECTION_KIND_LIABILITIES",
        "SECTION_KIND_EQUITY",
        "SECTION_KIND_UNMAPPED",
        "SECTION_KIND_OFF_BALANCE",
    ]
    assert shown(sheet.sections[ASSETS]) == [
        "assets USD 1260.00",
        "- bank USD 1180.00",
        "- cash USD 80.00",
    ]
    assert shown(sheet.sections[LIABILITIES]) == ["liabilities USD 30.00", "- card USD 30.00"]
    assert shown(sheet.sections[EQUITY]) == ["equity USD 1000.00", "- capital USD 1000.00"]
    assert shown(sheet.sections[UNMAPPED]) == shown(sheet.sections[OFF]) == []
    assert list(sheet.totals) == [
        pb.BalanceSheetTotal(
            currency="USD",
            assets=["1260.00"],
            liabilities=["30.00"],
            equity=["1000.00"],
            current_earnings=["50.00"],
            earlier_earnings=["180.00"],
            difference=["0.00"],
            unmapped=["0.00"],
            off_balance=["0.00"],
            unexplained=["0.00"],
        )
    ]
    assert sheet.sequence == await ledger.head()
    assert sheet.record_time.seconds > 0
    assert list(sheet.periods) == [pb.ReportPeriod(from_date="2025-01-01", as_of="2025-12-31")]
    assert sheet.layer == common_pb2.LAYER_SETTLED


async def test_an_income_statement(ledger: ReportLedger) -> None:
    made = await ledger.income_statement(as_of="2025-12-31")
    assert [shown(section) for section in made.sections] == [
        ["revenue USD 80.00", "- sales USD 80.00"],
        ["expenses USD 30.00", "- fees USD 30.00"],
        [],
    ]
    assert list(made.totals) == [
        pb.IncomeStatementTotal(
            currency="USD", revenue=["80.00"], expenses=["30.00"], net_income=["50.00"]
        )
    ]
    assert list(made.periods) == [pb.ReportPeriod(from_date="2025-01-01", as_of="2025-12-31")]


@pytest.mark.parametrize(
    ("start", "current", "earlier"),
    [("", "-70.00", "180.00"), ("01-02", "-40.00", "150.00"), ("07-01", "-190.00", "300.00")],
)
async def test_where_the_fiscal_year_begins(
    ledger: ReportLedger, start: str, current: str, earlier: str
) -> None:
    await ledger.move("2025-01-01", "fees", "card", "30.00")
    await ledger.move("2025-01-02", "fees", "card", "40.00")
    fields = {"fiscal_year_start": start, "as_of": "2025-01-31"}
    (total,) = (await ledger.balance_sheet(**fields)).totals
    assert (list(total.current_earnings), list(total.earlier_earnings)) == ([current], [earlier])
    (income,) = (await ledger.income_statement(**fields)).totals
    assert list(income.net_income) == [current]


async def test_fiscal_years_are_those_of_the_position(
    ledger: ReportLedger, running: Serving
) -> None:
    before = await ledger.head()
    await fiscal_years_pb2_grpc.FiscalYearServiceStub(running.channel).OpenFiscalYear(
        fiscal_years_pb2.OpenFiscalYearRequest(
            journal=ledger.journal, code="25", first_day="2024-12-01", last_day="2025-06-30"
        )
    )
    day = {"as_of": "2025-02-28"}
    for report in (ledger.balance_sheet, ledger.income_statement):
        assert (await report(**day)).periods[0].from_date == "2024-12-01"
        assert (await report(**day, as_known_at=before)).periods[0].from_date == "2025-01-01"
        asked = await report(**day, fiscal_year_start="02-01")
        assert asked.periods[0].from_date == "2025-02-01"
    (total,) = (await ledger.balance_sheet(**day)).totals
    assert [*total.current_earnings, *total.earlier_earnings] == ["-70.00", "300.00"]


async def test_without_days_a_report_is_of_the_day_of_its_position(ledger: ReportLedger) -> None:
    """So that it is the same when it is asked for again, tomorrow too."""
    sheet = await ledger.balance_sheet()
    recorded = sheet.record_time.ToDatetime().date()
    assert sheet.periods[0].as_of == recorded.isoformat()
    assert sheet.periods[0].from_date == f"{recorded.year}-01-01"
    assert (await ledger.income_statement()).periods == sheet.periods


COMPARED = [
    ({"as_of": "2025-02-28"}, comparison(2), ["2025-02-28", "2024-02-29", "2023-02-28"]),
    (
        {"as_of": "2025-02-28"},
        comparison(1, interval=pb.COMPARISON_INTERVAL_MONTH),
        ["2025-02-28", "2025-01-31"],
    ),
    (
        {"as_of": "2025-03-30"},
        comparison(2, interval=pb.COMPARISON_INTERVAL_QUARTER),
        ["2025-03-30", "2024-12-30", "2024-09-30"],
    ),
    (
        {"as_of": "2025-02-28"},
        comparison(periods=[pb.ReportPeriod(as_of=day) for day in ("2024-12-31", "9999-12-31")]),
        ["2025-02-28", "2024-12-31", "9999-12-31"],
    ),
]


@pytest.mark.parametrize(("fields", "compared", "ends"), COMPARED)
async def test_columns_of_a_balance_sheet_are_reports_of_their_own(
    ledger: ReportLedger, fields: dict[str, str], compared: pb.Comparison, ends: list[str]
) -> None:
    together = await ledger.balance_sheet(comparison=compared, **fields)
    assert [period.as_of for period in together.periods] == ends
    (total,) = together.totals
    for index, end in enumerate(ends):
        alone = await ledger.balance_sheet(as_of=end)
        assert alone.periods[0] == together.periods[index]
        for field in ("assets", "equity", "current_earnings", "earlier_earnings", "difference"):
            expected = getattr(alone.totals[0], field)[0] if alone.totals else "0.00"
            assert getattr(total, field)[index] == expected
        for section, whole in zip(alone.sections, together.sections, strict=True):
            column = {line.code: line.amounts[index] for line in whole.lines}
            assert {line.code: line.amounts[0] for line in section.lines} == {
                code: amount for code, amount in column.items() if amount != "0.00"
            }


async def test_columns_of_an_income_statement(ledger: ReportLedger) -> None:
    made = await ledger.income_statement(
        from_date="2025-01-01", as_of="2025-12-31", comparison=comparison(1)
    )
    assert [list(total.net_income) for total in made.totals] == [["50.00", "180.00"]]
    assert shown(made.sections[1]) == [
        "expenses USD 30.00 120.00",
        "- fees USD 30.00 0.00",
        "- rent USD 0.00 120.00",
    ]


async def test_columns_and_the_gross_form_of_a_trial_balance(ledger: ReportLedger) -> None:
    made = await ledger.trial_balance(
        from_date="2025-01-01",
        as_of="2025-12-31",
        comparison=comparison(1),
        form=pb.TRIAL_BALANCE_FORM_GROSS,
    )
    rows = {row.code: row for row in made.rows}
    assert rows["bank"].columns == pb.TrialBalanceColumns(
        opening_debit="1300.00",
        opening_credit="120.00",
        debit="0.00",
        credit="0.00",
        closing_debit="1300.00",
        closing_credit="120.00",
    )
    assert [each.debit for each in rows["bank"].earlier] == ["1300.00"]
    (total,) = made.totals
    assert total.balanced
    assert (total.columns.closing_debit, total.earlier[0].closing_debit) == ("1530.00", "1420.00")
    assert [period.as_of for period in made.periods] == ["2025-12-31", "2024-12-31"]


async def test_what_stands_outside_the_chart_is_shown(ledger: ReportLedger) -> None:
    await ledger.create_accounts("suspense", "vault", "guarantees", "givers")
    await ledger.create_set_of("off balance", "guarantees", "givers", category=OFF_BALANCE)
    await ledger.put_into("assets", "vault")
    await ledger.create_set_of("also revenue", "vault", category=REVENUE)
    await ledger.move("2025-03-01", "suspense", "bank", "7.00")
    await ledger.move("2025-03-01", "vault", "bank", "5.00")
    await ledger.move("2025-03-01", "guarantees", "cash", "2.00")
    sheet = await ledger.balance_sheet(as_of="2025-12-31")
    assert shown(sheet.sections[UNMAPPED]) == ["suspense USD 7.00", "vault USD 5.00"]
    several = [list(line.categories) for line in sheet.sections[UNMAPPED].lines]
    assert several == [[], [account_sets_pb2.ACCOUNT_CATEGORY_ASSET, REVENUE]]
    assert shown(sheet.sections[OFF]) == ["off balance USD 2.00", "- guarantees USD 2.00"]
    assert shown(sheet.sections[ASSETS])[0] == "assets USD 1246.00"
    (total,) = sheet.totals
    assert list(total.difference) == ["-14.00"]
    assert list(total.unexplained) == ["0.00"]


async def test_zero_rows_depth_currency_and_layer(ledger: ReportLedger) -> None:
    legs = ("DEBIT bank 1 BTC", "CREDIT capital 1 BTC")
    await ledger.enter("2025-03-01", *legs)
    pending = ("DEBIT bank 9.00 USD PENDING", "CREDIT sales 9.00 USD PENDING")
    await ledger.enter("2025-03-01", *pending)
    as_of = {"as_of": "2025-12-31"}
    sheet = await ledger.balance_sheet(currency="BTC", **as_of)
    assert shown(sheet.sections[ASSETS]) == ["assets BTC 1.00000000", "- bank BTC 1.00000000"]
    assert [total.currency for total in sheet.totals] == ["BTC"]
    both = await ledger.balance_sheet(set_depth=1, **as_of)
    assert shown(both.sections[ASSETS]) == ["assets BTC 1.00000000", "assets USD 1260.00"]
    zeros = await ledger.balance_sheet(include_zero_rows=True, currency="BTC", **as_of)
    assert shown(zeros.sections[ASSETS])[2:] == ["- cash BTC 0.00000000"]
    held = await ledger.balance_sheet(layer=common_pb2.LAYER_PENDING, **as_of)
    assert shown(held.sections[ASSETS]) == ["assets USD 9.00", "- bank USD 9.00"]
    assert list(held.totals[0].current_earnings) == ["9.00"]


async def reports(ledger: ReportLedger, as_known_at: int) -> list[bytes]:
    """Return the bytes of each report as known at a position."""
    fields: dict[str, Any] = {"as_of": "2025-12-31", "as_known_at": as_known_at}
    compared = {"comparison": comparison(1, interval=pb.COMPARISON_INTERVAL_YEAR)}
    made = [
        await ledger.balance_sheet(**fields, **compared),
        await ledger.balance_sheet(as_known_at=as_known_at, include_zero_rows=True),
        await ledger.income_statement(**fields, **compared),
        await ledger.income_statement(**fields, without_closing=True),
        await ledger.trial_balance(**fields, **compared, set_depth=3),
        await ledger.trial_balance(**fields, without_closing=True, include_zero_rows=True),
    ]
    return [each.SerializeToString(deterministic=True) for each in made]


async def test_a_reprint_is_the_same_bytes(ledger: ReportLedger, dsn: str) -> None:
    """After back-dated entries, closings, and a chart that was changed in every way."""
    first_close = await ledger.move("2024-12-31", "sales", "capital", "300.00")
    await close_with(dsn, ledger, first_close)
    position = await ledger.head()
    before = await reports(ledger, position)
    assert before == await reports(ledger, 0)

    for number in range(40):
        await ledger.move(f"2024-0{1 + number % 9}-15", "rent", "bank", "1.00")
        await ledger.move(f"2025-0{1 + number % 9}-15", "cash", "sales", "2.00")
    await close_with(dsn, ledger, await ledger.move("2025-12-31", "sales", "capital", "80.00"))
    await reverse(ledger, first_close)
    await ledger.rename("bank", "Another name")
    await ledger.create_accounts("new", "newer")
    await ledger.create_set_of("more expenses", "new", category=EXPENSE)
    await ledger.put_into("expenses", "card")
    await ledger.take_out_of("assets", "cash")
    await ledger.move("2024-06-30", "new", "newer", "5.00")

    assert await reports(ledger, position) == before
    now = await reports(ledger, 0)
    assert all(one != other for one, other in zip(now, before, strict=True))


async def close_with(dsn: str, ledger: ReportLedger, transaction_id: str) -> None:
    """Note that a transaction closes a fiscal year, as whoever closes one does."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "INSERT INTO closing_transactions SELECT journals.id, transactions.sequence"
            " FROM journals JOIN transactions ON transactions.journal_id = journals.id"
            " WHERE journals.code = $1 AND transactions.id = $2",
            ledger.journal,
            transaction_id,
        )
    finally:
        await connection.close()


async def reverse(
    ledger: ReportLedger, transaction_id: str, day: str = "2024-12-31", **fields: Any
) -> str:
    """Take a transaction back and return the reversal's id."""
    asked = lines()
    await ledger.transactions.ReverseTransaction(
        transactions_pb2.ReverseTransactionRequest(
            journal=ledger.journal,
            transaction_id=asked.transaction_id,
            reverses=transaction_id,
            effective_date=day,
            **fields,
        )
    )
    return asked.transaction_id


async def test_closing_entries_are_left_out_where_asked(ledger: ReportLedger, dsn: str) -> None:
    closing = await ledger.enter(
        "2024-12-31",
        "DEBIT sales 300.00 USD",
        "CREDIT rent 120.00 USD",
        "CREDIT capital 180.00 USD",
    )
    year = {"from_date": "2024-01-01", "as_of": "2024-12-31"}
    await close_with(dsn, ledger, closing)
    (closed,) = (await ledger.income_statement(**year)).totals
    assert list(closed.net_income) == ["0.00"]
    (open_,) = (await ledger.income_statement(**year, without_closing=True)).totals
    assert list(open_.net_income) == ["180.00"]

    day = {"as_of": "2025-12-31"}
    (sheet,) = (await ledger.balance_sheet(**day)).totals
    assert [*sheet.equity, *sheet.earlier_earnings] == ["1180.00", "0.00"]
    (without,) = (await ledger.balance_sheet(**day, without_closing=True)).totals
    assert [*without.equity, *without.earlier_earnings] == ["1000.00", "180.00"]
    assert list(sheet.difference) == list(without.difference) == ["0.00"]

    with_, left = (
        {row.code: row.columns.closing_credit for row in made.rows}
        for made in (
            await ledger.trial_balance(as_of="2024-12-31"),
            await ledger.trial_balance(as_of="2024-12-31", without_closing=True),
        )
    )
    assert (with_["sales"], left["sales"]) == ("0.00", "300.00")

    # Taken back, the closing is gone from both, and its reversal with it.
    await reverse(ledger, closing)
    for without_closing in (False, True):
        made = await ledger.income_statement(**year, without_closing=without_closing)
        assert [list(total.net_income) for total in made.totals] == [["180.00"]]


async def test_a_journal_without_anything(running: Serving) -> None:
    empty = ReportLedger(running.channel, f"reports-{next(_journals)}")
    await empty.open()
    sheet = await empty.balance_sheet()
    assert list(sheet.totals) == []
    assert [len(section.lines) for section in sheet.sections] == [0] * 5
    assert list((await empty.income_statement()).totals) == []
