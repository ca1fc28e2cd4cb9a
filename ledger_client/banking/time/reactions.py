"""What this module does as time goes by."""

import datetime as dt

from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.time import rules
from ledger_client.banking.time.events import EndOfDay
from ledger_client.banking.time.service import TimeCommands


async def end_day(commands: TimeCommands, unit: Unit, now: dt.datetime) -> bool:
    """End the open day if its hour has come; return True if the next may have ended too."""
    calendar = await commands.open(unit)
    event = rules.end_of_day(calendar, now)
    if event is None:
        return False
    unit.change(calendar, event)
    unit.publish(
        EndOfDay(
            day=event.day,
            closing_time=calendar.closing_time.strftime("%H:%M"),
            timezone=calendar.timezone,
        ),
        about=calendar.id,
    )
    return True
