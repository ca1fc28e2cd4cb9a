"""Money that moved while the module could not take note of it is told once it can."""

from typing import Any

import pytest

from bank_proto.deposit.v1 import deposit_pb2 as pb
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.foundation import dispatcher, journal_follower
from ledger_client.banking.foundation import serving as foundation_serving
from ledger_client.subscriber import FailurePolicy
from tests.banking.bank import eventually
from tests.banking.deposit.teller import deposits_in_process


async def test_an_outcome_that_was_set_aside(
    ledger_dsn: str, bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = FailurePolicy(attempts=1, backoff_seconds=0.01)
    monkeypatch.setattr(journal_follower, "FailurePolicy", lambda: once)
    monkeypatch.setattr(foundation_serving, "WAIT_SECONDS_MAX", 0.5)
    monkeypatch.setattr(dispatcher, "BACKOFF_SECONDS", 0.01)
    async with deposits_in_process(ledger_dsn, bank_dsn) as teller:
        account = await teller.account()
        runner = teller.bank.bank.runners["deposit"]
        follower: Any = runner._followers[-1]
        told = follower._on_outcome

        async def fail(*_arguments: Any) -> None:
            raise KeyError("a bug")

        follower._on_outcome = fail
        deposit = (await teller.ask("RecordDeposit", account_id=account, amount="5")).deposit
        assert deposit.status != pb.DEPOSIT_STATUS_CONFIRMED
        follower._on_outcome = told
        async with runner.database.transaction() as connection:
            await connection.execute("UPDATE calls SET due_at = now() WHERE state = 'pending'")

        async def is_told() -> bool:
            found = await runner.database.fetch(
                "SELECT state FROM entities WHERE kind = $1", Deposit.KIND
            )
            return [row["state"] for row in found] == ["confirmed"]

        await eventually(is_told)
        events = [one.event_type for one in await teller.bank.events("deposit")]
        assert events.count("core.deposit.deposit-initialized") == 1
