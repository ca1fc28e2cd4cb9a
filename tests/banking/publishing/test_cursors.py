"""Cursors of domain events: one holder at a time, and what is decided about it is on record."""

import asyncio
import uuid
from typing import Any

import asyncpg
import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from bank_proto.events.v1 import cursors_pb2 as pb
from bank_proto.events.v1.cursors_pb2_grpc import DomainEventCursorServiceStub
from ledger_client.banking.foundation.gate import Decision
from ledger_client.banking.foundation.permissions import Permission
from tests.banking.bank import TENANT, OpenGate, TestBank, bank_in_process


class CursorGate(OpenGate):
    """Denies what it is told to."""

    def __init__(self) -> None:
        self.denied: set[str] = set()

    async def check(self, token: str, permission: Permission, tenant: str) -> Decision:
        decision = await super().check(token, permission, tenant)
        if permission.action in self.denied:
            return Decision(subject=decision.subject, tenant=tenant, is_allowed=False)
        return decision


class Cursors:
    """Calls of the service for the module time; each gives its answer, or why it was refused."""

    def __init__(self, bank: TestBank) -> None:
        self._bank = bank
        self._stub = DomainEventCursorServiceStub(bank.channel)

    async def acquire(self, name: str = "c", user: str | None = None, **fields: Any) -> Any:
        request = pb.AcquireCursorRequest(module="time", name=name, **fields)
        return await self._call(self._stub.AcquireCursor, request, user)

    async def advance(self, token: int, position: int = 0, user: str | None = None) -> Any:
        request = pb.AdvanceCursorRequest(module="time", name="c", token=token, position=position)
        return await self._call(self._stub.AdvanceCursor, request, user)

    async def release(self, token: int, name: str = "c", user: str | None = None) -> Any:
        request = pb.ReleaseCursorRequest(module="time", name=name, token=token)
        return await self._call(self._stub.ReleaseCursor, request, user)

    async def list(self, **fields: Any) -> Any:
        request = pb.ListCursorsRequest(module="time", **fields)
        return await self._call(self._stub.ListCursors, request, None)

    async def _call(self, method: Any, request: Any, user: str | None) -> Any:
        try:
            return await self._bank.call(method, request, token=user)
        except grpc.aio.AioRpcError as refusal:
            return reason_of(refusal)


def reason_of(refusal: Any) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(refusal)
    assert status is not None
    for detail in status.details:
        detail.Unpack(info)
    return str(info.reason)


async def actions(dsn: str) -> list[tuple[str, bool]]:
    """Return what the audit log of time has about cursors, in order."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT action, authorized FROM bank_time.audit_entries"
            " WHERE object = 'bank/cursors/*' ORDER BY id"
        )
    finally:
        await connection.close()
    return [(row["action"].rpartition(":")[2], row["authorized"]) for row in rows]


async def test_one_holds_it_and_it_is_on_record(ledger_dsn: str, bank_dsn: str) -> None:
    gate = CursorGate()
    async with bank_in_process(ledger_dsn, bank_dsn, "time", gate=gate) as bank:
        cursors = Cursors(bank)
        other = str(uuid.uuid4())
        first = await cursors.acquire(holder="one", lease_seconds=60)
        assert (first.cursor.position, first.cursor.holder) == (0, "one")
        assert await cursors.acquire(holder="two", user=other) == "CURSOR_HELD"
        again = await cursors.acquire(holder="one", token=first.token)
        assert again.token == first.token
        # The token is no secret: it moves nothing in another's hands.
        assert await cursors.acquire(token=first.token, user=other) == "CURSOR_HELD"
        assert await cursors.advance(first.token, user=other) == "CURSOR_LOST"
        await cursors.release(first.token, user=other)
        for _ in range(3):
            assert (await cursors.advance(first.token)).cursor.holder == "one"
        assert await cursors.advance(first.token, position=1) == "POSITION_UNAVAILABLE"
        gate.denied.add("bank:cursors:advance")
        assert await cursors.advance(first.token) == "PERMISSION_DENIED"
        gate.denied.clear()
        assert (await cursors.release(first.token)).cursor.holder == ""
        assert await cursors.advance(first.token) == "CURSOR_LOST"
        second = await cursors.acquire(holder="two", user=other)
        assert second.token > first.token
        # Two were allowed and refused by the lease that another holds.
        assert await actions(bank_dsn) == [
            ("acquire", True),
            ("acquire", True),
            ("acquire", True),
            ("acquire", True),
            ("release", True),
            ("advance", False),
            ("release", True),
            ("acquire", True),
        ]


async def test_a_lease_that_ran_out_is_anybodys(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        cursors = Cursors(bank)
        first = await cursors.acquire("lapsed", lease_seconds=1)
        at_once = await asyncio.gather(*(cursors.acquire("lapsed") for _ in range(4)))
        assert at_once == ["CURSOR_HELD"] * 4
        await asyncio.sleep(1.05)
        at_once = await asyncio.gather(*(cursors.acquire("lapsed") for _ in range(4)))
        (taken,) = (each for each in at_once if each != "CURSOR_HELD")
        assert taken.token == first.token + 1


async def test_lists_and_refuses_what_is_wrong(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        cursors = Cursors(bank)
        for name in ("x1", "x2", "x3"):
            await cursors.acquire(name, holder=name)
        names, token = [], ""
        while True:
            page = await cursors.list(page_size=2, page_token=token)
            names += [cursor.name for cursor in page.cursors]
            token = page.next_page_token
            if not token:
                break
        assert names == sorted(names)
        assert {"x1", "x2", "x3"} <= set(names)
        for refused in (
            cursors.acquire(""),
            cursors.acquire("a\nb"),
            cursors.acquire("n" * 256),
            cursors.acquire("n", holder="h" * 256),
            cursors.acquire("n", lease_seconds=301),
            cursors.acquire("n", initial_position=-1),
            cursors.list(page_size=501),
            cursors.list(page_token="!"),
        ):
            assert await refused == "FIELD_INVALID"
        assert await cursors.acquire("n", initial_position=1) == "POSITION_UNAVAILABLE"
        assert await cursors.release(1, name="none") == "CURSOR_NOT_FOUND"
        assert await cursors.acquire(user="") == "UNAUTHENTICATED"
        assert "n" not in [cursor.name for cursor in (await cursors.list()).cursors]
        stub = DomainEventCursorServiceStub(bank.channel)
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await bank.call(stub.ListCursors, pb.ListCursorsRequest(tenant=TENANT, module="x"))
        assert reason_of(refusal.value) == "MODULE_UNKNOWN"
