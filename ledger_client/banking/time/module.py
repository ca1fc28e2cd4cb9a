"""What this module consists of."""

import datetime as dt
from typing import Any

from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.time import reactions
from ledger_client.banking.time.api import TimeApi, calendar_message
from ledger_client.banking.time.events import EndOfDay
from ledger_client.banking.time.permissions import PERMISSIONS
from ledger_client.banking.time.rules import Calendar
from ledger_client.banking.time.service import TimeCommands
from ledger_client.banking.time.settings import Settings


class TimeModule:
    """The days of each tenant."""

    name = "time"
    permissions = PERMISSIONS
    entities = (Calendar,)
    events = (EndOfDay,)
    settings = Settings
    posts = False
    follows = ()
    routes = ()

    def __init__(self, context: ModuleContext) -> None:
        """Put it together."""
        self._commands = TimeCommands(context.clock)
        self.services = {"bank.time.v1.TimeService": TimeApi(self._commands)}
        self.encoders = {Calendar: calendar_message}
        self.callers: dict[str, Any] = {}

    async def set_up(self, unit: Unit) -> None:
        """Open the calendar: from this day on no end of a day is missed."""
        await self._commands.open(unit)

    async def on_outcome(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        """Make no calls."""
        raise NotImplementedError

    async def on_event(self, unit: Unit, event: Envelope) -> None:
        """Follow nobody."""
        raise NotImplementedError

    async def on_tick(self, unit: Unit, now: dt.datetime) -> bool:
        """End the open day when its hour has come."""
        return await reactions.end_day(self._commands, unit, now)


def build(context: ModuleContext) -> TimeModule:
    """Make the module."""
    return TimeModule(context)
