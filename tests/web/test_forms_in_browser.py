"""What the page changes: months and years, and the chart."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.web.browsing import CHROMIUM, WAIT_MS, Complaints, chromium, follow
from tests.web.conftest import JOURNAL, Bank

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser(bank: Bank) -> Iterator[Browser]:
    del bank
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, bank: Bank) -> Iterator[Page]:
    context = browser.new_context(base_url=f"{bank.url}/{JOURNAL}/")
    complaints = Complaints()
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    complaints.listen(opened)
    yield opened
    context.close()
    assert complaints.found == []


def test_a_half_year_from_its_opening_to_its_reopening(page: Page) -> None:
    page.goto("periods")
    page.get_by_text("Open a year").click()
    form = page.locator("#open-year")
    form.get_by_label("Code").fill("H1")
    form.get_by_label("First day").fill("2026-01-01")
    form.get_by_label("Last day").fill("2026-06-30")
    form.get_by_label("Retained earnings").fill("capital")
    follow(form.get_by_role("button"))
    assert page.url.endswith(f"/{JOURNAL}/year/H1")
    assert "6 of 6 months are open" in page.locator(".checklist").inner_text()

    month = page.locator("#close-month")
    month.get_by_label("Reason").fill("January is reviewed")
    follow(month.get_by_role("button", name="Close January 2026"))
    assert page.url.endswith(f"/{JOURNAL}/year/H1")
    assert "5 of 6 months are open" in page.locator(".checklist").inner_text()
    page.get_by_role("button", name="Close February 2026").wait_for()

    follow(page.get_by_role("button", name="Show what would be posted"))
    entries = page.locator("table.sheet tbody").inner_text()
    for text in ("interest", "rent", "capital", "2,101.50", "900.00", "1,201.50"):
        assert text in entries
    close = page.locator("#close-year")
    close.get_by_label("Reason").fill("Audited")
    close.get_by_role("button").click()
    assert "/preview" in page.url, "not before the entries were looked at"
    close.get_by_label("I have looked").check()
    follow(close.get_by_role("button"))
    assert page.url.endswith("/year/H1")
    assert "Revenue and expenses are closed" in page.locator(".checklist").inner_text()

    page.goto("income-statement?from=2026-01-01&as_of=2026-06-30")
    assert "2,101.50" not in page.locator("table.sheet").inner_text()
    page.get_by_label("without closing entries").check()
    follow(page.get_by_role("button", name="Show"))
    assert "2,101.50" in page.locator("table.sheet").inner_text()

    page.goto("year/H1")
    reopen = page.locator("#reopen-year")
    reopen.get_by_label("Reason").fill("Rent came late")
    follow(reopen.get_by_role("button"))
    assert "open" in page.locator("hgroup").inner_text()
    changes = page.locator("table.sheet tbody").last.inner_text()
    assert changes.index("Rent came late") < changes.index("Audited")

    page.goto("periods")
    again = page.locator("form", has=page.get_by_role("button", name="Open", exact=True))
    again.get_by_label("Reason").fill("All open again")
    again.get_by_label("only unlock").check()
    follow(again.get_by_role("button"))
    assert "no day is locked" in page.locator("dl.facts").inner_text()


def test_days_that_are_closed_refuse_on_try_it(page: Page) -> None:
    page.goto("periods")
    close = page.locator("form", has=page.get_by_role("button", name="Close", exact=True))
    close.get_by_label("Last day to close").fill("2020-12-31")
    close.get_by_label("Reason").fill("Long ago")
    follow(close.get_by_role("button"))
    assert "2020-12-31" in page.locator("dl.facts").inner_text()

    page.goto("template/TRANSFER")
    form = page.locator("form", has=page.get_by_role("button", name="Try"))
    values = {"from": "capital", "to": "cash", "amount": "1.00", "currency": "USD"}
    for name, value in values.items():
        form.locator(f'[name="param.{name}"]').fill(value)
    form.get_by_label("effective date").fill("2020-12-31")
    follow(form.get_by_role("button", name="Try"))
    assert "PERIOD_CLOSED" in page.locator("#refusal").inner_text()


class TestChart:
    PLAIN = (
        "code,name,parent,category,normal_side\n"
        "9,Memorandum,,off-balance,debit\n"
        "9.1,Pledged <coins>,9,,\n"
    )
    INDENTED = "6,,Assets,Debit\n,01,Vaults\n8,,Lent\n"

    def send(self, page: Page, text: str) -> None:
        page.goto("chart/import")
        page.get_by_label("or its text").fill(text)
        follow(page.get_by_role("button", name="Show what would be added"))

    def test_seen_first_then_added(self, page: Page) -> None:
        self.send(page, self.PLAIN)
        assert "2 of" in page.locator("#plan").inner_text()
        assert "Pledged <coins>" in page.locator("table.sheet tbody").inner_text()
        page.goto("chart")
        assert "Pledged" not in page.locator(".tree").first.inner_text()

        self.send(page, self.PLAIN)
        follow(page.get_by_role("button", name="Add 2 nodes"))
        assert page.url.endswith("/chart")
        assert "Pledged <coins>" in page.locator(".tree").first.inner_text()

    def test_mistakes_have_their_rows(self, page: Page) -> None:
        self.send(page, self.PLAIN + "9.2,Lost,77,,\n9.3,Odd,9,cash,left\n")
        rows = page.locator("#problems tbody tr").all_inner_texts()
        assert any(row.startswith("5") and "cash" in row for row in rows), rows
        assert page.locator("#apply").count() == 0

    def test_what_the_server_refuses_has_its_row_too(self, page: Page) -> None:
        self.send(page, self.PLAIN + "9.2,Lost,77,,\n")
        rows = page.locator("#problems tbody tr").all_inner_texts()
        assert rows
        assert rows[0].startswith("4")

    def test_indented_and_a_category_that_is_asked_for(self, page: Page) -> None:
        self.send(page, self.INDENTED)
        assert "write 8=revenue" in page.locator("#problems").inner_text()
        page.get_by_label("Categories of nodes").fill("8=asset")
        follow(page.get_by_role("button", name="Show what would be added"))
        assert "Vaults" in page.locator("table.sheet tbody").inner_text()
        assert "3 of" in page.locator("#plan").inner_text()

    def test_a_file(self, page: Page) -> None:
        page.goto("chart/import")
        content = self.PLAIN.replace("9", "92").encode()
        page.get_by_label("File", exact=True).set_input_files(
            {"name": "chart.csv", "mimeType": "text/csv", "buffer": content}
        )
        follow(page.get_by_role("button", name="Show what would be added"))
        assert "2 of" in page.locator("#plan").inner_text()
