"""Commands and queries of this module."""

import datetime as dt

from ledger_client.banking.foundation.clock import Clock, ManualClock
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.time import rules
from ledger_client.banking.time.errors import ClockNotManualError
from ledger_client.banking.time.rules import Calendar


class TimeCommands:
    """The calendar of each tenant."""

    def __init__(self, clock: Clock) -> None:
        """Take the bank's clock."""
        self._clock = clock

    async def open(self, unit: Unit) -> Calendar:
        """Open the calendar on the day that it is now, if it is not open yet."""
        calendar = await unit.find(Calendar, derived_id(unit.tenant, "calendar"))
        if calendar is not None:
            return calendar
        new = Calendar(id=derived_id(unit.tenant, "calendar"), tenant=unit.tenant)
        day = rules.day_at(unit.now, new.closing_time, new.timezone)
        return unit.change(new, rules.Opened(day=day))

    async def set_closing(self, unit: Unit, closing_time: str, timezone: str) -> Calendar:
        """Have days end at another hour, from the open one on."""
        calendar = await self.open(unit)
        return unit.change(calendar, *rules.set_closing(calendar, closing_time, timezone))

    def set_clock(self, now: dt.datetime) -> dt.datetime:
        """Set the manual clock.

        Raises:
            ClockNotManualError: the clock is the machine's.
            FieldInvalidError: the time has passed.
        """
        if not isinstance(self._clock, ManualClock):
            raise ClockNotManualError
        try:
            self._clock.set(now)
        except ValueError as error:
            raise FieldInvalidError("now", str(error)) from error
        return self._clock.now()
