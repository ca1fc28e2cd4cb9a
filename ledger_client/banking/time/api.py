"""From the contract's messages to commands and queries, and back."""

from bank_proto.time.v1 import time_pb2 as pb
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.timestamps import time_of, timestamp_of
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.time.rules import Calendar
from ledger_client.banking.time.service import TimeCommands


class TimeApi:
    """`bank.time.v1.TimeService`."""

    def __init__(self, commands: TimeCommands) -> None:
        """Hand over to commands."""
        self._commands = commands

    async def GetBusinessDay(
        self, unit: Unit, _request: pb.GetBusinessDayRequest
    ) -> pb.GetBusinessDayResponse:
        """Return the open day."""
        calendar = await self._commands.open(unit)
        return pb.GetBusinessDayResponse(
            calendar=calendar_message(calendar), now=timestamp_of(unit.now)
        )

    async def SetClosing(self, unit: Unit, request: pb.SetClosingRequest) -> Calendar:
        """Have days end at another hour."""
        return await self._commands.set_closing(unit, request.closing_time, request.timezone)

    async def SetClock(self, _unit: Unit, request: pb.SetClockRequest) -> pb.SetClockResponse:
        """Set the manual clock."""
        if not request.HasField("now"):
            raise FieldInvalidError("now", "is required")
        now = self._commands.set_clock(time_of("now", request.now))
        return pb.SetClockResponse(now=timestamp_of(now))


def calendar_message(calendar: Calendar) -> pb.Calendar:
    """Show a calendar."""
    return pb.Calendar(
        id=str(calendar.id),
        business_day=calendar.business_day.isoformat(),
        closes_at=timestamp_of(calendar.closes_at),
        closing_time=calendar.closing_time.strftime("%H:%M"),
        timezone=calendar.timezone,
    )
