"""AccountSetService: sets and their members."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from ledger_proto.v1 import account_sets_pb2 as pb
from ledger_proto.v1 import events_pb2
from tests.api.calls import CREDIT, Ledger, reason, refused
from tests.books import Books

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def get(account_set: str, journal: str = "main") -> pb.GetAccountSetRequest:
    return pb.GetAccountSetRequest(journal=journal, account_set=account_set)


def add(account_set: str, *accounts: str, sets: tuple[str, ...] = (), **fields: Any) -> Any:
    return pb.AddAccountSetMembersRequest(
        **{"journal": "main"} | fields,
        account_set=account_set,
        accounts=accounts,
        member_sets=sets,
    )


def remove(account_set: str, *accounts: str, sets: tuple[str, ...] = (), **fields: Any) -> Any:
    return pb.RemoveAccountSetMembersRequest(
        **{"journal": "main"} | fields,
        account_set=account_set,
        accounts=accounts,
        member_sets=sets,
    )


async def members(ledger: Ledger, account_set: str) -> list[str]:
    """The codes of the members; those of sets in brackets."""
    request = pb.ListAccountSetMembersRequest(journal="main", account_set=account_set)
    answer = await ledger.account_sets.ListAccountSetMembers(request)
    return [f"[{one.code}]" if one.is_account_set else one.code for one in answer.members]


async def last_event(books: Books) -> events_pb2.Event:
    payload = await books.connection.fetchval(
        "SELECT payload FROM events ORDER BY sequence DESC LIMIT 1"
    )
    return events_pb2.Event.FromString(payload)


async def config_version(books: Books) -> int:
    version: int = await books.connection.fetchval("SELECT config_version FROM journal_heads")
    return version


async def test_a_set_is_as_it_was_asked_for(ledger: Ledger, books: Books) -> None:
    made = await ledger.create_set(
        "1",
        id=ID,
        name="Liabilities",
        category=pb.ACCOUNT_CATEGORY_LIABILITY,
        normal_side=CREDIT,
        metadata={"a": "b"},
    )
    assert (made.id, made.code, made.name) == (ID, "1", "Liabilities")
    assert (made.category, made.normal_side) == (pb.ACCOUNT_CATEGORY_LIABILITY, CREDIT)
    assert dict(made.metadata) == {"a": "b"}
    for reference in ("1", ID, ID.upper()):
        assert (await ledger.account_sets.GetAccountSet(get(reference))).account_set == made
    assert (await last_event(books)).account_set_created.account_set == made

    plain = await ledger.create_set("2")
    assert (plain.name, plain.category, plain.normal_side) == ("2", 0, 0)


async def test_refuses_ill_formed_sets(ledger: Ledger) -> None:
    ill_formed: list[tuple[dict[str, Any], str]] = [
        ({"code": ""}, "code"),
        ({"code": ID}, "code"),
        ({"code": "a\t"}, "code"),
        ({"code": "a", "id": "x"}, "id"),
        ({"code": "a", "name": "\0"}, "name"),
        ({"code": "a", "category": 7}, "category"),
        ({"code": "a", "normal_side": 3}, "normal_side"),
        ({"code": "a", "metadata": {"": ""}}, "metadata"),
    ]
    for fields, field in ill_formed:
        request = pb.CreateAccountSetRequest(journal="main", **fields)
        refusal = await refused(ledger.account_sets.CreateAccountSet(request))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [field])


async def test_refuses_a_code_or_id_that_is_taken(ledger: Ledger) -> None:
    await ledger.create_set("a", id=ID)
    await ledger.create_account("a", id=ID)  # accounts have codes and ids of their own
    for code, set_id, taken in (("a", "", "a"), ("b", ID.upper(), ID)):
        request = pb.CreateAccountSetRequest(journal="main", code=code, id=set_id)
        refusal = await refused(ledger.account_sets.CreateAccountSet(request))
        assert (refusal.reason, refusal.facts) == ("ACCOUNT_SET_EXISTS", {"account_set": taken})


async def test_adds_members_by_code_and_id(ledger: Ledger, books: Books) -> None:
    top, sub = await ledger.create_set("top"), await ledger.create_set("sub")
    one, two = await ledger.create_account("one"), await ledger.create_account("two")
    answer = await ledger.account_sets.AddAccountSetMembers(
        add("top", "two", one.id, "one", sets=(sub.id.upper(), "sub"))
    )
    assert answer.added_count == 3
    assert await members(ledger, top.id) == ["[sub]", "one", "two"]
    event = (await last_event(books)).account_set_members_added
    assert event.account_set_id == top.id
    assert list(event.account_ids) == [two.id, one.id]
    assert list(event.member_set_ids) == [sub.id]
    assert await config_version(books) == 2


async def test_a_member_stays_and_counts_once(ledger: Ledger, books: Books) -> None:
    await ledger.create_set("top")
    await ledger.create_account("one")
    two = await ledger.create_account("two")
    await ledger.account_sets.AddAccountSetMembers(add("top", "one"))
    answer = await ledger.account_sets.AddAccountSetMembers(add("top", "one", "two"))
    assert answer.added_count == 1
    assert list((await last_event(books)).account_set_members_added.account_ids) == [two.id]
    head = await ledger.head()
    answer = await ledger.account_sets.AddAccountSetMembers(add("top", "one", "two"))
    assert (answer.added_count, await ledger.head()) == (0, head)


async def test_adds_all_or_none(ledger: Ledger) -> None:
    await ledger.create_set("top")
    await ledger.create_account("one")
    for request, refusal_reason, facts in [
        (add("top", "one", "x"), "ACCOUNT_NOT_FOUND", {"account": "x"}),
        (add("top", "one", ID), "ACCOUNT_NOT_FOUND", {"account": ID}),
        (add("top", "top"), "ACCOUNT_NOT_FOUND", {"account": "top"}),
        (add("top", "one", sets=("x",)), "ACCOUNT_SET_NOT_FOUND", {"account_set": "x"}),
        (add("x", "one"), "ACCOUNT_SET_NOT_FOUND", {"account_set": "x"}),
        (add("top", "one", journal="x"), "JOURNAL_NOT_FOUND", {"journal": "x"}),
    ]:
        refusal = await refused(ledger.account_sets.AddAccountSetMembers(request))
        assert (refusal.reason, refusal.facts) == (refusal_reason, facts)
    assert await members(ledger, "top") == []


async def test_the_number_of_members_in_one_call(ledger: Ledger) -> None:
    await ledger.create_set("top")
    call: Callable[[Any], Any]
    for call, make in (
        (ledger.account_sets.AddAccountSetMembers, add),
        (ledger.account_sets.RemoveAccountSetMembers, remove),
    ):
        for request in (make("top"), make("top", *["a"] * 999, sets=("b", "c"))):
            refusal = await refused(call(request))
            assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["accounts"])
        refusal = await refused(call(make("top", "a", "")))
        assert refusal.fields == ["accounts[1]"]
        refusal = await refused(call(make("top", sets=("\0",))))
        assert refusal.fields == ["member_sets[0]"]


async def test_no_set_contains_itself(ledger: Ledger) -> None:
    for code in ("a", "b", "c", "d"):
        await ledger.create_set(code)
    refusal = await refused(ledger.account_sets.AddAccountSetMembers(add("a", sets=("d", "a"))))
    assert refusal.reason == "ACCOUNT_SET_CYCLE"
    assert refusal.facts == {"account_set": "a", "member": "a"}
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    await ledger.account_sets.AddAccountSetMembers(add("a", sets=("b", "c")))
    await ledger.account_sets.AddAccountSetMembers(add("b", sets=("c",)))
    await ledger.account_sets.AddAccountSetMembers(add("c", sets=("d",)))
    refusal = await refused(ledger.account_sets.AddAccountSetMembers(add("d", sets=("a",))))
    assert refusal.facts == {"account_set": "d", "member": "a"}
    assert await members(ledger, "d") == []


async def test_a_cycle_of_the_longest_codes_is_refused_in_words(ledger: Ledger) -> None:
    """Trailers have a bound, and a refusal beyond it would reach nobody."""
    code = "💶" * 255
    await ledger.create_set(code)
    for _ in range(20):  # near the bound gRPC refuses at random
        refusal = await refused(ledger.account_sets.AddAccountSetMembers(add(code, sets=(code,))))
        assert refusal.facts == {"account_set": code, "member": code}


async def test_opposite_memberships_at_once(ledger: Ledger) -> None:
    await ledger.create_set("a")
    await ledger.create_set("b")
    answers = await asyncio.gather(
        *(
            ledger.account_sets.AddAccountSetMembers(add(top, sets=(member,)))
            for _ in range(10)
            for top, member in (("a", "b"), ("b", "a"))
        ),
        return_exceptions=True,
    )
    added = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(added) == 10
    assert sum(answer.added_count for answer in added) == 1


async def test_removes_members(ledger: Ledger, books: Books) -> None:
    top, sub = await ledger.create_set("top"), await ledger.create_set("sub")
    one = await ledger.create_account("one")
    await ledger.create_account("two")
    await ledger.account_sets.AddAccountSetMembers(add("top", "one", "two", sets=("sub",)))
    answer = await ledger.account_sets.RemoveAccountSetMembers(
        remove("top", "one", one.id, sets=("sub",))
    )
    assert answer.removed_count == 2
    assert await members(ledger, "top") == ["two"]
    event = (await last_event(books)).account_set_members_removed
    assert event.account_set_id == top.id
    assert (list(event.account_ids), list(event.member_set_ids)) == ([one.id], [sub.id])
    assert await config_version(books) == 3


async def test_removes_all_or_none(ledger: Ledger) -> None:
    await ledger.create_set("top")
    await ledger.create_set("sub")
    await ledger.create_account("one")
    await ledger.create_account("two")
    await ledger.account_sets.AddAccountSetMembers(add("top", "one"))
    for request, refusal_reason, facts in [
        (remove("top", "one", "two"), "MEMBER_NOT_FOUND", {"account_set": "top", "member": "two"}),
        (
            remove("top", "one", sets=("sub",)),
            "MEMBER_NOT_FOUND",
            {"account_set": "top", "member": "sub"},
        ),
        (remove("top", "one", "x"), "ACCOUNT_NOT_FOUND", {"account": "x"}),
        (remove("top", sets=("x",)), "ACCOUNT_SET_NOT_FOUND", {"account_set": "x"}),
        (remove("x", "one"), "ACCOUNT_SET_NOT_FOUND", {"account_set": "x"}),
        (remove("top", "one", journal="x"), "JOURNAL_NOT_FOUND", {"journal": "x"}),
    ]:
        refusal = await refused(ledger.account_sets.RemoveAccountSetMembers(request))
        assert (refusal.reason, refusal.facts) == (refusal_reason, facts)
    assert await members(ledger, "top") == ["one"]


async def test_request_ids(ledger: Ledger) -> None:
    await ledger.create_account("one")
    create = pb.CreateAccountSetRequest(journal="main", code="top", request_id="r1")
    answers = await asyncio.gather(
        *(ledger.account_sets.CreateAccountSet(create) for _ in range(20))
    )
    assert all(answer == answers[0] for answer in answers)
    request = add("top", "one", request_id="r2")
    for _ in range(2):
        answer = await ledger.account_sets.AddAccountSetMembers(request)
        assert answer.added_count == 1, "the first answer, though it is a member now"
    request = remove("top", "one", request_id="r3")
    for _ in range(2):
        assert (await ledger.account_sets.RemoveAccountSetMembers(request)).removed_count == 1
    call = ledger.account_sets.AddAccountSetMembers(add("top", "one", request_id="r3"))
    assert await reason(call) == "REQUEST_ID_REUSED"


async def test_an_unknown_set_or_journal(ledger: Ledger) -> None:
    for journal, account_set, facts in (
        ("main", "x", {"account_set": "x"}),
        ("main", ID, {"account_set": ID}),
        ("x", "x", {"journal": "x"}),
    ):
        refusal = await refused(ledger.account_sets.GetAccountSet(get(account_set, journal)))
        assert refusal.facts == facts
        request = pb.ListAccountSetMembersRequest(journal=journal, account_set=account_set)
        refusal = await refused(ledger.account_sets.ListAccountSetMembers(request))
        assert refusal.facts == facts
    assert await reason(ledger.account_sets.GetAccountSet(get(""))) == "FIELD_INVALID"
