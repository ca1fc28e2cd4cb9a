"""The chart of accounts: added as a whole, and shown."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from ledger_proto.v1 import charts_pb2, events_pb2
from ledger_server.application.ids import new_id
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.account import AccountCategory, Member, NewAccountSet
from ledger_server.domain.chart import Chart, Place
from ledger_server.domain.chart_import import NewNode, PlannedNode, plan_chart
from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.journal import Journal
from ledger_server.store import account_sets
from ledger_server.store.codec import account_set_message
from ledger_server.store.database import Database, Tx

#: Rows of a chart, those of accounts included: what one answer can carry.
CHART_ROWS_MAX: Final = 100_000


@dataclasses.dataclass(frozen=True, slots=True)
class WholeChart:
    """The chart with its accounts."""

    chart: Chart
    places: Sequence[Place]
    accounts: Mapping[UUID, Sequence[Member]]
    unmapped: Sequence[Member]


async def import_chart(
    database: Database,
    journal: Journal,
    request: Request[charts_pb2.ImportChartResponse],
    nodes: Sequence[NewNode],
) -> charts_pb2.ImportChartResponse:
    """Add the nodes that are not there yet, all or none.

    The configuration version stays: the new sets hold no accounts, so no posting is about them.

    Raises:
        ChartInvalidError: names every mistake.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> charts_pb2.ImportChartResponse:
        chart = await account_sets.all_in_tx(change.tx, journal.id)
        planned = plan_chart(nodes, chart)
        ids = await _insert_in_tx(change, [one for one in planned if one.there is None], chart)
        return _answer(planned, chart, ids)

    return await change_journal(database, journal, request, work)


async def validate_chart(
    database: Database, journal: Journal, nodes: Sequence[NewNode]
) -> charts_pb2.ImportChartResponse:
    """Return what an import would do and write nothing.

    Raises:
        ChartInvalidError: names every mistake.
    """
    async with database.snapshot() as tx:
        chart = await account_sets.all_in_tx(tx, journal.id)
    return _answer(plan_chart(nodes, chart), chart, {})


async def get_chart(database: Database, journal: Journal) -> WholeChart:
    """Return the chart, the accounts on it, and those that stand nowhere in it.

    Raises:
        ReportTooLargeError: it has more rows than an answer may have.
    """
    async with database.snapshot() as tx:
        chart = await account_sets.all_in_tx(tx, journal.id)
        places: list[Place] = []
        for place in chart.places():
            places.append(place)
            if len(places) > CHART_ROWS_MAX:
                raise ReportTooLargeError(CHART_ROWS_MAX)
        return await _with_accounts_in_tx(tx, journal, chart, places)


async def _with_accounts_in_tx(
    tx: Tx, journal: Journal, chart: Chart, places: Sequence[Place]
) -> WholeChart:
    nodes = list(chart.nodes())
    bound = CHART_ROWS_MAX + 1
    on_nodes = await account_sets.accounts_of_in_tx(tx, journal.id, nodes, bound)
    unmapped = await account_sets.accounts_outside_in_tx(tx, journal.id, nodes, bound)
    accounts: dict[UUID, list[Member]] = {}
    for set_id, account in on_nodes:
        accounts.setdefault(set_id, []).append(account)
    shown = sum(len(accounts.get(place.account_set.id, ())) for place in places)
    if len(places) + max(shown, len(on_nodes)) + len(unmapped) > CHART_ROWS_MAX:
        raise ReportTooLargeError(CHART_ROWS_MAX)
    return WholeChart(chart, places, accounts, unmapped)


async def _insert_in_tx(
    change: Change, added: Sequence[PlannedNode], chart: Chart
) -> dict[str, UUID]:
    """Create sets, put them in place, and tell of it: each set, then the members of each."""
    if not added:
        return {}
    new = [
        NewAccountSet(
            id=None,
            code=node.code,
            name=node.name,
            category=AccountCategory.INHERITED if node.parent else node.category,
            normal_side=node.normal_side,
            metadata={},
        )
        for node in added
    ]
    numbered = [(new_id(), one) for one in new]
    created = await account_sets.insert_many_in_tx(change.tx, change.journal.id, numbered)
    for one in created:
        told = events_pb2.AccountSetCreated(account_set=account_set_message(one))
        change.record(events_pb2.Event(account_set_created=told))
    ids = {one.code: one.id for one in created}
    members: dict[UUID, list[UUID]] = {}
    for node in added:
        if node.parent:
            parent = ids.get(node.parent) or chart.by_code[node.parent].id
            members.setdefault(parent, []).append(ids[node.code])
    edges = [(parent, child) for parent, below in members.items() for child in below]
    await account_sets.insert_edges_in_tx(change.tx, change.journal.id, edges)
    for parent, below in members.items():
        joined = events_pb2.AccountSetMembersAdded(
            account_set_id=str(parent), member_set_ids=map(str, below)
        )
        change.record(events_pb2.Event(account_set_members_added=joined))
    return ids


def _answer(
    planned: Sequence[PlannedNode], chart: Chart, ids: Mapping[str, UUID]
) -> charts_pb2.ImportChartResponse:
    parents = {node.parent for node in planned}
    return charts_pb2.ImportChartResponse(
        nodes=[
            charts_pb2.ChartNode(
                id=str(node.there.id if node.there else ids.get(node.code, "")),
                code=node.code,
                name=node.name,
                depth=node.depth,
                category=node.category.value,  # type: ignore[arg-type]  # same numbers
                normal_side=node.normal_side or 0,  # type: ignore[arg-type]  # same numbers
                added=node.there is None,
                is_leaf=node.code not in parents
                and (node.there is None or chart.is_leaf(node.there.id)),
            )
            for node in planned
        ],
        added_count=sum(node.there is None for node in planned),
    )
