"""ChartService: decodes, hands over, encodes."""

from ledger_proto.v1 import charts_pb2 as pb
from ledger_proto.v1.charts_pb2_grpc import ChartServiceServicer
from ledger_server.api.fields import (
    NAME_LENGTH_MAX,
    category_field,
    code_field,
    direction_field,
    mutation,
    reference_field,
    text_field,
)
from ledger_server.application.charts import WholeChart, get_chart, import_chart, validate_chart
from ledger_server.application.journals import get_journal
from ledger_server.domain.account import Member
from ledger_server.domain.chart import NODES_MAX_PER_REQUEST, Chart, Place
from ledger_server.domain.chart_import import NewNode
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.store.database import Database


class ChartServicer(ChartServiceServicer):
    """The charts of accounts of journals."""

    def __init__(self, database: Database) -> None:
        """Serve the charts of `database`."""
        self._database = database

    async def ImportChart(
        self, request: pb.ImportChartRequest, _context: object
    ) -> pb.ImportChartResponse:
        """Add the nodes that are not there yet, or tell what would be added."""
        if not 1 <= len(request.nodes) <= NODES_MAX_PER_REQUEST:
            raise FieldInvalidError("nodes", f"not 1 to {NODES_MAX_PER_REQUEST} nodes")
        nodes = [_new_node(f"nodes[{index}]", node) for index, node in enumerate(request.nodes)]
        change = mutation(request, request.request_id, pb.ImportChartResponse)
        journal = await self._journal(request.journal)
        if request.validate_only:
            return await validate_chart(self._database, journal, nodes)
        return await import_chart(self._database, journal, change, nodes)

    async def GetChart(self, request: pb.GetChartRequest, _context: object) -> pb.GetChartResponse:
        """Return the whole chart."""
        whole = await get_chart(self._database, await self._journal(request.journal))
        return pb.GetChartResponse(
            rows=[_row(place, whole) for place in whole.places],
            unmapped=map(_account, whole.unmapped),
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _new_node(field: str, node: pb.NewChartNode) -> NewNode:
    code = code_field(f"{field}.code", node.code)
    side = node.normal_side
    return NewNode(
        code=code,
        name=text_field(f"{field}.name", node.name, NAME_LENGTH_MAX) or code,
        parent=code_field(f"{field}.parent", node.parent) if node.parent else "",
        category=category_field(f"{field}.category", node.category),
        normal_side=direction_field(f"{field}.normal_side", side) if side else None,
    )


def _row(place: Place, whole: WholeChart) -> pb.ChartRow:
    return pb.ChartRow(
        node=_node(place, whole.chart),
        accounts=map(_account, whole.accounts.get(place.account_set.id, ())),
    )


def _node(place: Place, chart: Chart) -> pb.ChartNode:
    account_set = place.account_set
    found = chart.categories(account_set.id)
    return pb.ChartNode(
        id=str(account_set.id),
        code=account_set.code,
        name=account_set.name,
        depth=place.depth,
        # Of a set in branches of several categories none can be said to be its own.
        category=min(found).value if len(found) == 1 else 0,  # type: ignore[arg-type]  # same numbers
        normal_side=account_set.normal_side or 0,  # type: ignore[arg-type]  # same numbers
        is_leaf=chart.is_leaf(account_set.id),
    )


def _account(account: Member) -> pb.ChartAccount:
    return pb.ChartAccount(id=str(account.id), code=account.code, name=account.name)
