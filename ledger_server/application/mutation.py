"""How configuration changes: under the journal's head, once per request id, each with its event.

A change takes the head's lock first and no other lock that a posting takes, so it cannot deadlock
with one; while it holds the head nothing else of the journal commits, so what it reads is what is.
"""

import dataclasses
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, Self, TypeVar

from ledger_proto.v1 import events_pb2
from ledger_server.domain.errors import ContentionError, RequestIdReusedError
from ledger_server.domain.journal import Head, Journal
from ledger_server.store import journals
from ledger_server.store.codec import StoredEvent, stored_event
from ledger_server.store.database import (
    ConstraintError,
    Database,
    RetryError,
    Tx,
    broken_invariant,
)

#: Runs of one change before its caller is told of contention.
ATTEMPTS_MAX = 5


class Answer(Protocol):
    """An answer as the contract has it: kept as bytes for the day the request comes again."""

    #: Knows the name of the message.
    DESCRIPTOR: Any

    def SerializeToString(self) -> bytes:  # noqa: N802  # protobuf's name
        """Return the answer's bytes."""

    @classmethod
    def FromString(cls, s: bytes, /) -> Self:  # noqa: N802  # protobuf's name
        """Return the answer of these bytes."""


A = TypeVar("A", bound=Answer)
R = TypeVar("R")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[A]):
    """A mutating request: what makes it the same request when it comes again."""

    #: The caller's key; empty for none.
    request_id: str
    #: The request's canonical text, method included.
    canonical: str
    #: The same without what may be personal in it.
    open_canonical: str
    #: The type of its answer.
    answer: type[A]

    def fingerprint(self) -> bytes:
        """Return the digest that tells this request from others with its id."""
        return hashlib.sha256(self.canonical.encode()).digest()

    def open_fingerprint(self) -> bytes:
        """Return the same of what is left once its personal data was erased."""
        return hashlib.sha256(self.open_canonical.encode()).digest()


class Change:
    """What a change does: read and write in its transaction, and say what happened."""

    def __init__(self, tx: Tx, journal: Journal, head: Head) -> None:
        """Begin with no events, at the head that `tx` holds."""
        self.tx = tx
        self.journal = journal
        self._head = head
        self.events: list[StoredEvent] = []
        #: Set if servers may have cached what changed.
        self.config_changed = False

    @property
    def next_config_version(self) -> int:
        """The configuration version that this change brings about, if it changes any."""
        return self._head.config_version + 1

    @property
    def next_sequence(self) -> int:
        """The sequence that the event recorded next will get."""
        return self._head.sequence + len(self.events) + 1

    def record(self, event: events_pb2.Event) -> None:
        """Append an event to the journal when the change commits."""
        self.events.append(stored_event(event))


async def change_journal(
    database: Database,
    journal: Journal,
    request: Request[A],
    work: Callable[[Change], Awaitable[A]],
) -> A:
    """Run `work` under the journal's head and return its answer, or the one kept for its id.

    A change without events changes nothing and takes no sequence.

    Raises:
        RequestIdReusedError: the id was used before for another request.
        ContentionError: other transactions came in between too often.
        LedgerInvariantError: the database refused what `work` found allowed.
        LedgerError: whatever `work` refuses with; nothing is written then.
    """

    async def attempt() -> A:
        async with database.transaction() as tx:
            head = await journals.lock_head_in_tx(tx, journal.id)
            kept = await kept_answer_in_tx(tx, journal.id, request)
            if kept is not None:
                return kept
            change = Change(tx, journal, head)
            answer = await work(change)
            if change.events:
                await journals.append_events_in_tx(
                    tx, journal.id, change.events, config_changed=change.config_changed
                )
            await keep_answer_in_tx(tx, journal.id, request, answer)
            return answer

    return await with_retries(attempt)


async def with_retries(attempt: Callable[[], Awaitable[R]]) -> R:
    """Run `attempt`, a whole transaction, again for as long as others were in its way.

    Raises:
        ContentionError: they were too often.
        LedgerInvariantError: the database refused what the rules allowed.
    """
    for _ in range(ATTEMPTS_MAX):
        try:
            return await attempt()
        except RetryError:
            continue
        except ConstraintError as error:
            raise broken_invariant(error) from error
    raise ContentionError(ATTEMPTS_MAX)


async def kept_answer_in_tx(tx: Tx, journal_id: int, request: Request[A]) -> A | None:
    """Return the answer kept for the request's id.

    Raises:
        RequestIdReusedError: the id was used before for another request.
    """
    if not request.request_id:
        return None
    kept = await journals.find_request_in_tx(tx, journal_id, request.request_id)
    if kept is None:
        return None
    asked = request.open_fingerprint() if kept.erased else request.fingerprint()
    if kept.fingerprint != asked:
        raise RequestIdReusedError(request.request_id)
    return request.answer.FromString(kept.response)


async def keep_answer_in_tx(tx: Tx, journal_id: int, request: Request[A], answer: A) -> None:
    """Keep the answer for as long as the journal, if the request has an id."""
    if request.request_id:
        await journals.insert_request_in_tx(
            tx,
            journal_id,
            request.request_id,
            journals.KeptAnswer(
                fingerprint=request.fingerprint(),
                open_fingerprint=request.open_fingerprint(),
                answer=request.answer.DESCRIPTOR.full_name,
                response=answer.SerializeToString(),
            ),
        )
