"""A journal to verify: how it is filled, signed, verified, and changed behind the ledger's back."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import asyncpg
import pytest

from ledger_client import LedgerClient, new_id
from ledger_client.verify import (
    Asked,
    Finding,
    Report,
    SignedCheckpoint,
    VerifierKey,
    WrongError,
    verify,
)
from ledger_proto.v1 import events_pb2
from tests.ledger import Serving, lines, transfer

JOURNAL = "main"


class Bench:
    """A journal, its server, and its owner's connection to its database."""

    def __init__(self, server: Serving, ledger: LedgerClient, owner: Any) -> None:
        self.server = server
        self.ledger = ledger
        self.database = owner
        self.posted: list[UUID] = []

    @classmethod
    async def open(cls, server: Serving, ledger: LedgerClient, dsn: str) -> Self:
        connection = await asyncpg.connect(dsn)
        # Who owns the database can take its guards away: no trigger prevents what follows.
        for table in await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = current_schema()::regnamespace"
        ):
            await connection.execute(f'ALTER TABLE "{table["relname"]}" DISABLE TRIGGER USER')
        made = cls(server, ledger, connection)
        await server.ledger.open("cash", "income", "rent")
        await made.fill()
        await made.sign()
        return made

    async def close(self) -> None:
        await self.database.close()

    async def fill(self) -> None:
        """Post, hold, capture, release and take back; rename an account."""
        for number in range(1, 6):
            await self.post(f"{number}.50")
        await self.server.ledger.post(
            lines(
                "DEBIT cash 7.00 USD",
                "CREDIT income 7.00 USD",
                "DEBIT rent 900 JPY PENDING",
                "CREDIT cash 900 JPY PENDING",
                "DEBIT rent 0.00000001 BTC ENCUMBRANCE",
                "CREDIT cash 0.00000001 BTC ENCUMBRANCE",
                effective_date="2025-12-31",
            )
        )
        for final in (False, True):
            hold = new_id()
            await self.ledger.place_hold(JOURNAL, "TRANSFER", legs("10.00"), hold_id=hold)
            await self.ledger.capture_hold(JOURNAL, hold, params=legs("4.00"), final=final)
            if not final:
                await self.ledger.release_hold(JOURNAL, hold)
        await self.ledger.place_hold(JOURNAL, "TRANSFER", legs("3.00"))
        first, second = self.posted[-5:-3]
        day = dt.date(2026, 3, 1)
        await self.ledger.reverse_transaction(
            JOURNAL, first, effective_date=day, params=legs("0.50")
        )
        await self.ledger.reverse_transaction(JOURNAL, first, effective_date=day)
        await self.ledger.reverse_transaction(JOURNAL, second, effective_date=day)
        await self.ledger.update_account(JOURNAL, "rent", name="Rent of the office")

    async def post(self, amount: str, **fields: Any) -> int:
        """Post a transfer from income to cash and return its sequence."""
        answer = await self.server.ledger.post(
            transfer(amount=amount, description=f"{amount} for Mrs Jones", **fields)
        )
        self.posted.append(UUID(answer.transaction.id))
        return answer.transaction.sequence

    async def sign(self) -> SignedCheckpoint:
        """Have the tree brought up to the head and return the checkpoint signed."""
        await self.server.app.checkpointer.look()
        return await self.checkpoint()

    async def checkpoint(self) -> SignedCheckpoint:
        received = await self.ledger.get_checkpoint(JOURNAL)
        return SignedCheckpoint.parse(received.note)

    async def key(self) -> VerifierKey:
        received = await anext(aiter(self.ledger.list_checkpoints(JOURNAL)))
        return VerifierKey.parse(received.verifier_key)

    async def verify(self, **asked: Any) -> Report:
        """Verify with the key, as a stranger would."""
        return await verify(self.ledger, JOURNAL, Asked(key=await self.key(), **asked))

    async def finding(self, **asked: Any) -> Finding:
        """Verify what must be found wrong."""
        with pytest.raises(WrongError) as caught:
            await self.verify(**asked)
        return caught.value.finding

    async def execute(self, statement: str, *values: object) -> None:
        status = await self.database.execute(statement, *values)
        assert not status.endswith(" 0"), f"nothing was changed: {status}"

    @contextlib.asynccontextmanager
    async def changed_event(self, sequence: int) -> AsyncIterator[events_pb2.Event]:
        """Give an event to change; its open part is stored again afterwards."""
        payload = await self.database.fetchval(
            "SELECT payload FROM events WHERE sequence = $1", sequence
        )
        event = events_pb2.Event.FromString(payload)
        yield event
        changed = event.SerializeToString()
        assert changed != payload
        await self.execute("UPDATE events SET payload = $2 WHERE sequence = $1", sequence, changed)

    async def sequence_of(self, kind: str, nth: int = 0) -> int:
        """Return the sequence of an event by the field of its fact, negative from the end."""
        number = events_pb2.Event.DESCRIPTOR.fields_by_name[kind].number
        rows = await self.database.fetch(
            "SELECT sequence FROM events WHERE type = $1 ORDER BY sequence", number
        )
        sequence: int = rows[nth]["sequence"]
        return sequence

    async def head(self) -> int:
        head: int = await self.database.fetchval("SELECT sequence FROM journal_heads")
        return head


def legs(amount: str) -> dict[str, Any]:
    return {"debit": "cash", "credit": "income", "amount": Decimal(amount)}
