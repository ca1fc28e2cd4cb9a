"""How configuration changes: once for each request id, each change with its events."""

import pytest

from ledger_proto.v1 import events_pb2, journals_pb2
from ledger_server.application import mutation
from ledger_server.application.journals import create_journal, get_journal
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.errors import (
    ContentionError,
    JournalNotFoundError,
    LedgerInvariantError,
    RequestIdReusedError,
)
from ledger_server.domain.journal import Journal
from ledger_server.store import journals
from ledger_server.store.database import ConstraintError, Database, RetryError

Answer = journals_pb2.GetJournalResponse


def request(request_id: str = "", canonical: str = "") -> Request[Answer]:
    return Request(
        request_id=request_id, canonical=canonical, open_canonical=canonical, answer=Answer
    )


@pytest.fixture
async def journal(database: Database) -> Journal:
    creation = Request(
        request_id="",
        canonical="",
        open_canonical="",
        answer=journals_pb2.CreateJournalResponse,
    )
    await create_journal(database, creation, code="main", name="main", time_zone="UTC")
    return await get_journal(database, "main")


class Counting:
    """Work that counts its runs, records events and fails as often as told."""

    def __init__(self, *failures: Exception, events: int = 1, config_changed: bool = False) -> None:
        self.runs = 0
        self._failures = list(failures)
        self._events = events
        self._config_changed = config_changed

    async def __call__(self, change: Change) -> Answer:
        self.runs += 1
        change.config_changed = self._config_changed
        for _ in range(self._events):
            change.record(events_pb2.Event(journal_created=events_pb2.JournalCreated()))
        if self._failures:
            raise self._failures.pop()
        return Answer(journal=journals_pb2.Journal(code=f"run {self.runs}"))


async def head(database: Database, journal: Journal) -> tuple[int, int]:
    async with database.transaction() as tx:
        found = await journals.read_head_in_tx(tx, journal.id)
    return found.sequence, found.config_version


async def test_each_event_takes_a_sequence(database: Database, journal: Journal) -> None:
    assert await head(database, journal) == (1, 1)
    await change_journal(database, journal, request(), Counting(events=3))
    assert await head(database, journal) == (4, 1)
    await change_journal(database, journal, request(), Counting(config_changed=True))
    assert await head(database, journal) == (5, 2)


async def test_a_change_without_events_changes_nothing(
    database: Database, journal: Journal
) -> None:
    await change_journal(database, journal, request(), Counting(events=0, config_changed=True))
    assert await head(database, journal) == (1, 1)


async def test_a_change_knows_the_version_that_it_brings_about(
    database: Database, journal: Journal
) -> None:
    """The journal was read before the lock, and others may have changed it since."""
    seen = []

    async def work(change: Change) -> Answer:
        seen.append(change.next_config_version)
        return await Counting(config_changed=True)(change)

    for _ in range(2):
        await change_journal(database, journal, request(), work)
    assert seen == [2, 3]


async def test_the_same_request_runs_once(database: Database, journal: Journal) -> None:
    work = Counting()
    answers = [await change_journal(database, journal, request("r"), work) for _ in range(3)]
    assert work.runs == 1
    assert all(answer == answers[0] for answer in answers)
    with pytest.raises(RequestIdReusedError):
        await change_journal(database, journal, request("r", "another"), work)
    await change_journal(database, journal, request(), work)
    await change_journal(database, journal, request(), work)
    assert work.runs == 3, "without an id each is a request of its own"


async def test_a_refusal_leaves_nothing(database: Database, journal: Journal) -> None:
    work = Counting(JournalNotFoundError("x"))
    with pytest.raises(JournalNotFoundError):
        await change_journal(database, journal, request("r"), work)
    assert await head(database, journal) == (1, 1)
    await change_journal(database, journal, request("r"), work)
    assert work.runs == 2, "a refusal is not remembered"


async def test_runs_again_when_others_were_in_the_way(database: Database, journal: Journal) -> None:
    work = Counting(RetryError(), RetryError())
    answer = await change_journal(database, journal, request("r"), work)
    assert answer.journal.code == "run 3"
    assert await head(database, journal) == (2, 1)

    endless = Counting(*[RetryError()] * 99)
    with pytest.raises(ContentionError):
        await change_journal(database, journal, request(), endless)
    assert endless.runs == mutation.ATTEMPTS_MAX


async def test_a_guard_that_refuses_is_a_contradiction(
    database: Database, journal: Journal
) -> None:
    with pytest.raises(LedgerInvariantError) as refusal:
        await change_journal(database, journal, request(), Counting(ConstraintError("guard")))
    assert refusal.value.constraint == "guard"
