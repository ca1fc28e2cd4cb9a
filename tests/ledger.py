"""A whole ledger in the process, and postings to it written the short way."""

import asyncio
import contextlib
import decimal
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg
import grpc
from google.protobuf import struct_pb2

from ledger_proto.v1 import (
    accounts_pb2,
    balances_pb2,
    journals_pb2,
    reports_pb2,
    reports_pb2_grpc,
    transactions_pb2_grpc,
    tx_templates_pb2,
    tx_templates_pb2_grpc,
)
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.app import App, add_servicers
from ledger_server.domain.primitives import EXACT
from ledger_server.lifecycle import SERVER_OPTIONS
from ledger_server.proof.checkpointer import Signing
from tests.api.calls import DEBIT, Ledger

ATOMIC, INDEPENDENT = pb.BATCH_MODE_ATOMIC, pb.BATCH_MODE_INDEPENDENT

#: What reports need more than the 4 MiB that gRPC takes by default.
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", 64 * 1024 * 1024),)

_TYPES = tx_templates_pb2.ParamType


class PostingLedger(Ledger):
    """All services of one server. Its calls take the journal `journal` unless told otherwise."""

    def __init__(self, channel: grpc.aio.Channel, journal: str = "main") -> None:
        super().__init__(channel)
        self.transactions = transactions_pb2_grpc.TransactionServiceStub(channel)
        self.templates = tx_templates_pb2_grpc.TxTemplateServiceStub(channel)
        self.reports = reports_pb2_grpc.ReportServiceStub(channel)
        self.channel = channel
        self.journal = journal

    def of(self, journal: str) -> "PostingLedger":
        """Return the same server's services for another journal."""
        return PostingLedger(self.channel, journal)

    async def open(self, *accounts: str, time_zone: str = "") -> None:
        """Create the journal with these accounts and the templates LINES and TRANSFER."""
        await self.journals.CreateJournal(
            journals_pb2.CreateJournalRequest(code=self.journal, time_zone=time_zone)
        )
        if accounts:
            await self.accounts.BatchCreateAccounts(
                accounts_pb2.BatchCreateAccountsRequest(
                    journal=self.journal,
                    accounts=[
                        accounts_pb2.NewAccount(code=code, normal_side=DEBIT) for code in accounts
                    ],
                )
            )
        await self.create_template(lines_template())
        await self.create_template(transfer_template())

    async def create_template(
        self, template: tx_templates_pb2.TxTemplate
    ) -> tx_templates_pb2.TxTemplate:
        answer = await self.templates.CreateTxTemplate(
            tx_templates_pb2.CreateTxTemplateRequest(journal=self.journal, template=template)
        )
        return answer.template

    async def post(
        self, request: pb.TransactionRequest, *, validate_only: bool = False
    ) -> pb.PostTransactionResponse:
        return await self.transactions.PostTransaction(
            pb.PostTransactionRequest(
                journal=self.journal, transaction=request, validate_only=validate_only
            )
        )

    async def post_all(
        self, requests: Sequence[pb.TransactionRequest], mode: int = INDEPENDENT
    ) -> Sequence[pb.PostResult]:
        answer = await self.transactions.PostTransactions(
            pb.PostTransactionsRequest(
                journal=self.journal,
                transactions=requests,
                mode=mode,  # type: ignore[arg-type]  # its number
            )
        )
        return answer.results

    async def list(self, **fields: Any) -> pb.ListTransactionsResponse:
        return await self.transactions.ListTransactions(
            pb.ListTransactionsRequest(journal=self.journal, **fields)
        )

    async def balance(self, account: str, currency: str = "USD") -> balances_pb2.Balance:
        answer = await self.balances.GetBalance(
            balances_pb2.GetBalanceRequest(journal=self.journal, account=account, currency=currency)
        )
        return answer.balance

    async def trial_balance(self, **fields: Any) -> reports_pb2.GetTrialBalanceResponse:
        return await self.reports.GetTrialBalance(
            reports_pb2.GetTrialBalanceRequest(journal=self.journal, **fields)
        )

    async def head(self, journal: str = "") -> int:
        return await super().head(journal or self.journal)

    async def lock(self, account: str) -> None:
        await self.accounts.LockAccount(
            accounts_pb2.LockAccountRequest(journal=self.journal, account=account)
        )

    async def unlock(self, account: str) -> None:
        await self.accounts.UnlockAccount(
            accounts_pb2.UnlockAccountRequest(journal=self.journal, account=account)
        )


class Serving:
    """A server that runs in the process."""

    def __init__(self, app: App, channel: grpc.aio.Channel, address: str) -> None:
        self.app = app
        self.channel = channel
        self.address = address
        self.ledger = PostingLedger(channel)


@contextlib.asynccontextmanager
async def serving(dsn: str, signing: Signing | None = None) -> AsyncIterator[Serving]:
    """Run a server as in production but for the launcher around it."""
    decimal.setcontext(EXACT.copy())
    running = grpc.aio.server(options=SERVER_OPTIONS)
    app = await add_servicers(running, dsn, signing)
    address = f"127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}"
    await running.start()
    try:
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            yield Serving(app, channel, address)
    finally:
        await running.stop(grace=None)
        await app.close()


def lines_template(description: str = "") -> tx_templates_pb2.TxTemplate:
    """Return a template that posts whatever legs it is given."""
    return template(
        "LINES",
        {"lines": ("JSON", None)},
        [
            {
                "for_each": "params.lines",
                "account": "item.account",
                "direction": "item.direction",
                "layer": "item.layer",
                "units": "decimal(item.units)",
                "currency": "item.currency",
            }
        ],
        description=description,
    )


def transfer_template(code: str = "TRANSFER", description: str = "") -> tx_templates_pb2.TxTemplate:
    """Return a template with a typed param for everything."""
    common = {"units": "params.amount", "currency": "params.currency"}
    return template(
        code,
        {
            "debit": ("ACCOUNT", None),
            "credit": ("ACCOUNT", None),
            "amount": ("DECIMAL", None),
            "currency": ("CURRENCY", "USD"),
            "memo": ("STRING", "none"),
        },
        [
            {"account": "params.debit", "direction": "DEBIT", **common},
            {"account": "params.credit", "direction": "CREDIT", **common},
        ],
        transaction={"description": "params.memo"},
        description=description,
    )


def template(
    code: str,
    params: Mapping[str, tuple[str, str | None]],
    entries: Sequence[Mapping[str, str]],
    *,
    transaction: Mapping[str, str] | None = None,
    description: str = "",
) -> tx_templates_pb2.TxTemplate:
    """Return a template; `params` gives each its type and its default, None for none."""
    return tx_templates_pb2.TxTemplate(
        code=code,
        description=description,
        params=[
            tx_templates_pb2.Param(
                name=name,
                type=_TYPES.Value(f"PARAM_TYPE_{kind}"),
                default_value=None if default is None else struct_pb2.Value(string_value=default),
            )
            for name, (kind, default) in params.items()
        ],
        transaction=tx_templates_pb2.TransactionFields(**(transaction or {})),
        entries=[tx_templates_pb2.EntryDefinition(**entry) for entry in entries],
    )


def lines(*legs: str, **fields: Any) -> pb.TransactionRequest:
    """Return a request for legs such as `DEBIT cash 10.00 USD PENDING`; SETTLED if not said."""
    return request("LINES", {"lines": [_leg(leg) for leg in legs]}, **fields)


def transfer(
    debit: str = "cash", credit: str = "income", amount: str = "1.00", **fields: Any
) -> pb.TransactionRequest:
    """Return a request of TRANSFER in its default currency."""
    return request("TRANSFER", {"debit": debit, "credit": credit, "amount": amount}, **fields)


def request(code: str, params: Mapping[str, Any], **fields: Any) -> pb.TransactionRequest:
    """Return a request, with an id of its own unless one is given."""
    struct = struct_pb2.Struct()
    struct.update(params)
    fields = {"transaction_id": str(uuid.uuid4())} | fields
    return pb.TransactionRequest(template_code=code, params=struct, **fields)


def changed(asked: pb.TransactionRequest, **fields: Any) -> pb.TransactionRequest:
    """Return `asked` with other fields; `params` are merged, and None takes one out."""
    copy = pb.TransactionRequest()
    copy.CopyFrom(asked)
    for name, value in fields.pop("params", {}).items():
        if value is None:
            del copy.params[name]
        else:
            copy.params[name] = value
    if "metadata" in fields:
        copy.ClearField("metadata")
        copy.metadata.update(fields.pop("metadata"))
    for name, value in fields.items():
        setattr(copy, name, value)
    return copy


def _leg(text: str) -> dict[str, str]:
    direction, account, units, currency, *layer = text.split()
    return {
        "direction": direction,
        "account": account,
        "units": units,
        "currency": currency,
        "layer": layer[0] if layer else "SETTLED",
    }


async def sequences(dsn: str, journal: str) -> list[int]:
    """Return the sequences of a journal's events, in order."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT sequence FROM events JOIN journals ON journals.id = journal_id"
            " WHERE code = $1 ORDER BY sequence",
            journal,
        )
    finally:
        await connection.close()
    return [row["sequence"] for row in rows]


async def check_books(dsn: str, journal: str) -> None:
    """Hold the tables of a journal against each other: every sum must follow from the entries."""
    connection = await asyncpg.connect(dsn)
    try:
        for name, query in _CHECKS.items():
            wrong = await connection.fetch(query, journal)
            assert not wrong, f"{name}: {wrong[:5]}"
    finally:
        await connection.close()


#: Each returns what is wrong; none returns anything of sound books.
_CHECKS = {
    "sequences have gaps or go beyond the head": """
        SELECT journal_heads.sequence, count(events.sequence), max(events.sequence)
          FROM journals JOIN journal_heads ON journal_id = id
          JOIN events USING (journal_id)
         WHERE code = $1 GROUP BY journal_heads.sequence
        HAVING count(*) <> max(events.sequence) OR max(events.sequence) <> journal_heads.sequence
    """,
    "times run backwards": """
        SELECT * FROM (SELECT sequence, recorded_at - lag(recorded_at) OVER (ORDER BY sequence)
                    AS step FROM events JOIN journals ON id = journal_id WHERE code = $1) AS steps
         WHERE step < interval '0'
    """,
    "transactions and posted events differ": """
        SELECT sequence FROM (SELECT sequence FROM transactions JOIN journals ON journals.id =
               journal_id WHERE code = $1) AS one
          FULL JOIN (SELECT sequence FROM events JOIN journals ON id = journal_id
               WHERE code = $1 AND type BETWEEN 21 AND 29) AS other USING (sequence)
         WHERE one.sequence IS NULL OR other.sequence IS NULL
    """,
    "a transaction does not balance": """
        SELECT sequence, layer, currency FROM entries JOIN journals ON id = journal_id
         WHERE code = $1 GROUP BY 1, 2, 3
        HAVING sum(CASE direction WHEN 1 THEN units ELSE -units END) <> 0
    """,
    "a balance is not the sum of its entries": """
        SELECT * FROM (SELECT account_id, currency, count(*) AS version,
                coalesce(sum(units) FILTER (WHERE layer = 1 AND direction = 1), 0) AS a,
                coalesce(sum(units) FILTER (WHERE layer = 1 AND direction = 2), 0) AS b,
                coalesce(sum(units) FILTER (WHERE layer = 2 AND direction = 1), 0) AS c,
                coalesce(sum(units) FILTER (WHERE layer = 2 AND direction = 2), 0) AS d,
                coalesce(sum(units) FILTER (WHERE layer = 3 AND direction = 1), 0) AS e,
                coalesce(sum(units) FILTER (WHERE layer = 3 AND direction = 2), 0) AS f
                FROM entries JOIN journals ON id = journal_id WHERE code = $1 GROUP BY 1, 2) AS x
          FULL JOIN (SELECT balances.* FROM balances JOIN journals ON id = journal_id
                WHERE code = $1 AND version > 0) AS y USING (account_id, currency)
         WHERE (x.version, a, b, c, d, e, f) IS DISTINCT FROM (y.version, settled_debit,
                settled_credit, pending_debit, pending_credit, encumbrance_debit,
                encumbrance_credit)
    """,
    "a day's sum is not that of its entries": """
        SELECT * FROM (SELECT account_id, currency, layer, effective AS day,
                coalesce(sum(units) FILTER (WHERE direction = 1), 0) AS a,
                coalesce(sum(units) FILTER (WHERE direction = 2), 0) AS b
                FROM entries JOIN journals ON id = journal_id WHERE code = $1
                GROUP BY 1, 2, 3, 4) AS x
          FULL JOIN (SELECT daily_sums.* FROM daily_sums JOIN journals ON id = journal_id
                WHERE code = $1) AS y USING (account_id, currency, layer, day)
         WHERE (a, b) IS DISTINCT FROM (debit, credit)
    """,
}


async def gather_limited(width: int, calls: Sequence[Any]) -> list[Any]:
    """Await all of `calls`, at most `width` at a time, and return their results in order."""
    gate = asyncio.Semaphore(width)

    async def one(call: Any) -> Any:
        async with gate:
            return await call

    return await asyncio.gather(*(one(call) for call in calls))
