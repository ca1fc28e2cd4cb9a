"""What reports and statements refuse, by reason and field."""

import itertools
from typing import Any

import pytest
import pytest_asyncio

from ledger_proto.v1 import reports_pb2 as pb
from tests.api.calls import refused
from tests.api.report_books import ReportLedger, comparison
from tests.ledger import Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(running: Serving) -> ReportLedger:
    books = ReportLedger(running.channel, f"refused-{next(_journals)}")
    await books.open_books()
    return books


#: Call, reason, fields of the request, and the field that is named.
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("GetBalanceSheet", "FIELD_INVALID", {"as_of": "yesterday"}, "as_of"),
    ("GetBalanceSheet", "FIELD_INVALID", {"fiscal_year_start": "02-29"}, "fiscal_year_start"),
    ("GetBalanceSheet", "FIELD_INVALID", {"fiscal_year_start": "7-1"}, "fiscal_year_start"),
    ("GetBalanceSheet", "FIELD_INVALID", {"set_depth": -1}, "set_depth"),
    ("GetBalanceSheet", "FIELD_INVALID", {"layer": 9}, "layer"),
    ("GetBalanceSheet", "FIELD_INVALID", {"as_known_at": -1}, "as_known_at"),
    ("GetBalanceSheet", "POSITION_UNAVAILABLE", {"as_known_at": 10_000}, ""),
    ("GetBalanceSheet", "CURRENCY_UNKNOWN", {"currency": "XAU2"}, ""),
    ("GetBalanceSheet", "JOURNAL_NOT_FOUND", {"journal": "none"}, ""),
    ("GetBalanceSheet", "FIELD_INVALID", {"comparison": comparison(37)}, "comparison"),
    ("GetBalanceSheet", "FIELD_INVALID", {"comparison": comparison(-1)}, "comparison"),
    (
        "GetBalanceSheet",
        "FIELD_INVALID",
        {"comparison": comparison(1, periods=[pb.ReportPeriod(as_of="2024-01-01")])},
        "comparison",
    ),
    (
        "GetBalanceSheet",
        "FIELD_INVALID",
        {"comparison": comparison(periods=[pb.ReportPeriod(from_date="2024-01-01")])},
        "comparison.periods[0].from_date",
    ),
    (
        "GetBalanceSheet",
        "FIELD_INVALID",
        {"comparison": comparison(periods=[pb.ReportPeriod()])},
        "comparison.periods[0].as_of",
    ),
    (
        "GetIncomeStatement",
        "FIELD_INVALID",
        {"from_date": "2025-02-01", "as_of": "2025-01-31"},
        "from_date",
    ),
    ("GetIncomeStatement", "FIELD_INVALID", {"from_date": "9999-12-31"}, "from_date"),
    (
        "GetIncomeStatement",
        "FIELD_INVALID",
        {"as_of": "0001-12-31", "comparison": comparison(1)},
        "comparison",
    ),
    ("GetTrialBalance", "FIELD_INVALID", {"form": 7}, "form"),
    ("GetTrialBalance", "FIELD_INVALID", {"comparison": comparison(1)}, "comparison"),
    (
        "GetTrialBalance",
        "FIELD_INVALID",
        {"as_of": "2025-01-31", "comparison": comparison(1)},
        "comparison",
    ),
    (
        "GetTrialBalance",
        "FIELD_INVALID",
        {"as_of": "2025-01-31", "comparison": comparison(1, interval=9)},
        "comparison.interval",
    ),
    ("GetAccountStatement", "FIELD_INVALID", {}, "account"),
    ("GetAccountStatement", "FIELD_INVALID", {"account": "bank", "account_set": "s"}, "account"),
    ("GetAccountStatement", "ACCOUNT_NOT_FOUND", {"account": "nobody"}, ""),
    ("GetAccountStatement", "ACCOUNT_SET_NOT_FOUND", {"account_set": "nobody"}, ""),
    ("GetAccountStatement", "CURRENCY_UNKNOWN", {"account": "bank", "currency": "XX"}, ""),
    ("GetAccountStatement", "POSITION_UNAVAILABLE", {"account": "bank", "as_known_at": 9999}, ""),
    ("GetAccountStatement", "FIELD_INVALID", {"account": "bank", "page_size": -1}, "page_size"),
    ("GetAccountStatement", "PAGE_TOKEN_INVALID", {"account": "bank", "page_token": "x"}, ""),
    (
        "GetAccountStatement",
        "FIELD_INVALID",
        {"account": "bank", "from_date": "2025-01-02", "as_of": "2025-01-01"},
        "from_date",
    ),
    ("GetGeneralLedger", "FIELD_INVALID", {"layer": 4}, "layer"),
    ("GetGeneralLedger", "PAGE_TOKEN_INVALID", {"page_token": "AAAA"}, ""),
    ("SearchJournal", "AMOUNT_INVALID", {"units_min": "1e3"}, "units_min"),
    ("SearchJournal", "ACCOUNT_NOT_FOUND", {"account": "nobody"}, ""),
    ("SearchJournal", "FIELD_INVALID", {"to_date": "2025-02-30"}, "to_date"),
    ("SearchJournal", "FIELD_INVALID", {"text": "x" * 1025}, "text"),
]


@pytest.mark.parametrize(("call", "reason", "fields", "field"), REFUSED)
async def test_what_is_refused(
    ledger: ReportLedger, call: str, reason: str, fields: dict[str, Any], field: str
) -> None:
    request = getattr(pb, f"{call}Request")(**{"journal": ledger.journal, **fields})
    found = await refused(getattr(ledger.reports, call)(request))
    assert (found.reason, found.fields) == (reason, [field] if field else [])
