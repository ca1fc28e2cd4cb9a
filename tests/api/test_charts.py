"""ChartService: charts added as a whole, and accounts on their leaves."""

import asyncio
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import account_sets_pb2, accounts_pb2, events_pb2
from ledger_proto.v1 import charts_pb2 as pb
from tests.api.calls import CREDIT, DEBIT, Ledger, reason, refused
from tests.books import Books

ASSET = account_sets_pb2.ACCOUNT_CATEGORY_ASSET
EQUITY = account_sets_pb2.ACCOUNT_CATEGORY_EQUITY
NODES = (
    pb.NewChartNode(code="11", name="Current", parent="1"),
    pb.NewChartNode(code="1", name="Assets", category=ASSET),
    pb.NewChartNode(code="11.01", name="Cash", parent="11"),
    pb.NewChartNode(code="3", name="Equity", category=EQUITY),
)


async def add(ledger: Ledger, *nodes: pb.NewChartNode, **fields: Any) -> pb.ImportChartResponse:
    request = pb.ImportChartRequest(journal="main", nodes=nodes or NODES, **fields)
    return await ledger.charts.ImportChart(request)


async def chart(ledger: Ledger) -> pb.GetChartResponse:
    return await ledger.charts.GetChart(pb.GetChartRequest(journal="main"))


async def events(books: Books) -> list[events_pb2.Event]:
    rows = await books.connection.fetch(
        "SELECT payload || coalesce(personal, '') AS payload FROM events ORDER BY sequence"
    )
    return [events_pb2.Event.FromString(row["payload"]) for row in rows]


async def test_a_chart_is_added_once(ledger: Ledger, books: Books) -> None:
    trial = await add(ledger, validate_only=True)
    assert (trial.added_count, await ledger.head()) == (4, 1)
    done = await add(ledger)
    told = [(one.code, one.depth, one.category, one.normal_side) for one in done.nodes]
    assert told == [
        ("1", 0, ASSET, DEBIT),
        ("11", 1, ASSET, DEBIT),
        ("11.01", 2, ASSET, DEBIT),
        ("3", 0, EQUITY, CREDIT),
    ]
    assert [(one.added, one.is_leaf) for one in done.nodes] == [
        (True, False),
        (True, False),
        (True, True),
        (True, True),
    ]
    for one in trial.nodes:
        assert not one.id
    facts = [event.WhichOneof("fact") for event in await events(books)]
    assert facts == [
        "journal_created",
        *["account_set_created"] * 4,
        *["account_set_members_added"] * 2,
    ]
    again = await add(ledger)
    assert (again.added_count, await ledger.head()) == (0, 7)
    more = await add(ledger, *NODES, pb.NewChartNode(code="11.02", parent="11"))
    assert [one.code for one in more.nodes if one.added] == ["11.02"]
    version = await books.connection.fetchval("SELECT config_version FROM journal_heads")
    assert version == 1, "no posting waits for a chart"


async def test_a_chart_with_mistakes_adds_nothing(ledger: Ledger) -> None:
    await add(ledger)
    bad = await refused(
        add(
            ledger,
            pb.NewChartNode(code="4", category=EQUITY),
            pb.NewChartNode(code="1", name="Other", category=ASSET),
            pb.NewChartNode(code="9"),
        )
    )
    assert (bad.reason, bad.code) == ("CHART_INVALID", grpc.StatusCode.INVALID_ARGUMENT)
    assert bad.fields == ["nodes[1].name", "nodes[2].category"]
    assert bad.facts["mistakes"] == "2"
    assert await ledger.head() == 7
    many = [pb.NewChartNode(code=str(index), parent="none") for index in range(1000)]
    assert (await refused(add(ledger, *many))).facts["mistakes"] == "1000", "it fits in an answer"


@pytest.mark.parametrize(
    "node",
    [
        pb.NewChartNode(),
        pb.NewChartNode(code=" 1"),
        pb.NewChartNode(code="1", category=99),  # type: ignore[arg-type]  # on purpose
        pb.NewChartNode(code="1", normal_side=99),  # type: ignore[arg-type]  # on purpose
        pb.NewChartNode(code="1", parent="\n"),
        pb.NewChartNode(code="1", name="x" * 256),
    ],
)
async def test_form(ledger: Ledger, node: pb.NewChartNode) -> None:
    assert await reason(add(ledger, node)) == "FIELD_INVALID"


async def test_how_many(ledger: Ledger) -> None:
    many = [pb.NewChartNode(code=str(index), category=ASSET) for index in range(5001)]
    assert await reason(add(ledger, *many)) == "FIELD_INVALID"
    assert (await add(ledger, *many[:5000])).added_count == 5000
    request = pb.ImportChartRequest(journal="main")
    assert await reason(ledger.charts.ImportChart(request)) == "FIELD_INVALID"


async def test_imports_at_once_add_each_node_once(ledger: Ledger) -> None:
    answers = await asyncio.gather(*(add(ledger) for _ in range(6)))
    assert sorted(answer.added_count for answer in answers) == [0] * 5 + [4]
    keyed = await asyncio.gather(*(add(ledger, request_id="k") for _ in range(3)))
    assert all(answer == keyed[0] for answer in keyed)


async def test_accounts_are_created_on_leaves(ledger: Ledger, books: Books) -> None:
    await add(ledger)
    await ledger.create_set("group")
    account = await ledger.create_account("bank", account_sets=["11.01", "group", "11.01"])
    last = (await events(books))[-3:]
    assert [event.WhichOneof("fact") for event in last] == [
        "account_created",
        "account_set_members_added",
        "account_set_members_added",
    ]
    assert list(last[1].account_set_members_added.account_ids) == [account.id]
    inner = await refused(ledger.create_account("b", account_sets=["11"]))
    assert (inner.reason, inner.facts) == ("ACCOUNT_SET_NOT_LEAF", {"account_set": "11"})
    unknown = await reason(ledger.create_account("b", account_sets=["11.09"]))
    assert unknown == "ACCOUNT_SET_NOT_FOUND"
    many = await reason(ledger.create_account("b", account_sets=["11.01"] * 17))
    assert many == "FIELD_INVALID"
    listed = await ledger.accounts.ListAccounts(accounts_pb2.ListAccountsRequest(journal="main"))
    assert [one.code for one in listed.accounts] == ["bank"], "a refusal creates nothing"


async def test_shows_accounts_where_they_stand_and_those_that_stand_nowhere(ledger: Ledger) -> None:
    assert await chart(ledger) == pb.GetChartResponse()
    await add(ledger)
    await ledger.create_set("group")
    for code, sets in (("b", ["11.01"]), ("a", ["11.01"]), ("lost", []), ("grouped", ["group"])):
        await ledger.create_account(code, account_sets=sets)
    shown = await chart(ledger)
    assert [
        (row.node.code, row.node.depth, [one.code for one in row.accounts]) for row in shown.rows
    ] == [
        ("1", 0, []),
        ("11", 1, []),
        ("11.01", 2, ["a", "b"]),
        ("3", 0, []),
    ]
    assert [one.code for one in shown.unmapped] == ["grouped", "lost"]
    assert (
        await reason(ledger.charts.GetChart(pb.GetChartRequest(journal="x"))) == "JOURNAL_NOT_FOUND"
    )
