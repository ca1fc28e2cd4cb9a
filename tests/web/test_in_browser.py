"""The page in a browser: looks, filters, keys, files, forms."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import openpyxl
import pytest
from playwright.sync_api import Browser, Page

from ledger_client.verify.bundle import InclusionBundle, load
from tests.web.browsing import CHROMIUM, WAIT_MS, Complaints, chromium, follow
from tests.web.conftest import JOURNAL, Bank

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

PAGES = (
    "",
    "trial-balance",
    "balance-sheet",
    "income-statement?from=2026-01-01&as_of=2026-12-31",
    "statement",
    "statement?account=cash",
    "statement?set=1",
    "general-ledger",
    "journal",
    "chart",
    "chart/import",
    "holds?status=ALL",
    "periods",
    "templates",
    "template/TRANSFER",
    "events",
    "no-such-page",
)


@pytest.fixture(scope="module")
def browser(bank: Bank) -> Iterator[Browser]:
    del bank  # asked for first: it needs an event loop of its own
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, bank: Bank) -> Iterator[Page]:
    """A fresh laptop at the journal, whose console must stay silent."""
    context = browser.new_context(
        base_url=f"{bank.url}/{JOURNAL}/", viewport={"width": 1280, "height": 800}
    )
    complaints = Complaints()
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    complaints.listen(opened)
    yield opened
    context.close()
    assert complaints.found == []


def table(page: Page, number: int = 0) -> str:
    """Return the text of a table as it is seen: styles hide what is for files alone."""
    page.wait_for_load_state()
    return page.locator("table.sheet tbody").nth(number).inner_text()


@pytest.mark.parametrize("path", PAGES)
def test_fits_a_phone_and_a_laptop(page: Page, path: str) -> None:
    """Wide tables scroll by themselves; the page never does so sideways."""
    page.goto(path)
    assert page.locator("h1").count() == 1
    for width in (1280, 375, 320):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide at {width}"


@pytest.mark.parametrize("path", ["balance-sheet", "statement?account=cash"])
def test_on_paper_there_is_only_the_report(page: Page, path: str) -> None:
    page.goto(path)
    page.emulate_media(media="print")
    page.locator("table.sheet").first.wait_for()
    for hidden in ("nav", "header", "form", ".downloads"):
        assert not any(each.is_visible() for each in page.locator(hidden).all()), hidden


def test_without_scripts_everything_can_be_read(browser: Browser, bank: Bank) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=f"{bank.url}/{JOURNAL}/")
    page = context.new_page()
    page.goto("trial-balance")
    page.get_by_label("Currency").fill("BTC")
    follow(page.get_by_role("button", name="Show").first)
    assert "currency=BTC" in page.url
    assert "0.75000000" in table(page)
    context.close()


FILTERS = (
    # page, what stands in the address afterwards, what is shown, what is not
    ("trial-balance", "as_of=2025-12-31", "capital", "interest"),
    ("trial-balance", "from=2026-01-01", "100,000.00", "Nothing to show"),
    ("trial-balance", "currency=BTC", "deposits:bob", "interest"),
    ("trial-balance", "layer=PENDING", "deposits:alice", "capital"),
    ("trial-balance", "depth=1", "Liabilities", "Nothing to show"),
    ("trial-balance", "form=GROSS", "104,688.50", "98,701.50"),
    ("trial-balance?from=2026-06-01", "zero=1", "suspense", "Nothing to show"),
    ("trial-balance", "known_at=1", "Nothing to show", "capital"),
    ("trial-balance", "without_closing=1", "interest", "Nothing to show"),
    ("balance-sheet", "as_of=2025-12-31", "100,000.00", "2,500.00"),
    ("balance-sheet", "currency=BTC", "0.75000000", "USD"),
    ("balance-sheet", "depth=1", "Total assets", "loans"),
    ("balance-sheet", "zero=1", "suspense", "Nothing to show"),
    ("balance-sheet", "layer=PENDING", "deposits:alice", "capital"),
    ("balance-sheet", "known_at=1", "Nothing to show", "capital"),
    ("balance-sheet", "without_closing=1", "capital", "Nothing to show"),
    ("balance-sheet?as_of=2026-06-30", "year=03-01", "1,201.00", "1,201.50"),
    ("income-statement", "as_of=2026-03-31", "600.75", "2,101.50"),
    ("income-statement?as_of=2026-06-30", "from=2026-06-01", "600.25", "2,101.50"),
    ("income-statement?as_of=2026-06-30", "year=06-01", "600.25", "2,101.50"),
    ("statement?account=cash", "from=2026-06-01", "Opening", "2025-12-31"),
    ("statement?account=cash", "as_of=2025-12-31", "100,000.00", "2026-01"),
    ("statement?account=cash", "currency=BTC", "0.75000000", "USD"),
    ("statement?account=cash", "layer=PENDING", "40.00", "100,000.00"),
    ("general-ledger", "known_at=1", "Nothing to show", "capital"),
    ("general-ledger", "as_of=2025-12-31", "capital", "interest"),
    ("general-ledger", "from=2026-06-16", "Opening", "2026-06-15"),
    ("general-ledger", "currency=BTC", "deposits:bob", "interest"),
    ("general-ledger", "layer=PENDING", "deposits:alice", "capital"),
    ("journal", "text=to rent", "150.00", "capital"),
    ("journal", "from=2026-06-16", "2026-06-20", "2026-06-15"),
    ("journal", "to=2025-12-31", "100,000.00", "2026-01"),
    ("journal", "account=deposits:bob", "0.75000000", "capital"),
    ("journal", "template=NONE", "Nothing to show", "capital"),
    ("journal", "currency=BTC", "0.75000000", "USD"),
    ("journal", "least=5000", "5,000.00", "2,500.00"),
    ("journal", "most=100", "77.00", "5,000.00"),
    ("journal", "known_at=1", "Nothing to show", "capital"),
    ("journal", "without_closing=1", "capital", "Nothing to show"),
    ("holds", "status=CAPTURED", "Nothing to show", "40.00"),
    ("holds", "account=cash", "40.00", "Nothing to show"),
    ("events", "after=3", "4", "Nothing to show"),
)


@pytest.mark.parametrize(("path", "given", "shown", "hidden"), FILTERS)
def test_filter(page: Page, path: str, given: str, shown: str, hidden: str) -> None:
    """Set by hand it stands in the address, and the table says what it should."""
    name, _, value = given.partition("=")
    page.goto(path)
    field = page.locator("form.filters").first.locator(f'[name="{name}"]')
    if field.get_attribute("type") == "checkbox":
        field.check()
    elif field.evaluate("field => field.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)
    follow(page.get_by_role("button", name="Show").first)
    assert urlencode({name: value}) in page.url
    assert shown in table(page)
    assert hidden not in table(page)
    again = table(page)
    page.goto(page.url)
    assert table(page) == again, "the address is all there is to it"


def test_earlier_columns(page: Page) -> None:
    page.goto("balance-sheet?as_of=2026-06-30")
    page.get_by_label("Earlier columns").fill("2")
    page.get_by_label("apart").select_option(label="a month")
    follow(page.get_by_role("button", name="Show").first)
    heads = page.locator("table.sheet thead th.amount").all_inner_texts()
    assert heads == ["2026-06-30", "2026-05-31", "2026-04-30"]


def test_order_of_the_journal(page: Page) -> None:
    page.goto("journal")
    page.get_by_label("Order").select_option(label="oldest first")
    follow(page.get_by_role("button", name="Show").first)
    assert table(page).startswith("2025-12-31")


def test_an_answer_that_is_no_page_tells_why(page: Page) -> None:
    page.goto("journal?least=much")
    assert "least" in page.get_by_role("alert").inner_text()


def test_keys(page: Page) -> None:
    page.goto("")
    for key, path in (("t", "trial-balance"), ("b", "balance-sheet"), ("j", "journal"), ("h", "")):
        page.keyboard.press("g")
        with page.expect_navigation():
            page.keyboard.press(key)
        assert page.url.endswith(f"/{JOURNAL}/{path}")
    page.goto("trial-balance")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "from"
    page.keyboard.press("t")
    assert page.url.endswith("trial-balance"), "keys in a field are text"
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.locator("dialog#keys").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog#keys").wait_for(state="hidden")
    with page.expect_download() as download:
        page.keyboard.press("x")
    assert download.value.suggested_filename.endswith(".xlsx")


@pytest.mark.parametrize("path", ["trial-balance", "balance-sheet", "statement?account=cash"])
def test_a_spreadsheet_holds_what_the_page_shows(page: Page, path: str, tmp_path: Path) -> None:
    page.goto(path)
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").click()
    file = tmp_path / "report.xlsx"
    download.value.save_as(file)
    rows = list(openpyxl.load_workbook(file).worksheets[0].iter_rows(values_only=True))
    titles = page.locator("table.sheet").first.locator("thead th").all_text_contents()
    begin = next(number for number, row in enumerate(rows) if list(row) == titles)
    amounts = [
        number
        for number, head in enumerate(page.locator("table.sheet").first.locator("thead th").all())
        if "amount" in (head.get_attribute("class") or "").split()
    ]
    compared = 0
    shown = page.locator("table.sheet").first.locator("tbody tr").all()
    for row, in_file in zip(shown, rows[begin + 1 :], strict=False):
        cells = row.locator("td").all()
        if not cells:  # a heading
            continue
        for number in amounts:
            told = cells[number].get_attribute("data-amount")
            found = in_file[number]
            assert (told is None) == (found is None)
            if told is not None:
                assert Decimal(told) == Decimal(str(found))
                compared += 1
    assert compared > 10


def test_a_way_from_the_report_to_the_proof(page: Page, bank: Bank, tmp_path: Path) -> None:
    """Balance sheet, statement, transaction, what took it back, and the proof in a file."""
    page.goto("balance-sheet")
    follow(page.get_by_role("link", name="loans", exact=True))
    assert "Statement of loans" in page.locator("h1").inner_text()
    follow(page.locator("tr", has_text="77.00").first.get_by_role("link").first)
    assert str(bank.posted) in page.url
    follow(page.locator("a", has_text=str(bank.reversal)))
    assert str(bank.reversal) in page.url
    assert "as it was signed" in page.locator("#proof").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="The proof as JSON").click()
    file = tmp_path / "proof.json"
    download.value.save_as(file)
    bundle = load(file.read_text())
    assert isinstance(bundle, InclusionBundle)
    assert bundle.check(None).sequence == bundle.sequence


def test_trying_a_template(page: Page) -> None:
    """Refused for an account that is not there; else shown with balances; nothing is posted."""
    page.goto("events")
    before = page.locator("hgroup p").first.inner_text()
    page.goto("template/TRANSFER")
    form = page.locator("form", has=page.get_by_role("button", name="Try"))
    for name, value in (
        ("from", "nobody"),
        ("to", "cash"),
        ("amount", "5.00"),
        ("currency", "USD"),
    ):
        form.locator(f'[name="param.{name}"]').fill(value)
    follow(form.get_by_role("button", name="Try"))
    refusal = page.locator("#refusal").inner_text()
    assert "nobody" in refusal
    assert "ACCOUNT_NOT_FOUND" in refusal
    assert form.locator('[name="param.amount"]').input_value() == "5.00", "what was typed stays"

    form.locator('[name="param.from"]').fill("capital")
    follow(form.get_by_role("button", name="Try"))
    page.locator("#accepted").wait_for()
    assert "5.00" in table(page)
    page.goto("events")
    assert page.locator("hgroup p").first.inner_text() == before
