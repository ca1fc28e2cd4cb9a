"""The domain event of this module."""

import datetime as dt
from typing import ClassVar

from ledger_client.banking.foundation.events import DomainEvent


class EndOfDay(DomainEvent):
    """A day of the bank has ended."""

    TYPE: ClassVar = "core.time.end-of-day"

    day: dt.date
    #: "HH:MM", in the time zone.
    closing_time: str
    #: IANA name.
    timezone: str
