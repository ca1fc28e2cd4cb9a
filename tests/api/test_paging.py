"""Pages: every list walks from its first row to its last, whatever happens meanwhile."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from ledger_proto.v1 import account_sets_pb2, accounts_pb2, balances_pb2, journals_pb2
from ledger_server.api.paging import PageTokens
from ledger_server.domain.errors import PageTokenInvalidError
from tests.api.calls import Ledger, reason, refused
from tests.books import Books


@dataclasses.dataclass(frozen=True)
class Listing:
    """One list RPC: how it is asked, where its rows are."""

    method: Callable[[Ledger], Any]
    request: Callable[..., Any]
    rows: str


LISTINGS = {
    "journals": Listing(
        lambda ledger: ledger.journals.ListJournals, journals_pb2.ListJournalsRequest, "journals"
    ),
    "currencies": Listing(
        lambda ledger: ledger.journals.ListCurrencies,
        lambda **fields: journals_pb2.ListCurrenciesRequest(journal="main", **fields),
        "currencies",
    ),
    "accounts": Listing(
        lambda ledger: ledger.accounts.ListAccounts,
        lambda **fields: accounts_pb2.ListAccountsRequest(journal="main", **fields),
        "accounts",
    ),
    "account_sets": Listing(
        lambda ledger: ledger.account_sets.ListAccountSets,
        lambda **fields: account_sets_pb2.ListAccountSetsRequest(journal="main", **fields),
        "account_sets",
    ),
    "members": Listing(
        lambda ledger: ledger.account_sets.ListAccountSetMembers,
        lambda **fields: account_sets_pb2.ListAccountSetMembersRequest(
            journal="main", account_set="set 0", **fields
        ),
        "members",
    ),
    "balances": Listing(
        lambda ledger: ledger.balances.ListBalances,
        lambda **fields: balances_pb2.ListBalancesRequest(journal="main", **fields),
        "balances",
    ),
    "balances as of": Listing(
        lambda ledger: ledger.balances.ListBalances,
        lambda **fields: balances_pb2.ListBalancesRequest(
            journal="main", as_of="2026-12-31", **fields
        ),
        "balances",
    ),
}


async def fill(ledger: Ledger, books: Books) -> None:
    """Make seven or more rows for every list."""
    codes = ["Z", "a", "a:1", "a:2", "b", "ä", "💶"]
    for number, code in enumerate(codes):
        await ledger.create_account(code)
        await ledger.create_set(f"set {number}")
        await ledger.create_journal(f"journal.{number}")
    await ledger.account_sets.AddAccountSetMembers(
        account_sets_pb2.AddAccountSetMembersRequest(
            journal="main", account_set="set 0", accounts=codes, member_sets=["set 1", "set 2"]
        )
    )
    for currency in ("USD", "JPY"):
        for code in codes[1:]:
            await books.post((1, codes[0], 1, "1", currency), (1, code, 2, "1", currency))


async def walk(ledger: Ledger, listing: Listing, size: int) -> list[Any]:
    rows: list[Any] = []
    token = ""
    while True:
        answer = await listing.method(ledger)(listing.request(page_size=size, page_token=token))
        page = list(getattr(answer, listing.rows))
        assert len(page) <= size
        rows += page
        token = answer.next_page_token
        if not token:
            return rows
        assert len(page) == size, "only the last page may be short"


async def test_walking_gives_the_whole_list(ledger: Ledger, books: Books) -> None:
    await fill(ledger, books)
    for name, listing in LISTINGS.items():
        whole = list(
            getattr(await listing.method(ledger)(listing.request(page_size=1_000)), listing.rows)
        )
        assert len(whole) >= 7, name
        for size in (1, 3, 7, len(whole)):
            assert await walk(ledger, listing, size) == whole, (name, size)


async def test_rows_that_come_meanwhile_push_none_out(ledger: Ledger) -> None:
    """Each page goes on after the last row shown, wherever others have come in."""
    before = [f"k{number:03}" for number in range(50)]
    for code in before:
        await ledger.create_account(code)

    async def insert() -> None:
        for number in range(50):
            await ledger.create_account(f"k{number:03}x")

    inserting = asyncio.create_task(insert())
    walked = [row.code for row in await walk(ledger, LISTINGS["accounts"], 3)]
    await inserting
    assert walked == sorted(set(walked)), "in order, and none twice"
    assert set(before) <= set(walked)


async def test_refuses_page_sizes_below_zero(ledger: Ledger, books: Books) -> None:
    await fill(ledger, books)
    for name, listing in LISTINGS.items():
        refusal = await refused(listing.method(ledger)(listing.request(page_size=-1)))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["page_size"]), name


async def test_a_token_belongs_to_its_request(ledger: Ledger, books: Books) -> None:
    await fill(ledger, books)
    tokens = {}
    for name, listing in LISTINGS.items():
        answer = await listing.method(ledger)(listing.request(page_size=1))
        tokens[name] = answer.next_page_token
    for name, listing in LISTINGS.items():
        for other, token in tokens.items():
            call = listing.method(ledger)(listing.request(page_token=token))
            if other == name:
                await call
            else:
                assert await reason(call) == "PAGE_TOKEN_INVALID", (name, other)
    request = accounts_pb2.ListAccountsRequest(
        journal="main", code_prefix="a", page_token=tokens["accounts"]
    )
    assert await reason(ledger.accounts.ListAccounts(request)) == "PAGE_TOKEN_INVALID"


async def test_every_list_refuses_tokens_that_are_none(ledger: Ledger, books: Books) -> None:
    await fill(ledger, books)
    for listing in LISTINGS.values():
        for token in ("x", "💶", "A" * 5_000, "\0", "AAAA" * 10, "=" * 4):
            call = listing.method(ledger)(listing.request(page_token=token))
            assert await reason(call) == "PAGE_TOKEN_INVALID"


REQUEST = accounts_pb2.ListAccountsRequest(journal="main", page_size=10)


def test_a_token_gives_back_its_sort_key() -> None:
    tokens = PageTokens(b"key")
    keys: list[list[str | int]] = [["a"], ["Bücher", "USD"], [1, "💶" * 255], [""]]
    for last in keys:
        assert tokens.read(REQUEST, tokens.make(REQUEST, last)) == last
    assert tokens.read(REQUEST, "") is None


def test_another_page_size_goes_on_with_the_same_token() -> None:
    tokens = PageTokens(b"key")
    smaller = accounts_pb2.ListAccountsRequest(journal="main", page_size=1, page_token="x")
    assert tokens.read(smaller, tokens.make(REQUEST, ["a"])) == ["a"]


def test_refuses_a_token_with_any_one_character_changed() -> None:
    tokens = PageTokens(b"key")
    token = tokens.make(REQUEST, ["a", 1])
    for index, character in enumerate(token):
        changed = token[:index] + ("A" if character != "A" else "B") + token[index + 1 :]
        with pytest.raises(PageTokenInvalidError):
            tokens.read(REQUEST, changed)
    for wrong in (token[:-1], token + "A", token[1:], token + "=", token * 2):
        with pytest.raises(PageTokenInvalidError):
            tokens.read(REQUEST, wrong)
    with pytest.raises(PageTokenInvalidError):
        PageTokens(b"another").read(REQUEST, token)
