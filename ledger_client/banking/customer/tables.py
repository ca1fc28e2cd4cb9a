"""The module's own tables. Statements only; decides nothing.

All run on the connection of a unit, in its transaction.
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.customer.rules import Customer
from ledger_client.banking.foundation.unit import Unit

# A new customer was last active when it was created.
_SAVE_CUSTOMER: Final = """
INSERT INTO customers (customer_id, tenant, customer_type, kyc_verification, activity,
                       last_activity_at)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (customer_id) DO UPDATE SET kyc_verification = $4, activity = $5"""
_LIST_CUSTOMERS: Final = """
SELECT customer_id, number FROM customers
 WHERE tenant = $1 AND number > $2 AND ($3 = '' OR customer_type = $3)
   AND ($4 = '' OR kyc_verification = $4) AND ($5 = '' OR activity = $5)
 ORDER BY number LIMIT $6"""
_LAST_ACTIVITY: Final = """
SELECT last_activity_at FROM customers WHERE tenant = $1 AND customer_id = $2"""
_TOUCH: Final = """
UPDATE customers SET last_activity_at = $3
 WHERE tenant = $1 AND customer_id = $2 AND last_activity_at < $3"""
# The bounds are those of `rules.classify`: active after $2, suspended before $3. Locked in the
# order of ids, as all that change several customers do.
_MISCLASSIFIED: Final = """
SELECT customer_id, last_activity_at FROM customers
 WHERE tenant = $1
   AND (   (activity = 'active' AND last_activity_at <= $2)
        OR (activity = 'inactive' AND last_activity_at > $2)
        OR (activity = 'inactive' AND last_activity_at < $3)
        OR (activity = 'suspended' AND last_activity_at >= $3))
 ORDER BY customer_id LIMIT $4 FOR UPDATE"""
_SAVE_HOLDER: Final = """
INSERT INTO account_holders (tenant, deposit_account_id, customer_id) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING"""
_HOLDER: Final = """
SELECT customer_id FROM account_holders WHERE tenant = $1 AND deposit_account_id = $2"""
_PUT_IN_INBOX: Final = """
INSERT INTO webhook_inbox (delivery_id, tenant, body, due_at) VALUES ($1, $2, $3, $4)"""
# Of several instances each takes another delivery.
_TAKE_DUE: Final = """
SELECT delivery_id, body FROM webhook_inbox
 WHERE tenant = $1 AND due_at <= $2 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
_RESCHEDULE: Final = """
UPDATE webhook_inbox SET due_at = $2, settled_at = $3 WHERE delivery_id = $1"""
_PURGE_INBOX: Final = "DELETE FROM webhook_inbox WHERE tenant = $1 AND settled_at < $2"
_FOLDER: Final = "SELECT folder FROM document_folders WHERE tenant = $1"
_MAKE_FOLDER: Final = """
INSERT INTO document_folders (tenant) VALUES ($1) ON CONFLICT DO NOTHING"""
_ADD_DAY: Final = """
INSERT INTO ended_days (tenant, day, closing_time) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"""
# One instance at a time works on the days of a tenant, the oldest first.
_TAKE_DAY: Final = """
SELECT day, closing_time, is_classified, swept_up_to,
       NOT EXISTS (SELECT FROM ended_days AS later
                    WHERE later.tenant = $1 AND later.day > ended.day) AS is_last
  FROM ended_days AS ended
 WHERE tenant = $1 ORDER BY day LIMIT 1 FOR UPDATE OF ended SKIP LOCKED"""
_NOTE_DAY: Final = """
UPDATE ended_days SET is_classified = $3, swept_up_to = $4 WHERE tenant = $1 AND day = $2"""
_END_DAY: Final = "DELETE FROM ended_days WHERE tenant = $1 AND day = $2"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndedDay:
    """A day whose work is not done yet."""

    day: dt.date
    closing_time: dt.datetime
    #: Whether all customers are in their classes.
    is_classified: bool
    #: Stored documents up to this name were looked at.
    swept_up_to: str
    #: Whether no later day has ended.
    is_last: bool


async def save_customer(unit: Unit, customer: Customer) -> None:
    """Keep what a customer is looked up by."""
    await unit.connection.execute(
        _SAVE_CUSTOMER,
        customer.id,
        customer.tenant,
        customer.customer_type.value,
        customer.kyc_verification.value,
        customer.activity.value,
        customer.created_at,
    )


async def list_customers(
    unit: Unit,
    *,
    customer_type: str,
    kyc_verification: str,
    activity: str,
    after_number: int,
    size: int,
) -> tuple[list[UUID], int | None]:
    """Return ids of a page, oldest first, and the number to go on after; None on the last page."""
    rows = await unit.connection.fetch(
        _LIST_CUSTOMERS,
        unit.tenant,
        after_number,
        customer_type,
        kyc_verification,
        activity,
        size + 1,
    )
    page = rows[:size]
    return [row["customer_id"] for row in page], page[-1]["number"] if len(rows) > size else None


async def last_activity(unit: Unit, customer_id: UUID) -> dt.datetime:
    """Return when a customer that exists was last active."""
    found: dt.datetime = await unit.connection.fetchval(_LAST_ACTIVITY, unit.tenant, customer_id)
    return found


async def touch(unit: Unit, customer_id: UUID, at: dt.datetime) -> None:
    """Note that a customer was active at a time, unless it was so later."""
    await unit.connection.execute(_TOUCH, unit.tenant, customer_id, at)


async def misclassified(
    unit: Unit, *, active_after: dt.datetime, suspended_before: dt.datetime, limit: int
) -> Sequence[tuple[UUID, dt.datetime]]:
    """Return customers that are not in their class of activity, and when each was last active."""
    rows = await unit.connection.fetch(
        _MISCLASSIFIED, unit.tenant, active_after, suspended_before, limit
    )
    return [(row["customer_id"], row["last_activity_at"]) for row in rows]


async def save_holder(unit: Unit, deposit_account_id: UUID, customer_id: UUID) -> None:
    """Keep whose a deposit account is."""
    await unit.connection.execute(_SAVE_HOLDER, unit.tenant, deposit_account_id, customer_id)


async def holder(unit: Unit, deposit_account_id: UUID) -> UUID | None:
    """Return whose a deposit account is."""
    found: UUID | None = await unit.connection.fetchval(_HOLDER, unit.tenant, deposit_account_id)
    return found


async def put_in_inbox(unit: Unit, delivery_id: UUID, body: bytes) -> None:
    """Keep the bytes of a delivery, to be looked at now."""
    await unit.connection.execute(_PUT_IN_INBOX, delivery_id, unit.tenant, body, unit.now)


async def take_due(unit: Unit) -> tuple[UUID, bytes] | None:
    """Return a delivery that is due, held until the transaction ends; None if none is."""
    row = await unit.connection.fetchrow(_TAKE_DUE, unit.tenant, unit.now)
    return (row["delivery_id"], row["body"]) if row else None


async def schedule(unit: Unit, delivery_id: UUID, due_at: dt.datetime) -> None:
    """Have a delivery looked at again."""
    await unit.connection.execute(_RESCHEDULE, delivery_id, due_at, None)


async def set_aside(unit: Unit, delivery_id: UUID) -> None:
    """Have a delivery wait for a person."""
    await unit.connection.execute(_RESCHEDULE, delivery_id, None, None)


async def settle(unit: Unit, delivery_id: UUID) -> None:
    """Note that a delivery needs nothing more."""
    await unit.connection.execute(_RESCHEDULE, delivery_id, None, unit.now)


async def purge_inbox(unit: Unit, settled_before: dt.datetime) -> None:
    """Forget the bytes of deliveries that were settled before a time."""
    await unit.connection.execute(_PURGE_INBOX, unit.tenant, settled_before)


async def make_folder(unit: Unit) -> None:
    """Give a tenant a folder for documents, if it has none."""
    await unit.connection.execute(_MAKE_FOLDER, unit.tenant)


async def folder(unit: Unit) -> str:
    """Return what the storage keys of a tenant begin with."""
    found: UUID = await unit.connection.fetchval(_FOLDER, unit.tenant)
    return f"{found}/"


async def add_day(unit: Unit, day: dt.date, closing_time: dt.datetime) -> None:
    """Have the work of an ended day done."""
    await unit.connection.execute(_ADD_DAY, unit.tenant, day, closing_time)


async def take_day(unit: Unit) -> EndedDay | None:
    """Return the oldest day with work left, held until the transaction ends; None for none."""
    row = await unit.connection.fetchrow(_TAKE_DAY, unit.tenant)
    return EndedDay(**row) if row else None


async def note_day(unit: Unit, day: EndedDay) -> None:
    """Note how far the work of a day has come."""
    await unit.connection.execute(
        _NOTE_DAY, unit.tenant, day.day, day.is_classified, day.swept_up_to
    )


async def end_day(unit: Unit, day: EndedDay) -> None:
    """Note that the work of a day is done."""
    await unit.connection.execute(_END_DAY, unit.tenant, day.day)
