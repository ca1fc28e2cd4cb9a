"""What each RPC of this module needs."""

from collections.abc import Mapping
from typing import Final

from ledger_client.banking.foundation.permissions import Permission

PERMISSIONS: Final[Mapping[str, Permission]] = {
    "bank.time.v1.TimeService/GetBusinessDay": Permission(
        "time_viewer", "time/calendar", "time:calendar:read"
    ),
    "bank.time.v1.TimeService/SetClosing": Permission(
        "time_writer", "time/calendar", "time:calendar:set-closing"
    ),
    "bank.time.v1.TimeService/SetClock": Permission("time_writer", "time/clock", "time:clock:set"),
}
