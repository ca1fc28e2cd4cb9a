"""Filters of events, each by itself, in replay and live: the two must agree."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from ledger_proto.v1 import account_sets_pb2
from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from tests.event_stream import Stream, places
from tests.ledger import PostingLedger, Serving, serving, template, transfer

POSTED = pb.EVENT_TYPE_JOURNAL_POSTED


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


class TestFilters:
    """Each by itself, in replay and live: the two must agree."""

    @pytest.fixture
    async def history(self, ledger: PostingLedger) -> dict[str, int]:
        """Places of one event of each kind."""
        await ledger.create_account("bank")
        await ledger.create_template(_other_template())
        wallet = await ledger.create_set("wallet")
        await ledger.create_set("inner")
        await ledger.account_sets.AddAccountSetMembers(
            account_sets_pb2.AddAccountSetMembersRequest(
                journal="main", account_set="wallet", member_sets=["inner"]
            )
        )
        await ledger.account_sets.AddAccountSetMembers(
            account_sets_pb2.AddAccountSetMembersRequest(
                journal="main", account_set="inner", accounts=["bank"]
            )
        )
        assert wallet.code == "wallet"
        at = await ledger.head()
        await ledger.post(transfer("cash", "income"))
        await ledger.post(transfer("bank", "income", correlation_id="c-1"))
        other = transfer("cash", "income", amount="2.00")
        other.template_code = "OTHER"
        await ledger.post(other)
        await ledger.lock("bank")
        return {
            "bank created": 6,
            "template": 7,
            "wallet created": 8,
            "sets": 10,
            "accounts": 11,
            "cash": at + 1,
            "bank": at + 2,
            "other": at + 3,
            "bank locked": at + 4,
        }

    CASES: ClassVar[list[tuple[dict[str, Any], list[str | int]]]] = [
        ({"types": [POSTED]}, ["cash", "bank", "other"]),
        (
            {"types": [pb.EVENT_TYPE_TEMPLATE_CREATED, pb.EVENT_TYPE_ACCOUNT_LOCKED]},
            [4, 5, "template", "bank locked"],
        ),
        ({"accounts": ["bank"]}, ["bank created", "accounts", "bank", "bank locked"]),
        ({"accounts": ["cash", "bank"], "types": [POSTED]}, ["cash", "bank", "other"]),
        (
            {"account_set": "wallet"},
            ["bank created", "wallet created", "sets", "accounts", "bank", "bank locked"],
        ),
        ({"account_set": "wallet", "types": [POSTED]}, ["bank"]),
        ({"account_set": "wallet", "accounts": ["cash"]}, []),
        ({"template_code": "OTHER"}, ["template", "other"]),
        ({"correlation_id": "c-1"}, ["bank"]),
        ({"correlation_id": "c-1", "template_code": "OTHER"}, []),
    ]

    @pytest.mark.parametrize(("wanted", "expected"), CASES)
    async def test_replayed_and_listed(
        self,
        server: Serving,
        stub: Any,
        history: dict[str, int],
        wanted: dict[str, Any],
        expected: list[str | int],
    ) -> None:
        head = await server.ledger.head()
        found = [one if isinstance(one, int) else history[one] for one in expected]
        stream = Stream(server.channel, filter=wanted)
        assert places(await stream.until(head)) == found
        asked: dict[str, Any] = {"filter": wanted}
        listed, token = [], ""
        while True:
            page = await stub.ListEvents(
                pb.ListEventsRequest(journal="main", page_size=2, page_token=token, **asked)
            )
            assert len(page.events) <= 2
            listed += places(page.events)
            token = page.next_page_token
            if not token:
                break
        assert listed == found

    async def test_live(self, server: Serving, history: dict[str, int]) -> None:
        """The position of a filtered subscriber goes on with what it does not get."""
        del history
        ledger = server.ledger
        head = await ledger.head()
        stream = Stream(server.channel, after_sequence=head, filter={"correlation_id": "c-2"})
        assert (await stream.next()).position == head
        await ledger.post(transfer())
        response = await stream.next()
        assert (len(response.events), response.position) == (0, head + 1)
        await ledger.post(transfer(correlation_id="c-2"))
        response = await stream.next()
        assert (places(list(response.events)), response.position) == ([head + 2], head + 2)

    async def test_membership_counts_as_it_is_when_sent(
        self, server: Serving, history: dict[str, int]
    ) -> None:
        del history
        ledger = server.ledger
        head = await ledger.head()
        wanted = {"account_set": "wallet", "types": [POSTED]}
        stream = Stream(server.channel, after_sequence=head, filter=wanted)
        await stream.next()
        await ledger.post(transfer("cash", "income"))
        await ledger.account_sets.AddAccountSetMembers(
            account_sets_pb2.AddAccountSetMembersRequest(
                journal="main", account_set="inner", accounts=["cash"]
            )
        )
        await stream.until(head + 2)
        await ledger.post(transfer("cash", "income"))
        assert places(await stream.until(head + 3)) == [head + 3]


def _other_template() -> Any:
    return template(
        "OTHER",
        {
            "debit": ("ACCOUNT", None),
            "credit": ("ACCOUNT", None),
            "amount": ("DECIMAL", None),
        },
        [
            {
                "account": f"params.{side}",
                "direction": side.upper(),
                "units": "params.amount",
                "currency": "'USD'",
            }
            for side in ("debit", "credit")
        ],
    )
