"""Holds, reversals, limits and periods called the short way, and the books held against them."""

import contextlib
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import grpc
from google.protobuf import struct_pb2

from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    common_pb2,
    events_pb2,
    holds_pb2,
    holds_pb2_grpc,
    limits_pb2,
    periods_pb2,
)
from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import CREDIT, DEBIT
from tests.ledger import _CHECKS, PostingLedger, serving

GROSS, NET = limits_pb2.VELOCITY_MEASURE_GROSS, limits_pb2.VELOCITY_MEASURE_NET
DAY, WEEK = limits_pb2.VELOCITY_WINDOW_DAY, limits_pb2.VELOCITY_WINDOW_WEEK
MONTH, ROLLING = limits_pb2.VELOCITY_WINDOW_MONTH, limits_pb2.VELOCITY_WINDOW_ROLLING
LIFE = limits_pb2.VELOCITY_WINDOW_LIFE
WHOLE = limits_pb2.LIMIT_SCOPE_WHOLE_SET

OPEN, CAPTURED = holds_pb2.HOLD_STATUS_OPEN, holds_pb2.HOLD_STATUS_CAPTURED
RELEASED, EXPIRED = holds_pb2.HOLD_STATUS_RELEASED, holds_pb2.HOLD_STATUS_EXPIRED


def new_id() -> str:
    return str(uuid.uuid4())


class RulesLedger(PostingLedger):
    """All services of one server, for one journal."""

    def __init__(self, channel: grpc.aio.Channel, journal: str = "main") -> None:
        super().__init__(channel, journal)
        self.holds = holds_pb2_grpc.HoldServiceStub(channel)

    def of(self, journal: str) -> "RulesLedger":
        return RulesLedger(self.channel, journal)

    async def open_credit(self, *accounts: str) -> None:
        """Create accounts whose normal side is credit, such as a customer's."""
        await self.accounts.BatchCreateAccounts(
            accounts_pb2.BatchCreateAccountsRequest(
                journal=self.journal,
                accounts=[
                    accounts_pb2.NewAccount(code=code, normal_side=CREDIT) for code in accounts
                ],
            )
        )

    async def place(
        self, asked: pb.TransactionRequest, expire: datetime | None = None
    ) -> holds_pb2.PlaceHoldResponse:
        request = holds_pb2.PlaceHoldRequest(journal=self.journal, transaction=asked)
        if expire is not None:
            request.expire_time.FromDatetime(expire)
        return await self.holds.PlaceHold(request)

    async def capture(
        self, hold_id: str, params: Mapping[str, Any] | None = None, **fields: Any
    ) -> holds_pb2.CaptureHoldResponse:
        return await self.holds.CaptureHold(
            holds_pb2.CaptureHoldRequest(
                journal=self.journal,
                hold_id=hold_id,
                params=struct(params),
                **{"capture_id": new_id()} | fields,
            )
        )

    async def release(self, hold_id: str, **fields: Any) -> holds_pb2.ReleaseHoldResponse:
        return await self.holds.ReleaseHold(
            holds_pb2.ReleaseHoldRequest(
                journal=self.journal, hold_id=hold_id, **{"release_id": new_id()} | fields
            )
        )

    async def hold(self, hold_id: str) -> holds_pb2.Hold:
        request = holds_pb2.GetHoldRequest(journal=self.journal, hold_id=hold_id)
        return (await self.holds.GetHold(request)).hold

    async def held(self, hold_id: str) -> tuple[int, list[tuple[str, str, str, str]]]:
        """Return a hold's status, and placed, captured, released and left of each entry."""
        hold = await self.hold(hold_id)
        return int(hold.status), [
            (one.placed, one.captured, one.released, one.left) for one in hold.entries
        ]

    async def reverse(
        self, reverses: str, params: Mapping[str, Any] | None = None, **fields: Any
    ) -> pb.ReverseTransactionResponse:
        return await self.transactions.ReverseTransaction(
            pb.ReverseTransactionRequest(
                journal=self.journal,
                reverses=reverses,
                params=struct(params),
                **{"transaction_id": new_id(), "effective_date": "2026-01-31"} | fields,
            )
        )

    async def get(self, transaction_id: str) -> pb.Transaction:
        answer = await self.transactions.GetTransaction(
            pb.GetTransactionRequest(journal=self.journal, transaction_id=transaction_id)
        )
        return answer.transaction

    async def standing(self, code: str, available_min: str = "0", currency: str = "USD") -> None:
        await self._create_limit(
            limits_pb2.Limit(
                code=code,
                currency=currency,
                standing=limits_pb2.StandingLimit(available_min=available_min),
            )
        )

    async def velocity(
        self, code: str, amount_max: str, currency: str = "USD", **fields: Any
    ) -> None:
        given = {"direction": DEBIT, "measure": GROSS, "window": DAY}
        await self._create_limit(
            limits_pb2.Limit(
                code=code,
                currency=currency,
                velocity=limits_pb2.VelocityLimit(amount_max=amount_max, **given | fields),
            )
        )

    async def _create_limit(self, limit: limits_pb2.Limit) -> None:
        await self.limits.CreateLimit(
            limits_pb2.CreateLimitRequest(journal=self.journal, limit=limit)
        )

    async def attach(self, code: str, **target: Any) -> None:
        await self.limits.AttachLimit(
            limits_pb2.AttachLimitRequest(journal=self.journal, limit=code, **target)
        )

    async def detach(self, code: str, **target: Any) -> None:
        await self.limits.DetachLimit(
            limits_pb2.DetachLimitRequest(journal=self.journal, limit=code, **target)
        )

    async def bound(self, code: str, bound: str) -> None:
        await self.limits.UpdateLimit(
            limits_pb2.UpdateLimitRequest(journal=self.journal, code=code, bound=bound)
        )

    async def used(self, account: str) -> dict[str, str]:
        """Return what is used of each limit on an account."""
        answer = await self.limits.ListLimitUses(
            limits_pb2.ListLimitUsesRequest(journal=self.journal, account=account)
        )
        return {one.limit.code: one.used for one in answer.uses}

    async def make_set(self, code: str, *members: str, sets: tuple[str, ...] = ()) -> None:
        await self.account_sets.CreateAccountSet(
            account_sets_pb2.CreateAccountSetRequest(
                journal=self.journal, code=code, normal_side=CREDIT
            )
        )
        if members or sets:
            await self.add(code, *members, sets=sets)

    async def add(self, code: str, *members: str, sets: tuple[str, ...] = ()) -> None:
        await self.account_sets.AddAccountSetMembers(
            account_sets_pb2.AddAccountSetMembersRequest(
                journal=self.journal, account_set=code, accounts=members, member_sets=sets
            )
        )

    async def remove(self, code: str, *members: str, sets: tuple[str, ...] = ()) -> None:
        await self.account_sets.RemoveAccountSetMembers(
            account_sets_pb2.RemoveAccountSetMembersRequest(
                journal=self.journal, account_set=code, accounts=members, member_sets=sets
            )
        )

    async def close_days(self, through: str, *, soft: bool = False) -> None:
        await self.periods.ClosePeriod(
            periods_pb2.ClosePeriodRequest(
                journal=self.journal, through=through, soft=soft, reason="test"
            )
        )

    async def reopen_days(self, through: str = "", *, soft: bool = False) -> None:
        await self.periods.ReopenPeriod(
            periods_pb2.ReopenPeriodRequest(
                journal=self.journal, through=through, soft=soft, reason="test"
            )
        )

    async def lock_for(self, account: str, *, allow_hold_ends: bool) -> None:
        await self.accounts.LockAccount(
            accounts_pb2.LockAccountRequest(
                journal=self.journal, account=account, allow_hold_ends=allow_hold_ends
            )
        )

    async def close_account(self, account: str) -> None:
        await self.accounts.CloseAccount(
            accounts_pb2.CloseAccountRequest(journal=self.journal, account=account)
        )


@contextlib.asynccontextmanager
async def rules_serving(dsn: str, *, sweeping: bool) -> AsyncIterator[RulesLedger]:
    """Run a server that expires holds only if `sweeping`."""
    async with serving(dsn) as running:
        if not sweeping:
            await running.app.sweeper.close()
        yield RulesLedger(running.channel)


def struct(params: Mapping[str, Any] | None) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(params or {})
    return made


async def rows(dsn: str, query: str, *arguments: Any) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()


async def check_rules(dsn: str, journal: str) -> None:
    """Hold the tables of a journal against each other and against its events."""
    for name, query in _CHECKS.items() | _RULES.items():
        if name != "transactions and posted events differ":
            wrong = await rows(dsn, query, journal)
            assert not wrong, f"{name}: {wrong[:5]}"
    steps = deque(prefixes(await events(dsn, journal)), maxlen=1)
    if not steps:
        return
    last = steps[0]
    query = (
        "SELECT code, currency, settled_debit - settled_credit AS settled, held_debit, held_credit"
        " FROM balances JOIN accounts ON accounts.journal_id = balances.journal_id"
        " AND accounts.id = account_id WHERE balances.journal_id ="
        " (SELECT id FROM journals WHERE code = $1)"
    )
    for row in await rows(dsn, query, journal):
        key = (row["code"], row["currency"])
        assert last.settled[key] == row["settled"], key
        assert last.held[*key, DEBIT] == row["held_debit"], key
        assert last.held[*key, CREDIT] == row["held_credit"], key


async def events(dsn: str, journal: str, *, all_of: bool = False) -> list[events_pb2.Event]:
    """Return a journal's events in order: those with a transaction, or all."""
    found = await rows(
        dsn,
        "SELECT sequence, recorded_at, payload || coalesce(personal, '') AS payload"
        " FROM events JOIN journals ON id = journal_id"
        " WHERE code = $1 AND ($2 OR type BETWEEN 21 AND 26) ORDER BY sequence",
        journal,
        all_of,
    )
    read = []
    for row in found:
        event = events_pb2.Event.FromString(row["payload"])
        event.sequence = row["sequence"]
        event.record_time.FromDatetime(row["recorded_at"])
        read.append(event)
    return read


class Standing:
    """What the accounts of a journal have, rebuilt from its events. Debits less credits."""

    def __init__(self) -> None:
        self.settled: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.held: dict[tuple[str, str, int], Decimal] = defaultdict(Decimal)

    def available(self, account: str, side: int, currency: str = "USD") -> Decimal:
        if side == DEBIT:
            return self.settled[account, currency] - self.held[account, currency, CREDIT]
        return -self.settled[account, currency] - self.held[account, currency, DEBIT]


def prefixes(found: list[events_pb2.Event]) -> Iterator[Standing]:
    """Return what stands after each event; one object that changes."""
    standing = Standing()
    for event in found:
        fact = getattr(event, str(event.WhichOneof("fact")))
        for entry in fact.transaction.entries:
            key, units = (entry.account_code, entry.currency), Decimal(entry.units)
            if entry.layer == common_pb2.LAYER_SETTLED:
                standing.settled[key] += units if entry.direction == DEBIT else -units
            elif event.WhichOneof("fact") == "hold_created":
                standing.held[*key, entry.direction] += units
            elif event.WhichOneof("fact") in {"hold_captured", "hold_released", "hold_expired"}:
                standing.held[*key, DEBIT + CREDIT - entry.direction] -= units
        yield standing


#: Each returns what is wrong; none returns anything of sound books without postings on PENDING.
_RULES = {
    "transactions and their events differ": """
        SELECT sequence FROM (SELECT sequence FROM transactions JOIN journals ON journals.id =
               journal_id WHERE code = $1) AS one
          FULL JOIN (SELECT sequence FROM events JOIN journals ON id = journal_id
               WHERE code = $1 AND type BETWEEN 21 AND 26) AS other USING (sequence)
         WHERE one.sequence IS NULL OR other.sequence IS NULL
    """,
    "what is held is not what open holds have left": """
        SELECT * FROM (SELECT account_id, currency,
                coalesce(sum(placed - captured - released) FILTER (WHERE direction = 1), 0) AS d,
                coalesce(sum(placed - captured - released) FILTER (WHERE direction = 2), 0) AS c
                FROM hold_entries JOIN journals ON id = journal_id WHERE code = $1 GROUP BY 1, 2)
                AS x
          FULL JOIN (SELECT balances.* FROM balances JOIN journals ON id = journal_id
                WHERE code = $1) AS y USING (account_id, currency)
         WHERE (coalesce(d, 0), coalesce(c, 0)) IS DISTINCT FROM (held_debit, held_credit)
            OR held_debit - held_credit <> pending_debit - pending_credit
    """,
    "a hold has ended with something left, or is open with nothing": """
        SELECT holds.id, status FROM holds JOIN journals ON journals.id = journal_id
          JOIN hold_entries ON hold_entries.journal_id = holds.journal_id AND hold_id = holds.id
         WHERE code = $1 GROUP BY 1, 2
        HAVING (status = 1) <> (sum(placed - captured - released) > 0)
    """,
    "a hold ended twice or not at all": """
        SELECT holds.id, status, count(events.sequence)
          FROM holds JOIN journals ON journals.id = journal_id
          LEFT JOIN (transactions JOIN events USING (journal_id, sequence))
            ON events.journal_id = holds.journal_id AND events.type IN (24, 25)
           AND position(holds.id::text::bytea IN events.payload) > 0
         WHERE code = $1 GROUP BY 1, 2
        HAVING count(events.sequence) <> CASE WHEN status IN (3, 4) THEN 1 ELSE 0 END
    """,
    "more was taken back than was posted": """
        SELECT * FROM reversed_entries JOIN journals ON id = journal_id
          JOIN transactions ON transactions.journal_id = reversed_entries.journal_id
           AND transactions.id = transaction_id
          JOIN entries ON entries.journal_id = transactions.journal_id
           AND entries.sequence = transactions.sequence
           AND entries.position = reversed_entries.position
         WHERE code = $1 AND (reversed > entries.units
               OR reversed_entries.units <> entries.units)
    """,
    "a set's balance is not that of its accounts": """
        WITH RECURSIVE below (journal_id, top, id) AS (
            SELECT journal_id, id, id FROM account_sets
             UNION
            SELECT below.journal_id, top, member_id FROM below JOIN account_set_sets AS s
                ON s.journal_id = below.journal_id AND s.set_id = below.id
        ), members AS (
            SELECT DISTINCT below.journal_id, top, account_id FROM below
              JOIN account_set_accounts AS a
                ON a.journal_id = below.journal_id AND a.set_id = below.id
        ), summed AS (
            SELECT members.journal_id, top, currency, sum(settled_debit) AS a,
                   sum(settled_credit) AS b, sum(held_debit) AS c, sum(held_credit) AS d
              FROM members JOIN balances USING (journal_id, account_id) GROUP BY 1, 2, 3
        )
        SELECT * FROM set_balances AS s JOIN journals ON journals.id = s.journal_id
          JOIN journal_heads AS h ON h.journal_id = s.journal_id
           AND h.config_version = s.config_version
          JOIN summed ON summed.journal_id = s.journal_id AND summed.top = s.set_id
           AND summed.currency = s.currency
         WHERE code = $1 AND (a, b, c, d) IS DISTINCT FROM (s.settled_debit, s.settled_credit,
               s.held_debit, s.held_credit)
    """,
}
