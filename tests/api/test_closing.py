"""Closing an account while postings to it are under way."""

import asyncio
import random
import uuid
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct

from ledger_proto.v1 import accounts_pb2, balances_pb2, transactions_pb2, tx_templates_pb2
from tests.api.calls import Ledger, Refused, refused

TRANSFER = tx_templates_pb2.TxTemplate(
    code="TRANSFER",
    params=[
        tx_templates_pb2.Param(name="source", type=tx_templates_pb2.PARAM_TYPE_ACCOUNT),
        tx_templates_pb2.Param(name="target", type=tx_templates_pb2.PARAM_TYPE_ACCOUNT),
    ],
    entries=[
        tx_templates_pb2.EntryDefinition(
            account=f"params.{account}",
            direction=direction,
            units="decimal('1.00')",
            currency="'USD'",
        )
        for account, direction in (("target", "DEBIT"), ("source", "CREDIT"))
    ],
)


def transfer(source: str, target: str) -> transactions_pb2.PostTransactionRequest:
    params = Struct()
    params.update({"source": source, "target": target})
    return transactions_pb2.PostTransactionRequest(
        journal="main",
        transaction=transactions_pb2.TransactionRequest(
            transaction_id=str(uuid.uuid4()), template_code="TRANSFER", params=params
        ),
    )


async def test_a_closed_account_is_at_zero_whatever_was_under_way(ledger: Ledger) -> None:
    """Money comes in and goes out until the account is closed; then nothing reaches it."""
    await ledger.tx_templates.CreateTxTemplate(
        tx_templates_pb2.CreateTxTemplateRequest(journal="main", template=TRANSFER)
    )
    await ledger.create_account("world")
    for number in range(5):
        code = f"account {number}"
        await ledger.create_account(code)
        refusals = await asyncio.gather(
            *(shuttle(ledger, code) for _ in range(8)), close(ledger, code)
        )
        assert set(refusals) <= {"ACCOUNT_NOT_ACTIVE"}
        balance = await ledger.balances.GetBalance(
            balances_pb2.GetBalanceRequest(journal="main", account=code, currency="USD")
        )
        assert balance.balance.settled.net == "0.00"


async def shuttle(ledger: Ledger, code: str) -> str:
    """Bring in and take out until refused; return why.

    Each rests for as long as chance says before it goes again: without, the shuttles fall into two
    groups, one in while the other is out, and the account is never at zero.
    """
    while True:
        await asyncio.sleep(random.uniform(0, 0.01))
        for request in (transfer("world", code), transfer(code, "world")):
            refusal = await attempt(ledger.transactions.PostTransaction(request))
            if refusal is not None:
                return refusal.reason


async def close(ledger: Ledger, code: str) -> str:
    """Try to close until it is at zero; return why a posting to it is refused then."""
    request = accounts_pb2.CloseAccountRequest(journal="main", account=code)
    while (refusal := await attempt(ledger.accounts.CloseAccount(request))) is not None:
        assert refusal.reason == "ACCOUNT_NOT_EMPTY"
    return (await refused(ledger.transactions.PostTransaction(transfer("world", code)))).reason


async def attempt(call: Any) -> Refused | None:
    try:
        await call
    except grpc.aio.AioRpcError:
        return await refused(call)
    return None
