"""Commands and queries on approval processes."""

import datetime as dt
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.foundation.fields import (
    PAGE_SIZE_MAX,
    page_size_of,
    page_start_of,
)
from ledger_client.banking.foundation.unit import Page, Unit
from ledger_client.banking.governance import events, process, rules, tables
from ledger_client.banking.governance.errors import ProcessIdTakenError
from ledger_client.banking.governance.process import (
    Decision,
    Process,
    ProcessConcluded,
    ProcessEvent,
    ProcessStarted,
    Status,
    VoteCast,
)
from ledger_client.banking.governance.rules import AUTO_APPROVAL, Committee, Policy
from ledger_client.banking.governance.settings import GovernanceSettings

#: Processes that expire in one transaction.
EXPIRED_AT_ONCE_MAX: Final = 100


async def start(
    unit: Unit, process_id: UUID, *, process_type: str, target_ref: str, initiator: str
) -> Process:
    """Start a process by the rules that its type has now; one that was started stays as it is.

    Raises:
        ProcessIdTakenError: something else has the id.
    """
    known = await unit.find(Process, process_id)
    if known is None and await tables.is_used(unit, process_id):
        raise ProcessIdTakenError(process_id)
    policy = await unit.find(Policy, rules.policy_id(unit.tenant, process_type))
    asked = ProcessStarted(
        process_type=process_type,
        target_ref=target_ref,
        initiator=initiator,
        rules=policy.rules if policy else AUTO_APPROVAL,
        time=unit.now,
    )
    new = known or Process(id=process_id, tenant=unit.tenant)
    committee = None if known else await _committee_of(unit, asked.rules.committee_id)
    allowed = unit.settings(GovernanceSettings).allow_auto_approval
    happened = process.start(new, asked, committee, allow_auto_approval=allowed)
    return await _record(unit, new, happened)


async def vote(unit: Unit, process_id: UUID, decision: Decision, reason: str) -> Process:
    """Cast the caller's vote; `reason` is empty for an approval.

    Raises:
        EntityNotFoundError: the tenant has no such process.
        BankError: `process.vote` refuses it.
    """
    known = await unit.load(Process, process_id)
    committee = await _committee_of(unit, known.rules.committee_id)
    happened = process.vote(
        known,
        committee,
        subject=unit.cause.subject,
        decision=decision,
        reason=reason,
        now=unit.now,
    )
    return await _record(unit, known, happened)


async def judge_open(unit: Unit, committee: Committee) -> None:
    """Judge what a committee has to decide by its members as they are now.

    Args:
        unit: holds the committee.
        committee: as it is after the change.
    """
    for known in await _in_order(unit, await tables.open_of_committee(unit, committee.id)):
        await _record(unit, known, process.judge(known, committee, unit.now))


async def expire_due(unit: Unit, now: dt.datetime) -> bool:
    """End processes whose time is over; return True if there may be more."""
    due = await tables.due(unit, now, EXPIRED_AT_ONCE_MAX)
    for known in await _in_order(unit, due):
        await _record(unit, known, process.expire(known, now))
    return len(due) == EXPIRED_AT_ONCE_MAX


async def waiting_for_caller(
    unit: Unit, process_type: str, page_size: int, page_token: str
) -> Page:
    """Return a page of the processes that wait for the caller's vote, oldest first.

    Raises:
        FieldInvalidError: the page's size or token is not one.
    """
    size, after = page_size_of(page_size), page_start_of(page_token)
    subject = unit.cause.subject
    committees = {
        each.id: user_id
        for each in await unit.all_of(Committee)
        for user_id in each.members
        if process.subject_of(user_id) == subject
    }
    items: list[Process] = []
    while True:
        rows = await tables.open_of_committees(
            unit, [*committees], process_type, after, PAGE_SIZE_MAX
        )
        for known in await _in_order(unit, list(rows)):
            committee_id = known.rules.committee_id
            assert committee_id is not None, "only a committee has open processes"
            if not process.waits_for(known, committees[committee_id], unit.now):
                continue
            if len(items) == size:
                return Page(items, str(after))
            items.append(known)
            after = rows[known.id]
        if len(rows) < PAGE_SIZE_MAX:
            return Page(items, "")
        after = max(rows.values())


async def _committee_of(unit: Unit, committee_id: UUID | None) -> Committee | None:
    return None if committee_id is None else await tables.shared_committee(unit, committee_id)


async def _in_order(unit: Unit, ids: Sequence[UUID]) -> list[Process]:
    found = await unit.find_many(Process, ids)
    return [found[process_id] for process_id in ids]


async def _record(unit: Unit, known: Process, happened: Sequence[ProcessEvent]) -> Process:
    """Have events happen to a process, and tell the world of them."""
    is_new = known.version == 0
    now = unit.change(known, *happened)
    if is_new and now.is_pending:
        await tables.note_open(unit, now)
    elif known.is_pending and not now.is_pending and not is_new:
        await tables.note_closed(unit, now)
    for event in happened:
        _tell(unit, now, event)
    return now


def _tell(unit: Unit, after: Process, event: ProcessEvent) -> None:
    match event:
        case ProcessStarted():
            told = events.ApprovalProcessStarted(
                id=after.id,
                process_type=after.process_type,
                target_ref=after.target_ref,
                committee_id=after.rules.committee_id,
                threshold=after.rules.threshold,
                expires_at=after.expires_at,
            )
            unit.publish(told, about=after.id)
        case VoteCast():
            cast = events.VoteCast(
                id=after.id,
                process_type=after.process_type,
                voter_id=event.voter,
                decision=event.decision.value,
            )
            unit.publish(cast, about=after.id)
        case ProcessConcluded():
            concluded = events.ApprovalProcessConcluded(
                id=after.id,
                process_type=after.process_type,
                approved=event.status is Status.APPROVED,
                denied_reason=event.denied_reason or None,
                target_ref=after.target_ref,
            )
            unit.publish(concluded, about=after.id)
