"""When a day ends: pure."""

import dataclasses
import datetime as dt
import zoneinfo
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, TypeAdapter

from ledger_client.banking.foundation.entity import Entity, StoredEvent
from ledger_client.banking.foundation.errors import FieldInvalidError

ONE_DAY: Final = dt.timedelta(days=1)


class Opened(StoredEvent):
    """The calendar begins with a day."""

    type: Literal["opened"] = "opened"
    day: dt.date


class ClosingSet(StoredEvent):
    """Days end at another hour."""

    type: Literal["closing-set"] = "closing-set"
    closing_time: dt.time
    timezone: str


class DayEnded(StoredEvent):
    """The open day has ended, and the next is open."""

    type: Literal["day-ended"] = "day-ended"
    day: dt.date


CalendarEvent = Annotated[Opened | ClosingSet | DayEnded, Field(discriminator="type")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Calendar(Entity[Any]):
    """The days of a tenant's bank."""

    KIND: ClassVar = "calendar"
    EVENTS: ClassVar = TypeAdapter(CalendarEvent)

    #: That is open.
    business_day: dt.date = dt.date.min
    closing_time: dt.time = dt.time(0, 0)
    timezone: str = "UTC"

    def apply(self, event: CalendarEvent) -> Self:
        """Return the calendar after an event."""
        match event:
            case Opened():
                return dataclasses.replace(self, business_day=event.day)
            case ClosingSet():
                return dataclasses.replace(
                    self, closing_time=event.closing_time, timezone=event.timezone
                )
            case DayEnded():
                return dataclasses.replace(self, business_day=event.day + ONE_DAY)

    @property
    def closes_at(self) -> dt.datetime:
        """When the open day ends, in UTC."""
        return closing_of(self.business_day, self.closing_time, self.timezone)


def closing_of(day: dt.date, closing_time: dt.time, timezone: str) -> dt.datetime:
    """Return when a day ends, in UTC; midnight is the one after the day.

    An hour that the clocks skip that day is taken as if they had not been put forward yet; of an
    hour that comes twice, the first is taken.
    """
    on = day + ONE_DAY if closing_time == dt.time(0, 0) else day
    local = dt.datetime.combine(on, closing_time, tzinfo=zoneinfo.ZoneInfo(timezone))
    return local.astimezone(dt.UTC)


def day_at(now: dt.datetime, closing_time: dt.time, timezone: str) -> dt.date:
    """Return the day that is open at a time."""
    day = now.astimezone(zoneinfo.ZoneInfo(timezone)).date()
    for candidate in (day - ONE_DAY, day):
        if now < closing_of(candidate, closing_time, timezone):
            return candidate
    return day + ONE_DAY


def set_closing(calendar: Calendar, closing_time: str, timezone: str) -> list[StoredEvent]:
    """Return what happens when a tenant sets its closing.

    Raises:
        FieldInvalidError: the hour or the zone is not one.
    """
    try:
        hour = dt.datetime.strptime(closing_time, "%H:%M").time()  # noqa: DTZ007  # a local hour
    except ValueError as error:
        raise FieldInvalidError("closing_time", "must be an hour such as 18:30") from error
    if timezone not in zoneinfo.available_timezones():
        raise FieldInvalidError("timezone", "must be an IANA name such as Europe/Vienna")
    if (hour, timezone) == (calendar.closing_time, calendar.timezone):
        return []
    return [ClosingSet(closing_time=hour, timezone=timezone)]


def end_of_day(calendar: Calendar, now: dt.datetime) -> DayEnded | None:
    """Return the end of the open day if it has come."""
    return DayEnded(day=calendar.business_day) if now >= calendar.closes_at else None
