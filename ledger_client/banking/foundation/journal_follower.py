"""Follows a tenant's journal: what moved money has happened when the journal says so.

A batch of the stream is one transaction: it tells the module the outcomes, notes that the calls
have ended and moves the checkpoint. So an outcome is taken note of exactly once, however often the
stream is opened again and by however many instances.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from ledger_client.banking.foundation import audit, store
from ledger_client.banking.foundation.calls import Call, Outcome, OutcomeKind
from ledger_client.banking.foundation.cause import Cause
from ledger_client.banking.foundation.database import ModuleDatabase
from ledger_client.banking.foundation.dispatcher import Dispatcher, outcome_as_json
from ledger_client.banking.foundation.endings import Endings
from ledger_client.banking.foundation.entity import Entity
from ledger_client.banking.foundation.taken import Taken, call_of_row, cause_of_row
from ledger_client.banking.foundation.unit import Unit, Work
from ledger_client.client import LedgerClient
from ledger_client.models import Event, EventFilter, Transaction
from ledger_client.subscriber import (
    Connection,
    FailurePolicy,
    JournalSubscriber,
    PostgresCheckpoints,
)
from ledger_client.subscriber.postgres_checkpoints import PostgresWork

_log: Final = logging.getLogger(__name__)

#: Events that say that a transaction was recorded; each carries it.
TYPES: Final = (
    "journal.posted",
    "hold.created",
    "hold.captured",
    "hold.released",
    "transaction.reversed",
)
EVENTS_MAX: Final = 200
#: How long a batch waits for more events: callers wait for it, but a batch costs as much as several
#: events.
GATHER_SECONDS: Final = 0.02

# Locks what the calls are about: commands on the same entities wait, or are kept before what is
# read after this.
_FIND: Final = """
SELECT calls.*, settings
  FROM calls JOIN entities ON entities.id = calls.entity_id
  LEFT JOIN tenant_settings ON tenant_settings.tenant = calls.tenant
 WHERE calls.id = ANY($1) AND calls.tenant = $2 AND calls.state <> 'done'
 ORDER BY entities.id FOR UPDATE OF calls, entities"""
_ENDED: Final = """
UPDATE calls SET state = 'done', outcome = ended.outcome
  FROM unnest($1::uuid[], $2::jsonb[]) AS ended (id, outcome) WHERE calls.id = ended.id"""


class _Checkpoints(PostgresCheckpoints):
    """Tells when a unit of work is committed."""

    on_commit: Callable[[], None]

    @contextlib.asynccontextmanager
    async def work(self) -> AsyncIterator[PostgresWork]:
        """As the class it extends, then `on_commit`."""
        async with super().work() as work:
            yield work
        self.on_commit()


class JournalFollower:
    """Takes note of the outcomes of one module's calls in one tenant's journal."""

    def __init__(
        self,
        tenant: str,
        database: ModuleDatabase,
        ledger: LedgerClient,
        endings: Endings,
        dispatcher: Dispatcher,
        *,
        kinds: Sequence[type[Entity[Any]]],
        on_outcome: Callable[[Unit, Call, Outcome], Any],
        unit_of: Callable[[Any, Cause, Work], Any],
    ) -> None:
        """Follow nothing before `run`; what is not said here is as in `Dispatcher`.

        Args:
            tenant: code of the journal.
            database: of the module.
            ledger: where the journal is.
            endings: is told what ended.
            dispatcher: takes the calls that the module decided on.
            kinds: of the entities that calls are about.
            on_outcome: the module's.
            unit_of: makes the unit in which the module is told.
        """
        self._kinds = kinds
        self._on_commit = database.on_commit
        self._tenant = tenant
        self._endings = endings
        self._dispatcher = dispatcher
        self._on_outcome = on_outcome
        self._unit_of = unit_of
        self._ended: list[tuple[UUID, Entity[Any] | None]] = []
        self._new: list[Taken] = []
        checkpoints = _Checkpoints(
            database.dsn, consumer=f"bank-{database.module}", set_up=database.become
        )
        checkpoints.on_commit = self._committed
        self._subscriber = JournalSubscriber(
            ledger,
            tenant,
            checkpoints,
            filter=EventFilter(types=TYPES),
            failures=FailurePolicy(),
        )

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._subscriber.run_batches(
            self._handle, events_max=EVENTS_MAX, seconds_max=GATHER_SECONDS
        )

    async def _handle(self, events: Sequence[Event], connection: Connection) -> None:
        self._ended, self._new = [], []
        facts = {event.fact.id: event for event in events if isinstance(event.fact, Transaction)}
        rows = await connection.fetch(_FIND, list(facts), self._tenant)
        if not rows:
            return
        work = Work()
        work.settings = audit.read_settings(rows[0]["settings"])
        await self._preload(connection, rows, work)
        unit = None
        ended = []
        for row in sorted(rows, key=lambda row: facts[row["id"]].sequence):
            sequence = facts[row["id"]].sequence
            if row["state"] == "refused":
                _log.warning(
                    "%s %s was refused, and posted after all by another attempt, at %d",
                    row["kind"],
                    row["id"],
                    sequence,
                )
            unit = await self._unit_of(
                connection, cause_of_row(row, f"ledger:{self._tenant}:{sequence}"), work
            )
            outcome = Outcome(kind=OutcomeKind.DONE, sequence=sequence)
            await self._on_outcome(unit, call_of_row(row), outcome)
            ended.append((row["id"], outcome_as_json(outcome)))
        assert unit is not None, "there are rows"
        await unit.keep()
        await connection.execute(_ENDED, *zip(*ended, strict=True))
        self._ended = [(row["id"], work.known.get(row["entity_id"])) for row in rows]
        self._new = [
            Taken(call=call, cause=cause, attempts=1) for call, cause in work.changes.calls
        ]

    async def _preload(self, connection: Connection, rows: Sequence[Any], work: Work) -> None:
        """Read what the calls are about, a statement a kind instead of one a call."""
        for kind in self._kinds:
            ids = {row["entity_id"] for row in rows if row["entity_kind"] == kind.KIND}
            if ids:
                work.known |= await store.load(connection, kind, self._tenant, sorted(ids))

    def _committed(self) -> None:
        self._on_commit()
        self._endings.ended(self._ended)
        self._dispatcher.take(self._new)
        self._ended, self._new = [], []
