"""What a hostile page, form or address meets."""

import re

import httpx2
import pytest

from ledger_client.web.security import CONTENT_SECURITY_POLICY, COOKIE, FIELD
from tests.web.conftest import JOURNAL, Bank


@pytest.fixture
def browser(bank: Bank) -> httpx2.Client:
    return httpx2.Client(base_url=bank.url)


def token_of(browser: httpx2.Client, path: str) -> str:
    found = re.search(rf'name="{FIELD}" value="([^"]+)"', browser.get(path).text)
    assert found
    return found[1]


PATHS = ("/", f"/{JOURNAL}/", f"/{JOURNAL}/trial-balance", "/static/ledger.css", "/none", "/x/y/z")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(browser: httpx2.Client, path: str) -> None:
    headers = browser.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_host_is_not_served(browser: httpx2.Client, host: str) -> None:
    """A foreign name that points here gets nothing."""
    answer = browser.get(f"/{JOURNAL}/", headers={"host": host})
    assert answer.status_code in {400, 421}
    assert JOURNAL not in answer.text


class TestForms:
    PATH = f"/{JOURNAL}/periods/close"
    FORM = f"/{JOURNAL}/periods"

    def test_without_a_token(self, browser: httpx2.Client) -> None:
        answer = browser.post(self.PATH, data={"through": "2020-01-01", "reason": "x"})
        assert answer.status_code == 403

    def test_with_a_token_of_another_browser(self, browser: httpx2.Client, bank: Bank) -> None:
        stolen = token_of(httpx2.Client(base_url=bank.url), self.FORM)
        token_of(browser, self.FORM)
        data = {"through": "2020-01-01", "reason": "x", FIELD: stolen}
        assert browser.post(self.PATH, data=data).status_code == 403

    def test_sent_from_another_site(self, browser: httpx2.Client) -> None:
        data = {"through": "2020-01-01", "reason": "x", FIELD: token_of(browser, self.FORM)}
        answer = browser.post(self.PATH, data=data, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403

    def test_an_empty_token_is_no_token(self, browser: httpx2.Client) -> None:
        data = {"through": "2020-01-01", "reason": "x", FIELD: ""}
        answer = browser.post(self.PATH, data=data, headers={"cookie": f"{COOKIE}="})
        assert answer.status_code == 403

    def test_too_large(self, browser: httpx2.Client) -> None:
        data = {FIELD: token_of(browser, self.FORM), "reason": "x" * (5 * 1024 * 1024)}
        assert browser.post(self.PATH, data=data).status_code == 413

    def test_reading_addresses_take_no_forms(self, browser: httpx2.Client) -> None:
        assert browser.post(f"/{JOURNAL}/trial-balance").status_code == 405
        assert browser.get(self.PATH).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "trial-balance?as_of=yesterday",
        "trial-balance?as_of=2026-02-30",
        "trial-balance?known_at=-1",
        "trial-balance?known_at=99999999999999999999",
        "trial-balance?known_at=999999999",
        "trial-balance?depth=1e3",
        "trial-balance?layer=gold",
        "trial-balance?format=exe",
        "trial-balance?columns=13",
        "balance-sheet?year=13-40",
        "statement?account=" + "x" * 2000,
        "journal?least=1e400",
        "journal?least=NaN",
        "events?after=x",
        "holds?status=lost",
    ],
)
def test_an_address_that_asks_for_nonsense(browser: httpx2.Client, path: str) -> None:
    answer = browser.get(f"/{JOURNAL}/{path}")
    assert answer.status_code == 400, answer.text
    assert 'role="alert"' in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/NOBODY/",
        "/NOBODY/trial-balance",
        f"/{JOURNAL}/transaction/7",
        f"/{JOURNAL}/transaction/00000000-0000-4000-8000-000000000000",
        f"/{JOURNAL}/hold/x",
        f"/{JOURNAL}/template/NONE",
        f"/{JOURNAL}/statement?account=nobody",
        "/../../etc/passwd",
        "/static/%2e%2e/app.py",
    ],
)
def test_what_is_not_there(browser: httpx2.Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404, answer.text
    assert "import" not in answer.text


def test_texts_of_the_books_are_escaped(browser: httpx2.Client) -> None:
    page = browser.get(f"/{JOURNAL}/journal").text
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
    assert "<b>&</b>" not in page
    echoed = browser.get(f"/{JOURNAL}/journal", params={"text": '"><script>x</script>'}).text
    assert "<script>x" not in echoed


def test_nothing_inline(browser: httpx2.Client) -> None:
    """What the policy forbids is not there: the page would look broken."""
    for path in ("", "trial-balance", "income-statement", "periods", "template/TRANSFER"):
        page = browser.get(f"/{JOURNAL}/{path}").text
        assert not re.search(r"<script(?! src=)| style=| on[a-z]+=|javascript:", page), path
