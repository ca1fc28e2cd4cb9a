"""The chart of accounts as a tree."""

import dataclasses
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from ledger_client.models import AccountSet, AccountSetMember
from ledger_client.web.query import Query, address, part
from ledger_client.web.site import Site


@dataclasses.dataclass(slots=True, kw_only=True)
class Node:
    """A set or an account in the tree."""

    code: str
    name: str
    #: Such as `asset`; empty where it is inherited, and for an account.
    category: str
    is_account: bool
    link: str
    below: list["Node"]


async def tree(site: Site, request: Request) -> Response:
    """Show the sets with their accounts, and the accounts that stand in none."""
    journal = request.path_params["journal"]
    shows_accounts = not Query(request).flag("sets_only")
    sets = {each.id: each async for each in site.ledger.list_account_sets(journal)}
    members = {
        each: [member async for member in site.ledger.list_account_set_members(journal, each)]
        for each in sets
    }
    placed = {member.id for each in members.values() for member in each}
    builder = _Builder(journal, sets, members, shows_accounts=shows_accounts)
    tops = [builder.set_node(each) for each in sets.values() if each.id not in placed]
    unmapped = [
        builder.account_node(each.code, each.name)
        async for each in site.ledger.list_accounts(journal)
        if each.id not in placed
    ]
    return site.page(
        request,
        "chart.html",
        tops=sorted(tops, key=lambda node: node.code),
        unmapped=unmapped,
        filters={"sets_only": not shows_accounts},
    )


class _Builder:
    """Makes nodes of one journal's sets."""

    def __init__(
        self,
        journal: str,
        sets: dict[UUID, AccountSet],
        members: dict[UUID, list[AccountSetMember]],
        *,
        shows_accounts: bool,
    ) -> None:
        self._journal = journal
        self._sets = sets
        self._members = members
        self._shows_accounts = shows_accounts

    def set_node(self, each: AccountSet) -> Node:
        below = []
        for member in self._members[each.id]:
            if member.is_account_set:
                below.append(self.set_node(self._sets[member.id]))
            elif self._shows_accounts:
                below.append(self.account_node(member.code, member.name))
        return Node(
            code=each.code,
            name=each.name,
            category=each.category.lower() if each.category else "",
            is_account=False,
            link=self._link("set", each.code),
            below=below,
        )

    def account_node(self, code: str, name: str) -> Node:
        return Node(
            code=code,
            name=name,
            category="",
            is_account=True,
            link=self._link("account", code),
            below=[],
        )

    def _link(self, what: str, code: str) -> str:
        return address(f"/{part(self._journal)}/statement", {what: code})
