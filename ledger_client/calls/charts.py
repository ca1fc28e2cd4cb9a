"""Calls of the `ChartService`."""

from collections.abc import Iterable

from ledger_client.connection import Connection, request_key
from ledger_client.convert import charts, encode
from ledger_client.models import Chart, ChartPlan, NewChartNode, Reference
from ledger_proto.v1 import charts_pb2 as pb


class ChartCalls(Connection):
    """Adds charts of accounts and shows them."""

    async def import_chart(
        self,
        journal: Reference,
        nodes: Iterable[NewChartNode],
        *,
        validate_only: bool = False,
        request_id: str | None = None,
    ) -> ChartPlan:
        """Add the nodes of a chart that are not there yet, all or none.

        Args:
            journal: code or id.
            nodes: 1 to 5,000, in any order.
            validate_only: checks everything and writes nothing.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: the chart has mistakes or is not what is there (`CHART_INVALID`);
                each violation names its node as `nodes[3]`.
            NotFoundError: there is no such journal.
        """
        key = request_key(request_id)
        request = pb.ImportChartRequest(
            journal=encode.reference(journal),
            nodes=map(charts.new_node_message, nodes),
            validate_only=validate_only,
            request_id=key,
        )
        response = await self._call(self._charts.ImportChart, request, key=key)
        return charts.plan(response)

    async def get_chart(self, journal: Reference) -> Chart:
        """Return the chart, the accounts on it, and those that stand nowhere in it.

        Raises:
            InvalidRequestError: it is larger than one answer may be (`REPORT_TOO_LARGE`).
            NotFoundError: there is no such journal.
        """
        request = pb.GetChartRequest(journal=encode.reference(journal))
        return charts.chart(await self._call(self._charts.GetChart, request))
