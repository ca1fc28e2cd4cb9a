"""PeriodService: days closed, locked and opened again."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from ledger_proto.v1 import events_pb2
from ledger_proto.v1 import periods_pb2 as pb
from tests.api.calls import Ledger, reason, refused
from tests.books import Books

NONE = ("", "")


def close(through: str, **fields: Any) -> pb.ClosePeriodRequest:
    fields = {"journal": "main", "reason": "month end"} | fields
    return pb.ClosePeriodRequest(through=through, **fields)


def reopen(through: str, **fields: Any) -> pb.ReopenPeriodRequest:
    fields = {"journal": "main", "reason": "an invoice came late"} | fields
    return pb.ReopenPeriodRequest(through=through, **fields)


async def current(ledger: Ledger, journal: str = "main") -> pb.Period:
    answer = await ledger.periods.GetPeriod(pb.GetPeriodRequest(journal=journal))
    return answer.period


async def changes(ledger: Ledger, **fields: Any) -> pb.ListPeriodChangesResponse:
    request = pb.ListPeriodChangesRequest(journal="main", **fields)
    return await ledger.periods.ListPeriodChanges(request)


def days(period: pb.Period) -> tuple[str, str]:
    return period.closed_through, period.locked_through


async def last_event(books: Books) -> events_pb2.Event:
    payload = await books.connection.fetchval(
        "SELECT payload FROM events ORDER BY sequence DESC LIMIT 1"
    )
    return events_pb2.Event.FromString(payload)


async def test_every_day_is_open_at_first(ledger: Ledger) -> None:
    assert await current(ledger) == pb.Period()
    assert await changes(ledger) == pb.ListPeriodChangesResponse()


async def test_a_close_tells_who_when_and_why(ledger: Ledger, books: Books) -> None:
    await ledger.create_account("a")
    period = (await ledger.periods.ClosePeriod(close("2026-01-31"))).period
    assert days(period) == ("2026-01-31", "2026-01-31")
    assert (period.reason, period.actor) == ("month end", "")
    assert period.change_time.seconds > 0
    assert period.sequence == await ledger.head() == 3
    assert await current(ledger) == period
    assert (await last_event(books)).period_changed.period == period
    stored = await books.connection.fetchrow("SELECT sequence, type FROM events WHERE type = 30")
    assert stored["sequence"] == period.sequence, "the row and the event have one sequence"
    version = await books.connection.fetchval("SELECT config_version FROM journal_heads")
    assert version == 2, "servers that decide postings hear of it"


#: The calls in order, and closed and locked through after each; a reason where it is refused.
STORY: list[tuple[str, str, bool, tuple[str, str] | str]] = [
    ("reopen", "", False, "PERIOD_ORDER"),
    ("reopen", "", True, "PERIOD_ORDER"),
    ("close", "2026-01-20", True, ("", "2026-01-20")),
    ("close", "2026-01-20", True, "PERIOD_ORDER"),
    ("reopen", "2026-01-10", False, "PERIOD_ORDER"),
    ("close", "2026-01-10", False, ("2026-01-10", "2026-01-20")),
    ("close", "2026-01-10", False, "PERIOD_ORDER"),
    ("close", "2026-01-15", True, "PERIOD_ORDER"),
    ("reopen", "2026-01-15", True, ("2026-01-10", "2026-01-15")),
    ("reopen", "2026-01-09", True, "PERIOD_ORDER"),
    ("reopen", "", True, "PERIOD_ORDER"),
    ("close", "2026-01-31", False, ("2026-01-31", "2026-01-31")),
    ("close", "2026-02-28", True, ("2026-01-31", "2026-02-28")),
    ("reopen", "2026-01-31", False, "PERIOD_ORDER"),
    ("reopen", "2026-01-12", False, ("2026-01-12", "2026-01-12")),
    ("reopen", "", False, NONE),
    ("close", "2026-01-05", False, ("2026-01-05", "2026-01-05")),
]


async def test_closing_goes_forwards_and_opening_backwards(ledger: Ledger) -> None:
    expected: list[tuple[str, str]] = []
    for call, through, soft, outcome in STORY:
        answer: Any = (
            ledger.periods.ClosePeriod(close(through, soft=soft))
            if call == "close"
            else ledger.periods.ReopenPeriod(reopen(through, soft=soft))
        )
        if isinstance(outcome, str):
            assert await reason(answer) == outcome, (call, through, soft)
        else:
            assert days((await answer).period) == outcome, (call, through, soft)
            expected.append(outcome)
        assert days(await current(ledger)) == (expected[-1] if expected else NONE)
    assert [days(period) for period in (await changes(ledger)).changes] == expected[::-1]
    assert await ledger.head() == 1 + len(expected), "what is refused leaves no event"


async def test_a_refusal_tells_what_is_closed(ledger: Ledger) -> None:
    await ledger.periods.ClosePeriod(close("2026-01-31"))
    await ledger.periods.ClosePeriod(close("2026-02-28", soft=True))
    refusal = await refused(ledger.periods.ClosePeriod(close("2026-01-31")))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.facts == {
        "rule": "a close must go further than the last one",
        "through": "2026-01-31",
        "closed_through": "2026-01-31",
        "locked_through": "2026-02-28",
    }


async def test_refuses_ill_formed_requests(ledger: Ledger) -> None:
    ill_formed: list[tuple[Callable[[Any], Any], Any, str]] = [
        (ledger.periods.ClosePeriod, close(""), "through"),
        (ledger.periods.ClosePeriod, close("2026-1-1"), "through"),
        (ledger.periods.ClosePeriod, close("2026-02-30"), "through"),
        (ledger.periods.ClosePeriod, close("9999-12-31"), "through"),
        (ledger.periods.ClosePeriod, close("2026-01-31", reason=""), "reason"),
        (ledger.periods.ClosePeriod, close("2026-01-31", reason=" \n"), "reason"),
        (ledger.periods.ClosePeriod, close("2026-01-31", reason="x" * 1_025), "reason"),
        (ledger.periods.ClosePeriod, close("2026-01-31", reason="\0"), "reason"),
        (ledger.periods.ClosePeriod, close("2026-01-31", journal=""), "journal"),
        (ledger.periods.ClosePeriod, close("2026-01-31", request_id="x" * 65), "request_id"),
        (ledger.periods.ReopenPeriod, reopen("31.1.2026"), "through"),
        (ledger.periods.ReopenPeriod, reopen("", reason=""), "reason"),
        (ledger.periods.GetPeriod, pb.GetPeriodRequest(), "journal"),
        (
            ledger.periods.ListPeriodChanges,
            pb.ListPeriodChangesRequest(journal="main", page_size=-1),
            "page_size",
        ),
    ]
    for call, request, field in ill_formed:
        refusal = await refused(call(request))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [field]), request
    nowhere: list[tuple[Callable[[Any], Any], Any]] = [
        (ledger.periods.ClosePeriod, close("2026-01-31", journal="x")),
        (ledger.periods.ReopenPeriod, reopen("", journal="x")),
        (ledger.periods.GetPeriod, pb.GetPeriodRequest(journal="x")),
        (ledger.periods.ListPeriodChanges, pb.ListPeriodChangesRequest(journal="x")),
    ]
    for call, request in nowhere:
        assert await reason(call(request)) == "JOURNAL_NOT_FOUND"
    assert await ledger.head() == 1


async def test_request_ids(ledger: Ledger) -> None:
    request = close("2026-01-31", request_id="r1")
    answers = await asyncio.gather(*(ledger.periods.ClosePeriod(request) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert await ledger.head() == 2
    opening = reopen("2026-01-15", request_id="r2")
    first = await ledger.periods.ReopenPeriod(opening)
    await ledger.periods.ReopenPeriod(reopen(""))
    assert await ledger.periods.ReopenPeriod(opening) == first, "whatever happened since"
    assert await ledger.periods.ClosePeriod(request) == answers[0]
    for other in (
        close("2026-01-31", request_id="r1", soft=True),
        close("2026-01-31", request_id="r1", reason="another"),
        close("2026-01-31", request_id="r2"),
    ):
        assert await reason(ledger.periods.ClosePeriod(other)) == "REQUEST_ID_REUSED"


async def test_one_of_many_closes_a_day(ledger: Ledger) -> None:
    answers = await asyncio.gather(
        *(ledger.periods.ClosePeriod(close("2026-01-31")) for _ in range(10)),
        return_exceptions=True,
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert len((await changes(ledger)).changes) == 1


async def test_changes_come_in_pages(ledger: Ledger) -> None:
    made = [
        (await ledger.periods.ClosePeriod(close(f"2026-01-{day:02}", reason=f"day {day}"))).period
        for day in range(1, 8)
    ]
    listed: list[pb.Period] = []
    token = ""
    for size in (3, 3, 1):
        page = await changes(ledger, page_size=3, page_token=token)
        assert len(page.changes) == size
        listed += page.changes
        token = page.next_page_token
    assert token == ""
    assert listed == made[::-1]
    assert await reason(changes(ledger, page_token="x")) == "PAGE_TOKEN_INVALID"


async def test_journals_close_by_themselves(ledger: Ledger) -> None:
    await ledger.create_journal("other")
    await ledger.periods.ClosePeriod(close("2026-01-31"))
    assert await current(ledger, "other") == pb.Period()
    await ledger.periods.ClosePeriod(close("2026-01-01", journal="other"))
