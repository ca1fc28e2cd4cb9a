"""The chart of accounts from and to messages."""

from collections.abc import Iterable
from uuid import UUID

from ledger_client import models
from ledger_client.convert import encode, words
from ledger_proto.v1 import account_sets_pb2, charts_pb2


def new_node_message(node: models.NewChartNode) -> charts_pb2.NewChartNode:
    """Return a node to add."""
    return charts_pb2.NewChartNode(
        code=node.code,
        name=node.name,
        parent=node.parent,
        category=encode.account_category(node.category),
        normal_side=encode.direction(node.normal_side),
    )


def plan(received: charts_pb2.ImportChartResponse) -> models.ChartPlan:
    """Return what an import did."""
    return models.ChartPlan(
        nodes=tuple(map(_node, received.nodes)), added_count=received.added_count
    )


def chart(received: charts_pb2.GetChartResponse) -> models.Chart:
    """Return the chart."""
    return models.Chart(
        rows=tuple(
            models.ChartRow(node=_node(row.node), accounts=_accounts(row.accounts))
            for row in received.rows
        ),
        unmapped=_accounts(received.unmapped),
    )


def _node(received: charts_pb2.ChartNode) -> models.ChartNode:
    category = account_sets_pb2.AccountCategory.Name(received.category)
    return models.ChartNode(
        id=UUID(received.id) if received.id else None,
        code=received.code,
        name=received.name,
        depth=received.depth,
        category=(
            models.AccountCategory(category.removeprefix("ACCOUNT_CATEGORY_"))
            if received.category
            else None
        ),
        normal_side=words.direction(received.normal_side) if received.normal_side else None,
        added=received.added,
        is_leaf=received.is_leaf,
    )


def _accounts(received: Iterable[charts_pb2.ChartAccount]) -> tuple[models.ChartAccount, ...]:
    return tuple(
        models.ChartAccount(id=UUID(one.id), code=one.code, name=one.name) for one in received
    )
