"""A standing limit on every account, put on and taken off between runs."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

from benchmarks.workload import ACCOUNT_COUNT, CURRENCY, JOURNAL, account_code
from ledger_client import LedgerClient
from ledger_client.models import StandingLimit

_LIMIT: Final = "OVERDRAFT"
_EVERY_ACCOUNT: Final = "customers"
_EVERY_SECOND_ACCOUNT: Final = "half of the customers"
_MEMBERS_PER_CALL: Final = 1_000
#: No transfer is refused: measured is what looking costs.
_AVAILABLE_MIN: Final = Decimal(-1_000_000_000_000)


async def prepare_limit(ledger: LedgerClient) -> None:
    """Make the limit, and sets of every and every second account for it to bind each of."""
    for name, step in ((_EVERY_ACCOUNT, 1), (_EVERY_SECOND_ACCOUNT, 2)):
        await ledger.create_account_set(JOURNAL, name)
        for start in range(1, ACCOUNT_COUNT + 1, _MEMBERS_PER_CALL):
            numbers = range(start, start + _MEMBERS_PER_CALL, step)
            await ledger.add_account_set_members(
                JOURNAL, name, accounts=[account_code(number) for number in numbers]
            )
    await ledger.create_limit(
        JOURNAL, _LIMIT, currency=CURRENCY, rule=StandingLimit(available_min=_AVAILABLE_MIN)
    )


@dataclasses.dataclass(frozen=True, slots=True)
class LimitSwitch:
    """Puts the limit on for a run."""

    address: str
    of_half: bool = False

    @contextlib.asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        """Bind every account or every second one, and let go again."""
        bound = _EVERY_SECOND_ACCOUNT if self.of_half else _EVERY_ACCOUNT
        async with LedgerClient.connect(self.address) as ledger:
            await ledger.attach_limit(JOURNAL, _LIMIT, account_set=bound)
            try:
                yield
            finally:
                await ledger.detach_limit(JOURNAL, _LIMIT, account_set=bound)
