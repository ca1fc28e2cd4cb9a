"""EventService: decodes, hands over; what is stored is sent as it is."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceServicer
from ledger_server.api.fields import (
    CODE_LENGTH_MAX,
    ID_LENGTH_MAX,
    page_size_field,
    reference_field,
    text_field,
)
from ledger_server.api.methods import Methods
from ledger_server.api.paging import PageTokens
from ledger_server.application.account_sets import get_account_set_in_tx
from ledger_server.application.journals import get_journal
from ledger_server.domain.errors import AccountNotFoundError, FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.store import accounts, journals
from ledger_server.store.codec import timestamp
from ledger_server.store.database import Database
from ledger_server.stream.hub import EventHub
from ledger_server.stream.listing import Page, list_events
from ledger_server.stream.matching import EventFilter, Matcher
from ledger_server.stream.subscription import Subscription

#: Accounts that one filter may name.
ACCOUNTS_MAX: Final = 1_000
HEARTBEAT_SECONDS_DEFAULT: Final = 10
HEARTBEAT_SECONDS_MAX: Final = 60

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["EventService"]


class EventServicer(EventServiceServicer):
    """Facts out, from any point.

    `Subscribe` and `ListEvents` answer with the bytes of their responses; register this with
    `add_event_servicer`, which sends them as they are.
    """

    def __init__(self, database: Database, page_tokens: PageTokens, hub: EventHub) -> None:
        """Read from `database`; follow through `hub`."""
        self._database = database
        self._page_tokens = page_tokens
        self._hub = hub

    async def Subscribe(  # type: ignore[override]  # bytes, see the class
        self, request: pb.SubscribeRequest, _context: object
    ) -> AsyncIterator[bytes]:
        """Send events without end."""
        after = _position_field(request.after_sequence)
        heartbeat = _heartbeat_field(request.heartbeat_seconds)
        journal, matcher = await self._journal_and_matcher(request)
        subscription = Subscription(self._database, self._hub, journal.id, matcher)
        async with contextlib.aclosing(subscription.responses(after, heartbeat)) as responses:
            async for response in responses:
                yield response

    async def ListEvents(  # type: ignore[override]  # bytes, see the class
        self, request: pb.ListEventsRequest, _context: object
    ) -> bytes:
        """Return a page of events."""
        size = page_size_field(request.page_size)
        after = _position_field(request.after_sequence)
        (place,) = self._page_tokens.read(request, request.page_token) or [after]
        journal, matcher = await self._journal_and_matcher(request)
        async with self._database.look_up_connection() as tx:
            head = await journals.read_head_in_tx(tx, journal.id)
        page = Page(after=int(place), head_sequence=head.sequence, count_max=size)
        frames, position = await list_events(self._database, journal, matcher, page)
        rest = pb.ListEventsResponse(head_sequence=head.sequence)
        if position < head.sequence:
            rest.next_page_token = self._page_tokens.make(request, [position])
        return b"".join((*frames, rest.SerializeToString()))

    async def GetHead(self, request: pb.GetHeadRequest, _context: object) -> pb.GetHeadResponse:
        """Return where the journal stands."""
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.look_up_connection() as tx:
            head = await journals.read_head_in_tx(tx, journal.id)
        return pb.GetHeadResponse(
            head_sequence=head.sequence, record_time=timestamp(head.recorded_at)
        )

    async def _journal_and_matcher(
        self, request: pb.SubscribeRequest | pb.ListEventsRequest
    ) -> tuple[Journal, Matcher]:
        types = _types_field(request.filter.types)
        template = text_field("filter.template_code", request.filter.template_code, CODE_LENGTH_MAX)
        correlation = text_field(
            "filter.correlation_id", request.filter.correlation_id, ID_LENGTH_MAX
        )
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        wanted = EventFilter(
            types=types,
            account_ids=await self._account_ids(journal, request.filter.accounts),
            account_set_id=await self._set_id(journal, request.filter.account_set),
            template_code=template,
            correlation_id=correlation,
        )
        balances = request.include_balance_updates
        return journal, Matcher(self._database, journal.id, wanted, balances=balances)

    async def _account_ids(
        self, journal: Journal, references: Sequence[str]
    ) -> frozenset[str] | None:
        if not references:
            return None
        if len(references) > ACCOUNTS_MAX:
            raise FieldInvalidError("filter.accounts", f"more than {ACCOUNTS_MAX}")
        for index, reference in enumerate(references):
            reference_field(f"filter.accounts[{index}]", reference)
        async with self._database.look_up_connection() as tx:
            found = await accounts.facts_by_reference_in_tx(tx, journal.id, references)
        for reference in references:
            if reference not in found:
                raise AccountNotFoundError(reference)
        return frozenset(str(facts.id) for facts in found.values())

    async def _set_id(self, journal: Journal, reference: str) -> UUID | None:
        if not reference:
            return None
        reference_field("filter.account_set", reference)
        async with self._database.look_up_connection() as tx:
            return (await get_account_set_in_tx(tx, journal, reference)).id


def add_event_servicer(servicer: EventServicer, methods: Methods) -> None:
    """Serve `servicer`: events are sent as they are stored."""
    methods.add_servicer(_SERVICE, servicer, as_bytes={"Subscribe", "ListEvents"})


def _position_field(sequence: int) -> int:
    if sequence < 0:
        raise FieldInvalidError("after_sequence", "negative")
    return sequence


def _heartbeat_field(seconds: int) -> int:
    if not 0 <= seconds <= HEARTBEAT_SECONDS_MAX:
        raise FieldInvalidError("heartbeat_seconds", f"not 1 to {HEARTBEAT_SECONDS_MAX}")
    return seconds or HEARTBEAT_SECONDS_DEFAULT


def _types_field(numbers: Sequence[int]) -> frozenset[int] | None:
    if not numbers:
        return None
    known = set(pb.EventType.values()) - {
        pb.EVENT_TYPE_UNSPECIFIED,
        pb.EVENT_TYPE_BALANCE_UPDATED,
    }
    for index, number in enumerate(numbers):
        if number not in known:
            raise FieldInvalidError(f"filter.types[{index}]", "not the type of a stored event")
    return frozenset(numbers)
