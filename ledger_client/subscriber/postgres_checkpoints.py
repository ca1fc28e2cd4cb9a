"""A checkpoint in PostgreSQL: effects in the same database exactly once.

A unit of work is one transaction. It locks the checkpoint's row first, and its last statement
moves the position, so what the handler wrote and the position are kept together or not at all. A
second process of the same consumer waits for the row; when it comes to it, the position tells what
was handled meanwhile. If the connection is lost at the commit, nobody knows whether it happened:
the row does, and it is asked before anything is handled again.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from ledger_client.models import Journal
from ledger_client.subscriber import postgres_tables as sql
from ledger_client.subscriber.dead_letter import DeadLetter, LetterState
from ledger_client.subscriber.failures import (
    CheckpointMovedError,
    CheckpointOfOtherJournalError,
    HandlerError,
    StoreUnavailableError,
    TransactionEndedError,
)

_log = logging.getLogger(__name__)

#: What asyncpg gives out, and its pools.
Connection: TypeAlias = "asyncpg.Connection[Any]"

_CONNECT_SECONDS: Final = 10.0
#: A consumer whose machine died keeps the row locked no longer than about this: the server asks.
_SERVER_SETTINGS: Final = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
#: The database is away, starting, stopping, full, a standby, or was busy with another's lock.
_PASSING: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
)
#: What a handler's statement can fail with through no fault of its event. A lost connection is
#: told by the connection itself.
_PASSING_IN_HANDLER: Final = (asyncpg.DiskFullError, asyncpg.ReadOnlySQLTransactionError)
_ANY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresWork:
    """One unit of work: a transaction that holds the checkpoint's row."""

    def __init__(self, connection: Connection, position: int) -> None:
        """Begin where the row stands."""
        self.position = position
        self.arguments: tuple[Connection] = (connection,)
        self.moved_to: int | None = None
        self.letters: list[DeadLetter] = []

    def advance(self, position: int) -> None:
        """Have the checkpoint stand at `position` once the work is kept."""
        self.moved_to = position

    def set_aside(self, letter: DeadLetter) -> None:
        """Have a dead letter kept with the work."""
        self.letters.append(letter)


class PostgresCheckpoints:
    """Keeps the position of one consumer in one journal in a row of its own database.

    A handler is given the connection, inside the transaction that moves the position: what it
    writes through it happens exactly once. It must not end the transaction. Any number of
    processes may run as the same consumer; one of them handles an event, and when it dies another
    goes on.
    """

    def __init__(
        self,
        dsn: str,
        *,
        consumer: str,
        create_tables: bool = True,
        set_up: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:
        """Take a place; nothing is asked before a subscriber runs.

        Args:
            dsn: of the database that the handler writes to.
            consumer: name of what is done with the events; each has a position of its own.
            create_tables: make the two tables of `POSTGRES_TABLES` where they are missing.
            set_up: is given each new connection, as to set a search path or codecs.
        """
        self.consumer = consumer
        self._dsn = dsn
        self._create_tables = create_tables
        self._set_up = set_up
        self._connection: Connection | None = None
        self._journal_id: UUID | None = None

    async def open(self, journal: Journal, *, start_after: int) -> int:
        """Return where the checkpoint stands; one that is not there yet begins at `start_after`.

        Raises:
            CheckpointOfOtherJournalError: the consumer has come some way in another journal of
                this code: the ledger was made anew.
            StoreUnavailableError: the database does not answer.
        """
        key = (self.consumer, journal.id)
        try:
            connection = await self._connected()
            await self._make_tables(connection)
            other = await connection.fetchval(sql.FIND_NAMESAKE, *key, journal.code)
            if other is not None:
                place = f"the checkpoint of {self.consumer} in {journal.code}"
                raise CheckpointOfOtherJournalError(place, found=other, wanted=journal.id)
            await connection.execute(sql.BEGIN_AT, *key, journal.code, start_after)
            self._journal_id = journal.id
            async with connection.transaction():
                return await self._locked_position(connection)
        except _ANY as error:
            self._raise_if_passing(error)
            raise

    @contextlib.asynccontextmanager
    async def work(self) -> AsyncIterator[PostgresWork]:
        """Begin a unit of work: a transaction that holds the checkpoint's row.

        Raises:
            CheckpointMovedError: the row is gone.
            HandlerError: what the handler did cannot be committed.
            StoreUnavailableError: the database does not answer. Whether the work was committed
                shows in the position of the next.
            TransactionEndedError: the handler ended the transaction.
        """
        try:
            connection = await self._connected()
            transaction = connection.transaction()
            await transaction.start()
            position = await self._locked_position(connection)
        except _ANY as error:
            self._raise_if_passing(error)
            raise
        work = PostgresWork(connection, position)
        try:
            yield work
            await self._keep(connection, work)
            await transaction.commit()
        except HandlerError as error:
            cause = error.__cause__ or error
            if connection.is_closed() or isinstance(cause, _PASSING_IN_HANDLER):
                raise self._unavailable(cause) from error
            await self._roll_back(connection, transaction)
            raise
        except _ANY as error:
            self._raise_if_passing(error)
            # The handler's statements failed, or break a constraint that is checked at the commit.
            await self._roll_back(connection, transaction)
            raise HandlerError from error
        except BaseException:
            self._drop()
            raise

    async def flush(self) -> None:
        """Do nothing: every unit of work is committed."""

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=_CONNECT_SECONDS)
            except _ANY as error:
                _log.info("the connection was not closed in order: %s", error)
                connection.terminate()

    async def choose(self, journal: str | None = None) -> UUID:
        """Connect without a ledger, to look at dead letters; return the journal's id.

        Args:
            journal: code or id; None if the consumer follows only one.

        Raises:
            LookupError: it follows none, no such one, or several.
            StoreUnavailableError: the database does not answer.
        """
        try:
            connection = await self._connected()
            there = await connection.fetchval(sql.ARE_THERE)
            rows = await connection.fetch(sql.FIND_JOURNALS, self.consumer) if there else []
        except _ANY as error:
            self._raise_if_passing(error)
            raise
        fitting = [
            row for row in rows if journal in (None, row["journal_code"], str(row["journal_id"]))
        ]
        if len(fitting) != 1:
            names = ", ".join(row["journal_code"] for row in rows) or "none"
            raise LookupError(f"consumer {self.consumer} follows {names}: name one of them")
        found: UUID = fitting[0]["journal_id"]
        self._journal_id = found
        return found

    async def dead_letters(self) -> list[DeadLetter]:
        """Return all dead letters by sequence, after `open` or `choose`."""
        connection = await self._connected()
        rows = await connection.fetch(sql.LIST_LETTERS, *self._key)
        return [_letter(row) for row in rows]

    @contextlib.asynccontextmanager
    async def settling(
        self, sequence: int, state: LetterState
    ) -> AsyncIterator[tuple[DeadLetter, Connection] | None]:
        """Give an open letter and the transaction in which it comes to another state.

        None if there is no such letter or it is not open. If the block raises nothing is changed.
        """
        connection = await self._connected()
        async with connection.transaction():
            row = await connection.fetchrow(sql.LOCK_LETTER, *self._key, sequence)
            if row is None:
                yield None
                return
            yield _letter(row), connection
            if not connection.is_in_transaction():
                raise TransactionEndedError(f"the handler of event {sequence} ended it")
            await connection.execute(sql.SETTLE_LETTER, *self._key, sequence, str(state))

    @property
    def _key(self) -> tuple[str, UUID]:
        assert self._journal_id is not None, "used before it was opened"
        return self.consumer, self._journal_id

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            new: Connection = await asyncpg.connect(
                self._dsn,
                timeout=_CONNECT_SECONDS,
                server_settings={
                    "application_name": f"ledger-subscriber {self.consumer}"[:63],
                    **_SERVER_SETTINGS,
                },
            )
            try:
                if self._set_up is not None:
                    await self._set_up(new)
            except BaseException:
                new.terminate()
                raise
            self._connection = new
        return self._connection

    async def _make_tables(self, connection: Connection) -> None:
        if not self._create_tables or await connection.fetchval(sql.ARE_THERE):
            return
        async with connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({sql.CREATION_LOCK})")
            if not await connection.fetchval(sql.ARE_THERE):
                await connection.execute(sql.POSTGRES_TABLES)

    async def _locked_position(self, connection: Connection) -> int:
        position: int | None = await connection.fetchval(sql.LOCK_POSITION, *self._key)
        if position is None:
            raise CheckpointMovedError(f"the checkpoint of {self.consumer} was taken away")
        return position

    async def _keep(self, connection: Connection, work: PostgresWork) -> None:
        if not connection.is_closed() and not connection.is_in_transaction():
            raise TransactionEndedError(
                "the handler ended the transaction that the checkpoint belongs to: "
                "what it did is kept, and the checkpoint is not"
            )
        for letter in work.letters:
            await connection.execute(sql.SET_ASIDE, *self._key, *_values(letter))
        if work.moved_to is not None:
            await connection.execute(sql.MOVE, *self._key, work.moved_to)

    async def _roll_back(self, connection: Connection, transaction: Any) -> None:
        try:
            await transaction.rollback()
        except _ANY as error:
            # A connection that is not used any more is rolled back by the server.
            _log.info("the transaction was not rolled back in order: %s", error)
            connection.terminate()

    def _raise_if_passing(self, error: BaseException) -> None:
        is_lost = self._connection is not None and self._connection.is_closed()
        if is_lost or isinstance(error, _PASSING):
            raise self._unavailable(error) from error

    def _unavailable(self, error: BaseException) -> StoreUnavailableError:
        self._drop()
        return StoreUnavailableError(f"{type(error).__name__}: {error}")

    def _drop(self) -> None:
        """Let go of a connection in an unknown state; the server undoes what it had begun."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _values(letter: DeadLetter) -> Sequence[object]:
    return (
        letter.sequence,
        letter.type,
        list(letter.messages),
        letter.error,
        letter.traceback,
        letter.attempts,
        letter.time,
    )


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
        sequence=row["sequence"],
        type=row["type"],
        messages=tuple(row["messages"]),
        error=row["error"],
        traceback=row["traceback"],
        attempts=row["attempts"],
        time=row["time"],
        state=LetterState(row["state"]),
        settle_time=row["settle_time"],
    )
