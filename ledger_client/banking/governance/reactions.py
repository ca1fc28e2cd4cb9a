"""What governance does about users who are gone, and as time goes by."""

import datetime as dt
from typing import Final
from uuid import UUID

from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.governance import service, voting

USER_REMOVED: Final = "core.access.user-removed"


async def on_event(unit: Unit, event: Envelope) -> None:
    """Take a user who was removed out of all committees."""
    if event.event_type == USER_REMOVED:
        await service.remove_user(unit, UUID(event.payload["id"]))


async def on_tick(unit: Unit, now: dt.datetime) -> bool:
    """End processes whose time is over; return True if there may be more."""
    return await voting.expire_due(unit, now)
