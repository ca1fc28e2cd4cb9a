"""FiscalYearService: years opened and listed."""

import asyncio

import asyncpg
import pytest
import pytest_asyncio

from ledger_proto.v1 import fiscal_years_pb2 as pb
from tests.api.calls import reason, refused
from tests.fiscal_ledger import OPEN, FiscalLedger
from tests.ledger import Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(running: Serving, request: pytest.FixtureRequest) -> FiscalLedger:
    """A journal of the test's own with a chart and no years."""
    made = FiscalLedger(running.ledger.of(f"y{abs(hash(request.node.nodeid))}"))
    await made.begin()
    return made


async def years(ledger: FiscalLedger) -> list[tuple[str, str, str]]:
    request = pb.ListFiscalYearsRequest(journal=ledger.journal, page_size=1)
    found: list[pb.FiscalYear] = []
    while True:
        page = await ledger.service.ListFiscalYears(request)
        found += page.years
        if not page.next_page_token:
            return [(one.code, one.first_day, one.last_day) for one in found]
        request.page_token = page.next_page_token


async def test_years_of_any_length_adjoin(ledger: FiscalLedger) -> None:
    first = await ledger.open_year(
        "short",
        first_day="2025-04-06",
        last_day="2025-12-31",
        retained_earnings_account="retained",
    )
    assert (first.status, first.retained_earnings_account_code) == (OPEN, "retained")
    assert first.sequence == await ledger.posting.head()
    second = await ledger.open_year("2026", last_day="2026-12-31")
    assert second.first_day == "2026-01-01"
    assert second.retained_earnings_account_code == "retained", "as the year before"
    await ledger.open_year("before", first_day="2024-04-06", last_day="2025-04-05")
    assert await years(ledger) == [
        ("before", "2024-04-06", "2025-04-05"),
        ("short", "2025-04-06", "2025-12-31"),
        ("2026", "2026-01-01", "2026-12-31"),
    ]
    for first_day, last_day in (
        ("2027-01-02", "2027-12-31"),
        ("2026-12-31", "2027-12-31"),
        ("2025-05-01", "2025-06-01"),
        ("2023-01-01", "2024-04-04"),
        ("2023-01-01", "2024-04-06"),
    ):
        gap = await refused(ledger.open_year("gap", first_day=first_day, last_day=last_day))
        assert gap.reason == "FISCAL_YEAR_ORDER"
    assert await reason(ledger.open_year("2026", last_day="2027-12-31")) == "FISCAL_YEAR_EXISTS"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"last_day": "2025-12-31"}, "FIELD_INVALID"),
        ({"first_day": "2025-01-01"}, "FIELD_INVALID"),
        ({"first_day": "9999-01-01", "last_day": "9999-12-31"}, "FIELD_INVALID"),
        ({"first_day": "2025-12-31", "last_day": "2025-12-30"}, "FIELD_INVALID"),
        ({"first_day": "2025-13-01", "last_day": "2025-12-30"}, "FIELD_INVALID"),
        ({"first_day": "2025-01-01", "last_day": "2025-12-31", "code": "a b"}, "FIELD_INVALID"),
        ({"first_day": "2025-01-01", "last_day": "2025-12-31", "code": ""}, "FIELD_INVALID"),
        (
            {
                "first_day": "2025-01-01",
                "last_day": "2025-12-31",
                "retained_earnings_account": "nobody",
            },
            "ACCOUNT_NOT_FOUND",
        ),
    ],
)
async def test_form(ledger: FiscalLedger, fields: dict[str, str], expected: str) -> None:
    assert await reason(ledger.open_year(**{"code": "y"} | fields)) == expected


async def test_years_opened_at_once_do_not_overlap(ledger: FiscalLedger) -> None:
    await ledger.open_years("2025")

    async def one(number: int) -> str:
        try:
            await ledger.open_year(f"y{number}", first_day="2026-01-01", last_day="2026-12-31")
        except Exception:  # noqa: BLE001  # which one is told by the list below
            return "refused"
        return "opened"

    outcomes = await asyncio.gather(*(one(number) for number in range(5)))
    assert sorted(outcomes) == ["opened", *["refused"] * 4]
    assert len(await years(ledger)) == 2


async def test_years_are_facts(ledger: FiscalLedger, dsn: str) -> None:
    await ledger.open_years("2025")
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("fiscal_years", "fiscal_year_changes"):
            for change in (f"UPDATE {table} SET code = 'x'", f"DELETE FROM {table}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(change)
    finally:
        await connection.close()
