"""CursorService: leases and positions, also when two servers are asked at once."""

import asyncio
import datetime as dt

import asyncpg
import grpc
import pytest

from ledger_proto.v1 import cursors_pb2 as pb
from tests.api.calls import reason, refused
from tests.ledger import PostingLedger, Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

Ledgers = tuple[PostingLedger, PostingLedger]


class Follower:
    """One that asks for the cursor `c` of its journal, at one server."""

    def __init__(self, ledger: PostingLedger, holder: str) -> None:
        self._ledger = ledger
        self.holder = holder
        self.token = 0

    async def acquire(self, **fields: int) -> pb.Cursor:
        answer = await self._ledger.cursors.AcquireCursor(
            pb.AcquireCursorRequest(
                journal=self._ledger.journal, name="c", holder=self.holder, **fields
            )
        )
        self.token = answer.token
        return answer.cursor

    async def advance(self, position: int, lease_seconds: int = 0) -> pb.Cursor:
        answer = await self._ledger.cursors.AdvanceCursor(
            pb.AdvanceCursorRequest(
                journal=self._ledger.journal,
                name="c",
                token=self.token,
                position=position,
                lease_seconds=lease_seconds,
            )
        )
        return answer.cursor

    async def release(self) -> pb.Cursor:
        answer = await self._ledger.cursors.ReleaseCursor(
            pb.ReleaseCursorRequest(journal=self._ledger.journal, name="c", token=self.token)
        )
        return answer.cursor

    async def reset(self, position: int) -> pb.Cursor:
        answer = await self._ledger.cursors.ResetCursor(
            pb.ResetCursorRequest(journal=self._ledger.journal, name="c", position=position)
        )
        return answer.cursor


@pytest.fixture
def follower(posting: PostingLedger) -> Follower:
    return Follower(posting, "one")


async def listed(ledger: PostingLedger) -> list[pb.Cursor]:
    answer = await ledger.cursors.ListCursors(pb.ListCursorsRequest(journal=ledger.journal))
    return list(answer.cursors)


async def run_out(dsn: str, ledger: PostingLedger) -> None:
    """Have the leases of a journal's cursors end now, as no test waits for one."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "UPDATE cursors SET lease_expire_at = clock_timestamp() FROM journals"
            " WHERE journals.id = journal_id AND code = $1",
            ledger.journal,
        )
    finally:
        await connection.close()


async def test_is_made_moved_and_given_back(posting: PostingLedger, follower: Follower) -> None:
    made = await follower.acquire(initial_position=2)
    assert (made.name, made.position, made.holder) == ("c", 2, "one")
    lease = made.lease_expire_time.ToDatetime() - made.update_time.ToDatetime()
    assert dt.timedelta(seconds=15) <= lease < dt.timedelta(seconds=100)
    moved = await follower.advance(5, lease_seconds=300)
    assert moved.position == 5
    assert moved.lease_expire_time.seconds > made.lease_expire_time.seconds + 200
    assert await listed(posting) == [moved]
    back = await follower.release()
    assert (back.position, back.holder, back.HasField("lease_expire_time")) == (5, "", False)
    assert await follower.release() == back
    again = await follower.acquire(initial_position=1)
    assert again.position == 5, "the initial position is for a new cursor"


async def test_keeps_others_away(dsn: str, posting: PostingLedger, follower: Follower) -> None:
    other = Follower(posting, "two")
    held = await follower.acquire(lease_seconds=300)
    first = follower.token
    refusal = await refused(other.acquire())
    assert (refusal.reason, refusal.code) == ("CURSOR_HELD", grpc.StatusCode.FAILED_PRECONDITION)
    assert refusal.facts["holder"] == "one"
    told = dt.datetime.fromisoformat(refusal.facts["lease_expire_time"])
    assert told == held.lease_expire_time.ToDatetime(tzinfo=dt.UTC)
    assert await reason(follower.reset(0)) == "CURSOR_HELD"
    await follower.acquire(token=first)
    assert follower.token == first
    await run_out(dsn, posting)
    (seen,) = await listed(posting)
    assert (seen.holder, seen.HasField("lease_expire_time")) == ("", False)
    await follower.advance(1)
    await run_out(dsn, posting)
    await other.acquire()
    assert other.token > first
    refusal = await refused(follower.advance(2))
    assert (refusal.reason, refusal.code) == ("CURSOR_LOST", grpc.StatusCode.FAILED_PRECONDITION)
    assert (await follower.release()).holder == "two", "an old token gives nothing back"


async def test_a_reset_ends_the_holding(
    dsn: str, posting: PostingLedger, follower: Follower
) -> None:
    await follower.acquire()
    await follower.advance(4)
    await run_out(dsn, posting)
    assert (await follower.reset(1)).position == 1
    assert await reason(follower.advance(5)) == "CURSOR_LOST"


async def test_what_is_refused(posting: PostingLedger, follower: Follower) -> None:
    assert await reason(follower.advance(0)) == "CURSOR_NOT_FOUND"
    assert await reason(follower.release()) == "CURSOR_NOT_FOUND"
    assert await reason(follower.reset(0)) == "CURSOR_NOT_FOUND"
    assert await reason(follower.acquire(initial_position=100)) == "POSITION_UNAVAILABLE"
    assert await listed(posting) == []
    head = await posting.head()
    await follower.acquire(initial_position=head)
    assert await reason(follower.advance(head + 1)) == "POSITION_UNAVAILABLE"
    assert (await refused(follower.advance(head - 1))).fields == ["position"]
    assert (await refused(follower.advance(-1))).fields == ["position"]
    assert (await refused(follower.acquire(lease_seconds=301))).fields == ["lease_seconds"]
    assert (await refused(follower.acquire(initial_position=-1))).fields == ["initial_position"]
    await follower.release()
    assert await reason(follower.reset(head + 1)) == "POSITION_UNAVAILABLE"


@pytest.mark.parametrize("name", ["", "a" * 256, "a\nb", "a\0b"])
async def test_names_are_checked(posting: PostingLedger, name: str) -> None:
    call = posting.cursors.AcquireCursor(
        pb.AcquireCursorRequest(journal=posting.journal, name=name)
    )
    assert (await refused(call)).fields == ["name"]


async def test_are_listed_by_name(posting: PostingLedger) -> None:
    for name in ("b", "a", "c"):
        await posting.cursors.AcquireCursor(
            pb.AcquireCursorRequest(journal=posting.journal, name=name)
        )
    found: list[str] = []
    request = pb.ListCursorsRequest(journal=posting.journal, page_size=2)
    while True:
        page = await posting.cursors.ListCursors(request)
        found += [cursor.name for cursor in page.cursors]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == ["a", "b", "c"]


async def test_one_wins_whichever_server_is_asked(ledgers: Ledgers, dsn: str) -> None:
    """Many ask two servers at once, also for a cursor that is not there yet."""
    await ledgers[0].open()
    followers = [Follower(ledgers[number % 2], str(number)) for number in range(12)]
    tokens: list[int] = []
    for _ in range(5):
        outcomes = await asyncio.gather(
            *(each.acquire() for each in followers), return_exceptions=True
        )
        winners = [
            each
            for each, outcome in zip(followers, outcomes, strict=True)
            if isinstance(outcome, pb.Cursor)
        ]
        assert len(winners) == 1, outcomes
        tokens.append(winners[0].token)
        await run_out(dsn, ledgers[0])
    assert tokens == sorted(set(tokens)), "each holding has a token above those before"


async def test_positions_never_go_back_whichever_server_is_told(ledgers: Ledgers) -> None:
    await ledgers[0].open(*(f"account-{number}" for number in range(20)))
    one, other = (Follower(ledger, "one") for ledger in ledgers)
    await one.acquire()
    other.token = one.token
    positions = range(1, 21)
    outcomes = await asyncio.gather(
        *((one, other)[number % 2].advance(number) for number in positions),
        return_exceptions=True,
    )
    noted = [outcome.position for outcome in outcomes if isinstance(outcome, pb.Cursor)]
    (cursor,) = await listed(ledgers[0])
    assert cursor.position == max(noted) == 20


async def test_journals_do_not_share_cursors(running: Serving, posting: PostingLedger) -> None:
    other = running.ledger.of(f"{posting.journal}-other")
    await other.open()
    await Follower(posting, "one").acquire()
    assert (await Follower(other, "two").acquire()).holder == "two"
