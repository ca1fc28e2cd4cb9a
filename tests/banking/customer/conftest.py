"""What is due by the clock is looked at more often than in a bank that people use."""

import pytest

from ledger_client.banking.foundation import runner


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TICK_SECONDS", 0.02)
