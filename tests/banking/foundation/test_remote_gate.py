"""A module whose gate is elsewhere refuses as one whose gate is at hand."""

import logging
import uuid

import grpc
import pytest

from ledger_client.banking.foundation.errors import (
    OtherTenantError,
    UnauthenticatedError,
    UnavailableError,
)
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.remote_gate import RemoteGate
from ledger_client.banking.foundation.system_tokens import token_maker
from tests.banking.bank import SECRET, TENANT, bank_in_process, bearer

PERMISSION = Permission("deposit_writer", "deposit/deposits", "deposit:deposit:record")


async def test_refusals(ledger_dsn: str, bank_dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        bank_in_process(ledger_dsn, bank_dsn, "access", gate="access") as bank,
        grpc.aio.insecure_channel("127.0.0.1:1") as nowhere,
    ):
        token = token_maker("deposit", SECRET)
        gate = RemoteGate(bank.channel, lambda: bearer(token()))
        with pytest.raises(UnauthenticatedError):
            await gate.check(str(uuid.uuid4()), PERMISSION, TENANT)
        with pytest.raises(OtherTenantError):
            await gate.check(str(uuid.uuid4()), PERMISSION, "ANOTHER")
        with pytest.raises(UnavailableError):
            await RemoteGate(nowhere, tuple).check("", PERMISSION, TENANT)
        assert not [one for one in caplog.records if one.levelno >= logging.ERROR]

        strange = RemoteGate(bank.channel, lambda: bearer("of another bank"))
        with pytest.raises(UnavailableError):
            await strange.check(str(uuid.uuid4()), PERMISSION, TENANT)
        assert "access does not decide: UNAUTHENTICATED" in caplog.text
