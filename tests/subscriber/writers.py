"""Writers who do everything that makes events, at random."""

import asyncio
import contextlib
import datetime as dt
import random
from decimal import Decimal
from uuid import UUID

from ledger_client import Direction, LedgerClient, LedgerError, UnavailableError
from ledger_client.templates import library

ACCOUNTS = [f"account-{number}" for number in range(6)]
CURRENCIES = ["USD", "JPY"]


async def open_books(client: LedgerClient) -> None:
    """Create the journal, its accounts and the template TRANSFER."""
    await client.create_journal("main")
    for code in ACCOUNTS:
        await client.create_account("main", code, normal_side=Direction.DEBIT)
    (transfer,) = (one for one in library() if one.template.code == "TRANSFER")
    await client.create_tx_template("main", transfer.template)


class Writer:
    """Posts, holds, captures, releases, reverses, and changes accounts, on one server."""

    def __init__(self, client: LedgerClient, seed: int) -> None:
        self.done = 0
        self._client = client
        self._choose = random.Random(seed)  # repeatable
        self._holds: list[UUID] = []
        self._posted: list[UUID] = []

    async def write(self, calls: int) -> None:
        """Make so many calls; some are refused, which is the books' right."""
        kinds = [self._post, self._hold, self._capture, self._release, self._reverse, self._change]
        for _ in range(calls):
            (kind,) = self._choose.choices(kinds, [8, 4, 3, 1, 1, 1])
            try:
                await kind()
                self.done += 1
            except UnavailableError:
                await asyncio.sleep(0.2)
            except LedgerError:
                pass

    def _params(self) -> dict[str, str | Decimal]:
        giver, taker = self._choose.sample(ACCOUNTS, 2)
        return {
            "from": giver,
            "to": taker,
            "amount": Decimal(self._choose.randint(1, 99)),
            "currency": self._choose.choice(CURRENCIES),
        }

    async def _post(self) -> None:
        result = await self._client.post("main", "TRANSFER", self._params())
        self._posted.append(result.transaction.id)

    async def _hold(self) -> None:
        expire_time = None
        if self._choose.random() < 0.3:
            expire_time = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
        result = await self._client.place_hold(
            "main", "TRANSFER", self._params(), expire_time=expire_time
        )
        self._holds.append(result.hold.id)

    async def _capture(self) -> None:
        if self._holds:
            hold = self._choose.choice(self._holds)
            part = {"amount": Decimal(1)} if self._choose.random() < 0.5 else None
            await self._client.capture_hold("main", hold, part)

    async def _release(self) -> None:
        if self._holds:
            await self._client.release_hold("main", self._holds.pop(0))

    async def _reverse(self) -> None:
        if self._posted:
            today = dt.datetime.now(dt.UTC).date()
            await self._client.reverse_transaction(
                "main", self._posted.pop(0), effective_date=today
            )

    async def _change(self) -> None:
        account = self._choose.choice(ACCOUNTS)
        name = f"name {self._choose.randint(1, 1000)}"
        await self._client.update_account("main", account, name=name)
        if self._choose.random() < 0.3:
            await self._client.lock_account("main", account, allow_hold_ends=True)
            with contextlib.suppress(UnavailableError):
                await self._client.unlock_account("main", account)
