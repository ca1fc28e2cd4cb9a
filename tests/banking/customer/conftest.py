"""What is due by the clock is looked at more often than in a bank that people use."""

from collections.abc import Iterator

import pytest

from ledger_client.banking.foundation import runner
from tests.databases import database_of


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TICK_SECONDS", 0.02)


@pytest.fixture(scope="package")
def ledger_dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """One ledger for all of these tests, which hardly touch it."""
    with database_of(postgres_dsn, template_database) as dsn:
        yield dsn
