"""EventService: what is sent, from where, to whom, and how it ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1 import events_pb2
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from ledger_server.stream import hub
from tests.api.calls import refused
from tests.event_stream import Stream, places
from tests.ledger import PostingLedger, Serving, serving, transfer

POSTED = pb.EVENT_TYPE_JOURNAL_POSTED
#: Journal, two accounts, two templates.
OPENED = 5


@pytest.fixture
async def server(database_dsn: str) -> AsyncIterator[Serving]:
    async with serving(database_dsn) as one:
        await one.ledger.open("cash", "income")
        yield one


@pytest.fixture
def ledger(server: Serving) -> PostingLedger:
    return server.ledger


@pytest.fixture
def stub(server: Serving) -> Any:
    return EventServiceStub(server.channel)


def test_types_are_the_facts() -> None:
    """So that a stored type needs no table to be filtered by."""
    facts = events_pb2.Event.DESCRIPTOR.oneofs_by_name["fact"].fields
    names = {f"EVENT_TYPE_{field.name.upper()}": field.number for field in facts}
    assert names | {"EVENT_TYPE_UNSPECIFIED": 0} == dict(pb.EventType.items())


async def test_an_event_is_sent_as_it_is_stored(server: Serving, ledger: PostingLedger) -> None:
    answer = await ledger.post(transfer(amount="12.34"))
    (event,) = await Stream(server.channel, after_sequence=OPENED).until(OPENED + 1)
    assert event.sequence == answer.transaction.sequence
    assert event.record_time == answer.transaction.record_time
    sent = event.journal_posted.transaction
    sent.sequence = event.sequence
    sent.record_time.CopyFrom(event.record_time)
    assert sent == answer.transaction


async def test_replays_then_follows(server: Serving, ledger: PostingLedger) -> None:
    stream = Stream(server.channel)
    assert places(await stream.until(OPENED)) == [1, 2, 3, 4, 5]
    for _ in range(3):
        await ledger.post(transfer())
    await ledger.lock("cash")
    events = await stream.until(OPENED + 4)
    assert places(events) == [6, 7, 8, 9]
    assert [event.WhichOneof("fact") for event in events[2:]] == [
        "journal_posted",
        "account_locked",
    ]


async def test_position_and_head_come_in_silence(server: Serving) -> None:
    stream = Stream(server.channel, after_sequence=OPENED)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(3):  # at once, as there is nothing to catch up with, then each second
        response = await stream.next()
        assert (list(response.events), response.position) == ([], OPENED)
        assert response.head_sequence == OPENED
    assert 1.9 < loop.time() - began < 4


class TestPositions:
    @pytest.mark.parametrize("after", [0, 3, OPENED])
    async def test_there(self, server: Serving, ledger: PostingLedger, after: int) -> None:
        stream = Stream(server.channel, after_sequence=after)
        await ledger.post(transfer())
        assert places(await stream.until(OPENED + 1)) == list(range(after + 1, OPENED + 2))

    @pytest.mark.parametrize("after", [OPENED + 1, 2**62])
    async def test_beyond_the_head(self, server: Serving, stub: Any, after: int) -> None:
        streamed = await refused(Stream(server.channel, after_sequence=after).call.read())
        listed = await refused(
            stub.ListEvents(pb.ListEventsRequest(journal="main", after_sequence=after))
        )
        assert streamed == listed
        assert (streamed.reason, streamed.code) == (
            "POSITION_UNAVAILABLE",
            grpc.StatusCode.OUT_OF_RANGE,
        )
        assert streamed.facts == {"sequence": str(after), "head_sequence": str(OPENED)}

    async def test_negative(self, server: Serving, stub: Any) -> None:
        for call in (
            Stream(server.channel, after_sequence=-1).call.read(),
            stub.ListEvents(pb.ListEventsRequest(journal="main", after_sequence=-1)),
        ):
            found = await refused(call)
            assert (found.reason, found.fields) == ("FIELD_INVALID", ["after_sequence"])

    async def test_a_head_that_another_server_told_of(
        self, server: Serving, database_dsn: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Is there, though this server has not looked yet."""
        monkeypatch.setattr(hub, "POLL_SECONDS", 60)
        idle = Stream(server.channel, after_sequence=OPENED)
        await idle.next()
        async with serving(database_dsn) as other:
            await other.ledger.post(transfer())
        stream = Stream(server.channel, after_sequence=OPENED + 1)
        assert (await stream.next()).position == OPENED + 1


@pytest.mark.parametrize(
    ("fields", "reason", "wrong"),
    [
        ({"journal": ""}, "FIELD_INVALID", ["journal"]),
        ({"journal": "none"}, "JOURNAL_NOT_FOUND", []),
        ({"heartbeat_seconds": -1}, "FIELD_INVALID", ["heartbeat_seconds"]),
        ({"heartbeat_seconds": 61}, "FIELD_INVALID", ["heartbeat_seconds"]),
        ({"filter": {"types": [0]}}, "FIELD_INVALID", ["filter.types[0]"]),
        ({"filter": {"types": [POSTED, 40]}}, "FIELD_INVALID", ["filter.types[1]"]),
        ({"filter": {"types": [999]}}, "FIELD_INVALID", ["filter.types[0]"]),
        ({"filter": {"accounts": ["none"]}}, "ACCOUNT_NOT_FOUND", []),
        ({"filter": {"accounts": ["cash", ""]}}, "FIELD_INVALID", ["filter.accounts[1]"]),
        ({"filter": {"accounts": ["cash"] * 1_001}}, "FIELD_INVALID", ["filter.accounts"]),
        ({"filter": {"account_set": "none"}}, "ACCOUNT_SET_NOT_FOUND", []),
        ({"filter": {"template_code": "\0"}}, "FIELD_INVALID", ["filter.template_code"]),
        ({"filter": {"correlation_id": "x" * 256}}, "FIELD_INVALID", ["filter.correlation_id"]),
    ],
)
async def test_what_is_refused(
    server: Serving, fields: dict[str, Any], reason: str, wrong: list[str]
) -> None:
    found = await refused(Stream(server.channel, **fields).call.read())
    assert (found.reason, found.fields) == (reason, wrong)


async def test_bytes_that_are_no_request(server: Serving) -> None:
    call: Any = server.channel.unary_stream("/ledger.v1.EventService/Subscribe")
    assert (await refused(call(b"\xff\xff").read())).reason == "FIELD_INVALID"


async def test_nothing_internal_leaks_from_a_stream(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even in the middle of it."""
    stream = Stream(server.channel)
    await stream.until(OPENED)
    tail = server.app.hub.tail_of(1)  # type: ignore[arg-type]  # the first journal
    assert tail is not None

    def fail(_position: int) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(tail, "after", fail)
    await server.ledger.post(transfer())
    found = await refused(stream.call.read())
    assert (found.reason, found.code) == ("INTERNAL", grpc.StatusCode.INTERNAL)
    assert "secret" not in str(found)


class TestBalanceUpdates:
    async def test_one_for_each_entry(self, server: Serving, ledger: PostingLedger) -> None:
        stream = Stream(server.channel, after_sequence=OPENED, include_balance_updates=True)
        posted = await ledger.post(transfer(amount="5.00"))
        events = await stream.until(OPENED + 1)
        assert places(events) == [OPENED + 1] * 3
        assert events[0].HasField("journal_posted")
        for event, entry in zip(events[1:], posted.transaction.entries, strict=True):
            update = event.balance_updated
            assert event.record_time == posted.transaction.record_time
            assert update.transaction_id == posted.transaction.id
            assert (update.account_id, update.account_code, update.currency, update.layer) == (
                entry.account_id,
                entry.account_code,
                entry.currency,
                entry.layer,
            )
            assert update.balance == entry.balance_after

    async def test_only_of_accounts_asked_for(
        self, server: Serving, ledger: PostingLedger, stub: Any
    ) -> None:
        await ledger.post(transfer())
        fields: dict[str, Any] = {
            "journal": "main",
            "after_sequence": OPENED,
            "filter": {"accounts": ["income"]},
            "include_balance_updates": True,
        }
        events = await Stream(server.channel, **fields).until(OPENED + 1)
        page = await stub.ListEvents(pb.ListEventsRequest(**fields))
        assert list(page.events) == events
        assert [event.balance_updated.account_code for event in events[1:]] == ["income"]


async def test_list_and_head(ledger: PostingLedger, stub: Any) -> None:
    posted = (await ledger.post(transfer())).transaction
    head = await stub.GetHead(pb.GetHeadRequest(journal="main"))
    assert (head.head_sequence, head.record_time) == (posted.sequence, posted.record_time)
    request = pb.ListEventsRequest(journal="main", page_size=4)
    page = await stub.ListEvents(request)
    assert places(page.events) == [1, 2, 3, 4]
    assert page.head_sequence == OPENED + 1
    request.page_token = page.next_page_token
    page = await stub.ListEvents(request)
    assert (places(page.events), page.next_page_token) == ([5, 6], "")
    request.journal = "other"
    assert (await refused(stub.ListEvents(request))).reason == "PAGE_TOKEN_INVALID"
    missing = await refused(stub.GetHead(pb.GetHeadRequest(journal="none")))
    assert missing.reason == "JOURNAL_NOT_FOUND"


async def test_shutdown_ends_streams_with_their_position(
    server: Serving, ledger: PostingLedger
) -> None:
    await ledger.post(transfer())
    streams = [
        Stream(server.channel, heartbeat_seconds=60),
        Stream(server.channel, heartbeat_seconds=60, filter={"correlation_id": "none"}),
    ]
    for stream in streams:
        await stream.until(OPENED + 1)
    async with asyncio.timeout(1):
        await server.app.end_streams()
    for stream in streams:
        response = await stream.next()
        assert (list(response.events), response.position) == ([], OPENED + 1)
        found = await refused(stream.call.read())
        assert (found.reason, found.code) == ("SHUTTING_DOWN", grpc.StatusCode.UNAVAILABLE)
    assert (await refused(Stream(server.channel).call.read())).reason == "SHUTTING_DOWN"
    assert server.app.hub.subscribers == 0


async def test_only_so_many(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SUBSCRIBERS_MAX", 2)
    streams = [Stream(server.channel) for _ in range(2)]
    for stream in streams:
        await stream.next()
    found = await refused(Stream(server.channel).call.read())
    assert (found.reason, found.facts) == ("TOO_MANY_SUBSCRIBERS", {"subscribers_max": "2"})
    streams[0].call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await streams[0].call.read()
    async with asyncio.timeout(5):
        while server.app.hub.subscribers == 2:  # noqa: ASYNC110  # the server learns it later
            await asyncio.sleep(0.01)
    await Stream(server.channel).next()
