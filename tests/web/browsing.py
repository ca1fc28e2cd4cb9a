"""A headless Chromium for tests, and what it must not say."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, sync_playwright

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")

#: What is not there after so long will not come, also on a busy machine.
WAIT_MS: Final = 10_000

_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the machine's Chromium for as long as a block.

    While it runs this thread has an event loop: `asyncio.run` does not work beside it.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def follow(control: Locator) -> None:
    """Click what leads to another page, and wait until that page is there whole.

    A click by itself waits only until the next page begins: what is read then may be half of it.
    """
    with control.page.expect_navigation():
        control.click()


@dataclasses.dataclass
class Complaints:
    """What a page's console said that is wrong: errors, and what the policy kept out."""

    found: list[str] = dataclasses.field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Note whatever `page` says from now on."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.found.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        # An answer of 400 and above is told too; those are the test's own doing.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.found.append(message.text)
