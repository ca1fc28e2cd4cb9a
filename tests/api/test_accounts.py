"""AccountService: accounts and their life."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from ledger_proto.v1 import accounts_pb2 as pb
from ledger_proto.v1 import common_pb2, events_pb2
from tests.api.calls import CREDIT, DEBIT, Ledger, reason, refused
from tests.books import Books

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def get(account: str, journal: str = "main") -> pb.GetAccountRequest:
    return pb.GetAccountRequest(journal=journal, account=account)


def create(code: str, **fields: Any) -> pb.CreateAccountRequest:
    request_id = fields.pop("request_id", "")
    fields.setdefault("normal_side", DEBIT)
    account = pb.NewAccount(code=code, **fields)
    return pb.CreateAccountRequest(journal="main", account=account, request_id=request_id)


def batch(*accounts: pb.NewAccount, request_id: str = "") -> pb.BatchCreateAccountsRequest:
    return pb.BatchCreateAccountsRequest(journal="main", accounts=accounts, request_id=request_id)


def update(account: str, *paths: str, **fields: Any) -> pb.UpdateAccountRequest:
    request = pb.UpdateAccountRequest(journal="main", account=account, **fields)
    request.update_mask.paths.extend(paths)
    return request


async def config_version(books: Books) -> int:
    version: int = await books.connection.fetchval("SELECT config_version FROM journal_heads")
    return version


async def test_an_account_is_as_it_was_asked_for(ledger: Ledger, books: Books) -> None:
    answer = await ledger.accounts.CreateAccount(
        create("Assets:US:BofA:Checking", id=ID, name="Checking", metadata={"iban": "CH93"})
    )
    account = answer.account
    assert (account.id, account.code, account.name) == (ID, "Assets:US:BofA:Checking", "Checking")
    assert (account.normal_side, account.status) == (DEBIT, pb.ACCOUNT_STATUS_ACTIVE)
    assert dict(account.metadata) == {"iban": "CH93"}
    assert account.create_time.seconds > 0
    for reference in (account.code, ID, ID.upper()):
        assert (await ledger.accounts.GetAccount(get(reference))).account == account
    event = await last_event(books)
    assert event.account_created.account == account
    assert await config_version(books) == 1, "a new account is looked up when it is missed"


async def test_name_and_id_have_defaults(ledger: Ledger) -> None:
    account = await ledger.create_account("cash", normal_side=CREDIT)
    assert (account.name, account.normal_side) == ("cash", CREDIT)
    assert uuid.UUID(account.id).version == 7


async def test_codes_in_use_elsewhere(ledger: Ledger) -> None:
    for code in ("1:2:3", "Bücher", "bücher", "BÜCHER", "日本 円", "a b", "💶", "x" * 255):
        assert (await ledger.create_account(code)).code == code
        assert (await ledger.accounts.GetAccount(get(code))).account.code == code


async def test_refuses_ill_formed_accounts(ledger: Ledger) -> None:
    many = {f"key{number}": "" for number in range(65)}
    for request, field in [
        (create(""), "account.code"),
        (create(" a"), "account.code"),
        (create("a\0"), "account.code"),
        (create("x" * 256), "account.code"),
        (create(ID), "account.code"),
        (create("a", id="7"), "account.id"),
        (create("a", id=ID.replace("-", "")), "account.id"),
        (create("a", normal_side=0), "account.normal_side"),
        (create("a", normal_side=3), "account.normal_side"),
        (create("a", name="x" * 256), "account.name"),
        (create("a", name="a\0"), "account.name"),
        (create("a", metadata=many), "account.metadata"),
        (create("a", metadata={"": "x"}), "account.metadata"),
        (create("a", metadata={"k" * 65: "x"}), "account.metadata key"),
        (create("a", metadata={"k": "x" * 1025}), "account.metadata['k']"),
        (create("a", metadata={"k": "\0"}), "account.metadata['k']"),
        (create("a", request_id="r" * 65), "request_id"),
        (pb.CreateAccountRequest(journal="main"), "account.code"),
        (pb.CreateAccountRequest(account=pb.NewAccount(code="a", normal_side=DEBIT)), "journal"),
    ]:
        refusal = await refused(ledger.accounts.CreateAccount(request))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [field]), request
    assert await ledger.head() == 1


async def test_metadata_up_to_its_limits(ledger: Ledger) -> None:
    metadata = {f"{number:064}": "ü\n\t" + "x" * 1021 for number in range(64)}
    account = await ledger.create_account("a", metadata=metadata)
    assert (await ledger.accounts.GetAccount(get("a"))).account == account
    assert dict(account.metadata) == metadata


async def test_refuses_a_code_or_id_that_is_taken(ledger: Ledger) -> None:
    await ledger.create_account("a", id=ID)
    refusal = await refused(ledger.accounts.CreateAccount(create("a")))
    assert (refusal.reason, refusal.facts) == ("ACCOUNT_EXISTS", {"account": "a"})
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    refusal = await refused(ledger.accounts.CreateAccount(create("b", id=ID.upper())))
    assert (refusal.reason, refusal.facts) == ("ACCOUNT_EXISTS", {"account": ID})


async def test_a_code_belongs_to_one_journal(ledger: Ledger) -> None:
    await ledger.create_account("a", id=ID)
    await ledger.create_journal("other")
    assert await reason(ledger.accounts.GetAccount(get(ID, "other"))) == "ACCOUNT_NOT_FOUND"
    request = create("a", id=ID)
    request.journal = "other"
    assert (await ledger.accounts.CreateAccount(request)).account.id == ID


async def test_a_batch_is_all_or_none(ledger: Ledger) -> None:
    new = [pb.NewAccount(code=f"a{number}", normal_side=DEBIT) for number in range(1_000)]
    answer = await ledger.accounts.BatchCreateAccounts(batch(*new))
    assert [account.code for account in answer.accounts] == [account.code for account in new]
    assert await ledger.head() == 1_001, "an event each"

    first, second = (pb.NewAccount(code=code, normal_side=DEBIT) for code in ("b", "a7"))
    refusal = await refused(ledger.accounts.BatchCreateAccounts(batch(first, second)))
    assert (refusal.reason, refusal.facts) == ("ACCOUNT_EXISTS", {"account": "a7"})
    assert await reason(ledger.accounts.GetAccount(get("b"))) == "ACCOUNT_NOT_FOUND"


async def test_a_batch_repeats_nothing(ledger: Ledger) -> None:
    def new(code: str, account_id: str = "") -> pb.NewAccount:
        return pb.NewAccount(code=code, id=account_id, normal_side=DEBIT)

    refusal = await refused(ledger.accounts.BatchCreateAccounts(batch(new("a"), new("a"))))
    assert (refusal.reason, refusal.facts) == ("ACCOUNT_EXISTS", {"account": "a"})
    refusal = await refused(
        ledger.accounts.BatchCreateAccounts(batch(new("a", ID), new("b", ID.upper())))
    )
    assert (refusal.reason, refusal.facts) == ("ACCOUNT_EXISTS", {"account": ID})


async def test_the_size_of_a_batch(ledger: Ledger) -> None:
    new = [pb.NewAccount(code=f"a{number}", normal_side=DEBIT) for number in range(1_001)]
    for accounts in ([], new):
        refusal = await refused(ledger.accounts.BatchCreateAccounts(batch(*accounts)))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["accounts"])
    new[1].code = ""
    refusal = await refused(ledger.accounts.BatchCreateAccounts(batch(*new[:2])))
    assert refusal.fields == ["accounts[1].code"]


async def test_the_same_request_id_creates_one_account(ledger: Ledger) -> None:
    request = create("a", request_id="r1", metadata={"x": "1", "y": "2"})
    answers = await asyncio.gather(*(ledger.accounts.CreateAccount(request) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert await ledger.head() == 2

    other = create("a", request_id="r1", metadata={"x": "1"})
    refusal = await refused(ledger.accounts.CreateAccount(other))
    assert (refusal.reason, refusal.facts) == ("REQUEST_ID_REUSED", {"request_id": "r1"})
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    lock = pb.LockAccountRequest(journal="main", account="a", request_id="r1")
    assert await reason(ledger.accounts.LockAccount(lock)) == "REQUEST_ID_REUSED"


async def test_a_refusal_is_not_remembered(ledger: Ledger) -> None:
    request = pb.LockAccountRequest(journal="main", account="a", request_id="r1")
    assert await reason(ledger.accounts.LockAccount(request)) == "ACCOUNT_NOT_FOUND"
    await ledger.create_account("a")
    assert (await ledger.accounts.LockAccount(request)).account.code == "a"


async def test_the_first_answer_comes_again_whatever_happened_since(ledger: Ledger) -> None:
    await ledger.create_account("a")
    lock = pb.LockAccountRequest(journal="main", account="a", request_id="r1")
    first = await ledger.accounts.LockAccount(lock)
    await ledger.accounts.UnlockAccount(pb.UnlockAccountRequest(journal="main", account="a"))
    assert await ledger.accounts.LockAccount(lock) == first
    now = (await ledger.accounts.GetAccount(get("a"))).account
    assert now.status == pb.ACCOUNT_STATUS_ACTIVE


async def test_one_of_many_creates_a_code(ledger: Ledger) -> None:
    answers = await asyncio.gather(
        *(ledger.accounts.CreateAccount(create("a")) for _ in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


async def test_updates_what_the_mask_names(ledger: Ledger, books: Books) -> None:
    await ledger.create_account("a", id=ID, metadata={"old": "1"})
    answer = await ledger.accounts.UpdateAccount(
        update("a", "name", name="New", metadata={"ignored": "1"})
    )
    assert (answer.account.name, dict(answer.account.metadata)) == ("New", {"old": "1"})
    answer = await ledger.accounts.UpdateAccount(
        update(ID, "metadata", name="ignored", metadata={"new": "2"})
    )
    assert (answer.account.name, dict(answer.account.metadata)) == ("New", {"new": "2"})
    assert (await last_event(books)).account_updated.account == answer.account
    answer = await ledger.accounts.UpdateAccount(update("a", "name", "metadata"))
    assert (answer.account.name, dict(answer.account.metadata)) == ("a", {})
    head = await ledger.head()
    assert await ledger.accounts.UpdateAccount(update("a", "name", "metadata")) == answer
    assert await ledger.head() == head, "nothing changed, so there is no event"
    assert await config_version(books) == 1


async def test_refuses_masks(ledger: Ledger) -> None:
    await ledger.create_account("a")
    for paths in ([], ["code"], ["name", "status"], ["*"], ["Name"], ["a__B"], [""], ["\0"]):
        refusal = await refused(ledger.accounts.UpdateAccount(update("a", *paths)))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["update_mask"]), paths


async def test_locks_and_unlocks(ledger: Ledger, books: Books) -> None:
    await ledger.create_account("a")
    lock = pb.LockAccountRequest(journal="main", account="a")
    unlock = pb.UnlockAccountRequest(journal="main", account="a")
    await ledger.accounts.UnlockAccount(unlock)
    assert await ledger.head() == 2, "it was not locked, so there is no event"
    for _ in range(2):
        answer = await ledger.accounts.LockAccount(lock)
        assert answer.account.status == pb.ACCOUNT_STATUS_LOCKED
        assert await ledger.head() == 3
    assert (await last_event(books)).account_locked.account == answer.account
    assert await config_version(books) == 2
    query = "SELECT config_version FROM accounts"
    assert await books.connection.fetchval(query) == 2, "servers that are behind find it by this"
    unlocked = (await ledger.accounts.UnlockAccount(unlock)).account
    assert unlocked.status == pb.ACCOUNT_STATUS_ACTIVE
    assert (await last_event(books)).account_unlocked.account == unlocked
    assert await books.connection.fetchval(query) == await config_version(books) == 3


async def test_a_lock_may_let_holds_end(ledger: Ledger, books: Books) -> None:
    await ledger.create_account("a")
    for head, allow in enumerate((True, False, True), start=3):
        lock = pb.LockAccountRequest(journal="main", account="a", allow_hold_ends=allow)
        for _ in range(2):
            account = (await ledger.accounts.LockAccount(lock)).account
            assert (account.status, account.lock_allows_hold_ends) == (
                pb.ACCOUNT_STATUS_LOCKED,
                allow,
            )
            assert await ledger.head() == head, "another flag is a change, the same one is not"
        assert (await last_event(books)).account_locked.account == account
        assert (await ledger.accounts.GetAccount(get("a"))).account == account
        assert await config_version(books) == head - 1
    unlock = pb.UnlockAccountRequest(journal="main", account="a")
    assert not (await ledger.accounts.UnlockAccount(unlock)).account.lock_allows_hold_ends
    await ledger.accounts.LockAccount(lock)
    close = pb.CloseAccountRequest(journal="main", account="a")
    assert not (await ledger.accounts.CloseAccount(close)).account.lock_allows_hold_ends
    assert await reason(ledger.accounts.LockAccount(lock)) == "ACCOUNT_CLOSED"


async def test_a_closed_account_stays_closed(ledger: Ledger, books: Books) -> None:
    await ledger.create_account("a")
    close = pb.CloseAccountRequest(journal="main", account="a")
    for _ in range(2):
        answer = await ledger.accounts.CloseAccount(close)
        assert answer.account.status == pb.ACCOUNT_STATUS_CLOSED
        assert await ledger.head() == 3
    assert (await last_event(books)).account_closed.account == answer.account
    for call in (
        ledger.accounts.LockAccount(pb.LockAccountRequest(journal="main", account="a")),
        ledger.accounts.UnlockAccount(pb.UnlockAccountRequest(journal="main", account="a")),
    ):
        refusal = await refused(call)
        assert (refusal.reason, refusal.facts) == ("ACCOUNT_CLOSED", {"account": "a"})
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize(("layer", "name"), [(1, "SETTLED"), (2, "PENDING"), (3, "ENCUMBRANCE")])
async def test_only_an_account_at_zero_can_be_closed(
    ledger: Ledger, books: Books, layer: int, name: str
) -> None:
    await ledger.create_account("a")
    await ledger.create_account("b")
    close = pb.CloseAccountRequest(journal="main", account="b")
    await books.post((layer, "a", 1, "2.50", "USD"), (layer, "b", 2, "2.50", "USD"))
    refusal = await refused(ledger.accounts.CloseAccount(close))
    assert refusal.reason == "ACCOUNT_NOT_EMPTY"
    assert refusal.facts == {
        "account": "b",
        "layer": name,
        "currency": "USD",
        "net_debit": "-2.50",
    }
    await books.post((layer, "a", 2, "2.50", "USD"), (layer, "b", 1, "2.50", "USD"))
    await books.hold("b", "USD", "1", "1")
    refusal = await refused(ledger.accounts.CloseAccount(close))
    assert (refusal.reason, refusal.facts["layer"]) == ("ACCOUNT_NOT_EMPTY", "PENDING")
    await books.hold("b", "USD", "0", "0")
    assert (await ledger.accounts.CloseAccount(close)).account.status == pb.ACCOUNT_STATUS_CLOSED


async def test_lists_by_prefix_and_status(ledger: Ledger) -> None:
    for code in ("a", "a:1", "a:2", "a:2💶", "a_", "b", "Z", "ä"):
        await ledger.create_account(code)
    await ledger.accounts.LockAccount(pb.LockAccountRequest(journal="main", account="a:2"))

    async def codes(**filters: Any) -> list[str]:
        request = pb.ListAccountsRequest(journal="main", **filters)
        return [account.code for account in (await ledger.accounts.ListAccounts(request)).accounts]

    assert await codes() == ["Z", "a", "a:1", "a:2", "a:2💶", "a_", "b", "ä"]
    assert await codes(code_prefix="a:") == ["a:1", "a:2", "a:2💶"]
    assert await codes(code_prefix="a:2") == ["a:2", "a:2💶"]
    assert await codes(code_prefix="%") == []
    assert await codes(code_prefix="a_") == ["a_"]
    assert await codes(status=pb.ACCOUNT_STATUS_LOCKED) == ["a:2"]
    assert await codes(code_prefix="a:", status=pb.ACCOUNT_STATUS_ACTIVE) == ["a:1", "a:2💶"]
    for request in (
        pb.ListAccountsRequest(journal="main", code_prefix="\0"),
        pb.ListAccountsRequest(journal="main", status=9),  # type: ignore[arg-type]  # no status
    ):
        assert await reason(ledger.accounts.ListAccounts(request)) == "FIELD_INVALID"


NAME_ALONE = FieldMask(paths=["name"])
REQUESTS: list[tuple[str, Callable[[str, str], Any]]] = [
    ("GetAccount", lambda j, a: pb.GetAccountRequest(journal=j, account=a)),
    ("LockAccount", lambda j, a: pb.LockAccountRequest(journal=j, account=a)),
    ("UnlockAccount", lambda j, a: pb.UnlockAccountRequest(journal=j, account=a)),
    ("CloseAccount", lambda j, a: pb.CloseAccountRequest(journal=j, account=a)),
    (
        "UpdateAccount",
        lambda j, a: pb.UpdateAccountRequest(journal=j, account=a, update_mask=NAME_ALONE),
    ),
]


async def test_an_unknown_account_or_journal(ledger: Ledger) -> None:
    for method, request in REQUESTS:
        call = getattr(ledger.accounts, method)
        for reference in ("nobody", ID):
            refusal = await refused(call(request("main", reference)))
            assert (refusal.reason, refusal.facts) == ("ACCOUNT_NOT_FOUND", {"account": reference})
        refusal = await refused(call(request("nowhere", "a")))
        assert (refusal.reason, refusal.facts) == ("JOURNAL_NOT_FOUND", {"journal": "nowhere"})
        for reference in ("", "\0", "x" * 256):
            refusal = await refused(call(request("main", reference)))
            assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["account"]), method


async def last_event(books: Books) -> events_pb2.Event:
    payload = await books.connection.fetchval(
        "SELECT payload || coalesce(personal, '') FROM events ORDER BY sequence DESC LIMIT 1"
    )
    return events_pb2.Event.FromString(payload)


def test_directions_have_the_same_numbers_in_both_worlds() -> None:
    assert (common_pb2.DIRECTION_DEBIT, common_pb2.DIRECTION_CREDIT) == (1, 2)
