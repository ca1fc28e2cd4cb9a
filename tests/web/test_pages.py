"""Each page answers, and shows what the ledger says."""

import csv
import io
import json

import httpx2
import openpyxl
import pytest

from tests.web.conftest import JOURNAL, Bank

PAGES = (
    "",
    "trial-balance",
    "balance-sheet",
    "income-statement",
    "statement?account=cash",
    "statement?set=1",
    "general-ledger",
    "journal",
    "chart",
    "holds",
    "periods",
    "templates",
    "events",
)
WITH_FILES = tuple(page for page in PAGES if page not in {"", "chart"})


@pytest.fixture
def browser(bank: Bank) -> httpx2.Client:
    return httpx2.Client(base_url=f"{bank.url}/{JOURNAL}/", follow_redirects=True)


@pytest.mark.parametrize("page", PAGES)
def test_answers(browser: httpx2.Client, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200, answer.text
    assert "<h1>" in answer.text


def test_the_only_journal_is_home(bank: Bank) -> None:
    answer = httpx2.get(f"{bank.url}/", follow_redirects=True)
    assert answer.url.path == f"/{JOURNAL}/"
    assert "All is well" in answer.text
    assert "First Bank &lt;of&gt; Tests" in answer.text


@pytest.mark.parametrize("page", WITH_FILES)
def test_files_hold_what_the_page_shows(browser: httpx2.Client, page: str) -> None:
    def get(form: str) -> httpx2.Response:
        joint = "&" if "?" in page else "?"
        answer = browser.get(f"{page}{joint}format={form}")
        assert answer.status_code == 200, answer.text
        assert "attachment" in answer.headers["content-disposition"]
        return answer

    rows = list(csv.reader(io.StringIO(get("csv").content.decode("utf-8-sig"), newline="")))
    records = json.loads(get("json").content)["rows"]
    sheet = openpyxl.load_workbook(io.BytesIO(get("xlsx").content)).worksheets[0]
    assert len(rows) - 1 == len(records)
    assert sheet.max_row >= len(rows)
    assert get("pdf").content.startswith(b"%PDF-")
    shown = browser.get(page).text
    for record in records[:20]:
        amount = record.get("debit") or record.get("balance") or record.get("amount")
        if amount:
            assert f'data-amount="{amount}"' in shown


def test_a_transaction_and_what_took_it_back(browser: httpx2.Client, bank: Bank) -> None:
    page = browser.get(f"transaction/{bank.posted}").text
    assert f"/{JOURNAL}/transaction/{bank.reversal}" in page
    assert (
        f"/{JOURNAL}/transaction/{bank.posted}" in browser.get(f"transaction/{bank.reversal}").text
    )


def test_a_hold(browser: httpx2.Client, bank: Bank) -> None:
    assert "40.00" in browser.get(f"hold/{bank.hold}").text
    assert str(bank.hold) in browser.get("statement?account=cash").text


def test_the_filters_stand_in_the_links(browser: httpx2.Client) -> None:
    page = browser.get("trial-balance?as_of=2026-03-31&currency=USD").text
    assert "as_of=2026-03-31&amp;currency=USD&amp;layer=SETTLED" in page
    assert "statement?account=cash&amp;as_of=2026-03-31" in page


def test_unmapped_accounts_are_shown(browser: httpx2.Client) -> None:
    page = browser.get("chart").text
    assert page.index("Unmapped") < page.index("suspense")


def test_converted_to_one_currency(browser: httpx2.Client) -> None:
    """One currency is left, and the rate that was used is told."""
    plain = browser.get("balance-sheet?as_of=2026-06-30").text
    assert "BTC</td>" in plain
    converted = browser.get("balance-sheet?as_of=2026-06-30&in=USD").text
    assert "64250" in converted.replace(",", "")
    assert "BTC</td>" not in converted
