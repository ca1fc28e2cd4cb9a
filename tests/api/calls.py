"""What the tests of the API say often: the stubs of a ledger, and why a call was refused."""

import dataclasses
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from ledger_proto.v1 import (
    account_sets_pb2,
    account_sets_pb2_grpc,
    accounts_pb2,
    accounts_pb2_grpc,
    balances_pb2_grpc,
    charts_pb2_grpc,
    common_pb2,
    cursors_pb2_grpc,
    fiscal_years_pb2_grpc,
    journals_pb2,
    journals_pb2_grpc,
    limits_pb2_grpc,
    periods_pb2_grpc,
    rates_pb2_grpc,
    reports_pb2_grpc,
    transactions_pb2_grpc,
    tx_templates_pb2_grpc,
)

DEBIT = common_pb2.DIRECTION_DEBIT
CREDIT = common_pb2.DIRECTION_CREDIT


class Ledger:
    """The services of one server, and the journal `main` once it is opened."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.journals = journals_pb2_grpc.JournalServiceStub(channel)
        self.accounts = accounts_pb2_grpc.AccountServiceStub(channel)
        self.account_sets = account_sets_pb2_grpc.AccountSetServiceStub(channel)
        self.balances = balances_pb2_grpc.BalanceServiceStub(channel)
        self.tx_templates = tx_templates_pb2_grpc.TxTemplateServiceStub(channel)
        self.transactions = transactions_pb2_grpc.TransactionServiceStub(channel)
        self.reports = reports_pb2_grpc.ReportServiceStub(channel)
        self.periods = periods_pb2_grpc.PeriodServiceStub(channel)
        self.rates = rates_pb2_grpc.RateServiceStub(channel)
        self.charts = charts_pb2_grpc.ChartServiceStub(channel)
        self.fiscal_years = fiscal_years_pb2_grpc.FiscalYearServiceStub(channel)
        self.limits = limits_pb2_grpc.LimitServiceStub(channel)
        self.cursors = cursors_pb2_grpc.CursorServiceStub(channel)

    async def create_journal(self, code: str = "main") -> journals_pb2.Journal:
        answer = await self.journals.CreateJournal(journals_pb2.CreateJournalRequest(code=code))
        return answer.journal

    async def create_account(self, code: str, **fields: Any) -> accounts_pb2.Account:
        fields = {"normal_side": DEBIT} | fields
        answer = await self.accounts.CreateAccount(
            accounts_pb2.CreateAccountRequest(
                journal="main", account=accounts_pb2.NewAccount(code=code, **fields)
            )
        )
        return answer.account

    async def create_set(self, code: str, **fields: Any) -> account_sets_pb2.AccountSet:
        answer = await self.account_sets.CreateAccountSet(
            account_sets_pb2.CreateAccountSetRequest(journal="main", code=code, **fields)
        )
        return answer.account_set

    async def head(self, journal: str = "main") -> int:
        answer = await self.journals.GetJournal(journals_pb2.GetJournalRequest(journal=journal))
        return int(answer.journal.head_sequence)


@dataclasses.dataclass(frozen=True)
class Refused:
    """Why a call was refused."""

    reason: str
    facts: dict[str, str]
    code: grpc.StatusCode
    fields: list[str]


async def refused(call: Awaitable[Any]) -> Refused:
    """Wait for a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error: Any = caught.value  # a call, though the stubs do not say so
    status = rpc_status.from_call(error)
    assert status is not None, caught.value
    info, fields = None, []
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            assert info is None, "one ErrorInfo an error"
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
        if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad_request = error_details_pb2.BadRequest()
            detail.Unpack(bad_request)
            fields = [violation.field for violation in bad_request.field_violations]
    assert info is not None, caught.value
    assert info.domain == "ledger.v1"
    return Refused(info.reason, dict(info.metadata), caught.value.code(), fields)


async def reason(call: Awaitable[Any]) -> str:
    """Wait for a call that must be refused and return the reason alone."""
    return (await refused(call)).reason
