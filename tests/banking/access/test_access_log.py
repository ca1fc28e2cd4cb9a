"""Decisions are in the audit log, and nowhere else."""

import dataclasses
import uuid

import pytest
import uvicorn

from ledger_client.banking.access import gate
from ledger_client.banking.foundation.permissions import Permission

READ = Permission("deposit_viewer", "deposit/withdrawal", "deposit:withdrawal:read")


def test_casbin_tells_no_log_who_did_what(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    user = uuid.uuid4()
    policy = dataclasses.replace(gate._NO_POLICY, version=1, users=frozenset({user}))
    book = gate._Book(policy, frozenset({READ}), 0)
    assert not book.decide(user, READ, "BANK").is_allowed
    uvicorn.Config("an:app")  # configures logging, as the bank does after its first decisions
    other = dataclasses.replace(READ, action="deposit:withdrawal:list")
    assert not book.decide(user, other, "BANK").is_allowed
    assert not [one for one in caplog.records if one.name.startswith("casbin")]
