"""LimitService: limits made, changed, attached and detached."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import account_sets_pb2, events_pb2
from ledger_proto.v1 import limits_pb2 as pb
from tests.api.calls import CREDIT, DEBIT, Ledger, reason, refused
from tests.books import Books

EACH, WHOLE = pb.LIMIT_SCOPE_EACH_ACCOUNT, pb.LIMIT_SCOPE_WHOLE_SET
ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def limit(code: str = "L", available_min: str = "0", **fields: Any) -> pb.Limit:
    """Return a standing limit in dollars, unless another rule or currency is given."""
    if "velocity" not in fields:
        fields.setdefault("standing", pb.StandingLimit(available_min=available_min))
    return pb.Limit(**{"code": code, "currency": "USD"} | fields)


def velocity(**fields: Any) -> pb.VelocityLimit:
    given: dict[str, Any] = {
        "amount_max": "1000",
        "direction": DEBIT,
        "measure": pb.VELOCITY_MEASURE_GROSS,
        "window": pb.VELOCITY_WINDOW_DAY,
    }
    return pb.VelocityLimit(**given | fields)


def create(made: pb.Limit, **fields: str) -> pb.CreateLimitRequest:
    return pb.CreateLimitRequest(**{"journal": "main"} | fields, limit=made)


def update(code: str = "L", **fields: str) -> pb.UpdateLimitRequest:
    return pb.UpdateLimitRequest(**{"journal": "main", "code": code} | fields)


def attach(code: str = "L", **fields: Any) -> pb.AttachLimitRequest:
    return pb.AttachLimitRequest(**{"journal": "main", "limit": code} | fields)


def detach(code: str = "L", **fields: str) -> pb.DetachLimitRequest:
    return pb.DetachLimitRequest(**{"journal": "main", "limit": code} | fields)


async def attachments(ledger: Ledger, code: str = "L") -> list[tuple[str, str, int]]:
    answer = await ledger.limits.GetLimit(pb.GetLimitRequest(journal="main", code=code))
    assert not answer.next_page_token
    return [(one.account_id, one.account_set_id, one.scope) for one in answer.attachments]


async def config_version(books: Books) -> int:
    version: int = await books.connection.fetchval("SELECT config_version FROM journal_heads")
    return version


async def last_event(books: Books) -> events_pb2.Event:
    payload = await books.connection.fetchval(
        "SELECT payload FROM events ORDER BY sequence DESC LIMIT 1"
    )
    return events_pb2.Event.FromString(payload)


async def test_a_limit_is_as_it_was_asked_for(ledger: Ledger, books: Books) -> None:
    rolling = velocity(
        measure=pb.VELOCITY_MEASURE_NET,
        window=pb.VELOCITY_WINDOW_ROLLING,
        rolling_seconds=90,
        condition="params.template == 'CARD'",
    )
    for asked in (
        limit("overdraft", "-500.5", name="At most 500 below"),
        limit("A.b_c-9", "0", currency="JPY"),
        limit("x" * 64, velocity=rolling),
        limit("life", velocity=velocity(window=pb.VELOCITY_WINDOW_LIFE, direction=CREDIT)),
        limit("none", velocity=velocity(amount_max="0")),
    ):
        made = (await ledger.limits.CreateLimit(create(asked))).limit
        assert made.create_time.seconds > 0
        assert (await last_event(books)).limit_created.limit == made
        answer = await ledger.limits.GetLimit(pb.GetLimitRequest(journal="main", code=asked.code))
        assert answer == pb.GetLimitResponse(limit=made)
        asked.name = asked.name or asked.code
        made.ClearField("create_time")
        assert made == asked
    assert await config_version(books) == 1, "a limit that binds nothing concerns nobody"


async def test_refuses_ill_formed_limits(ledger: Ledger) -> None:
    rolling = pb.VELOCITY_WINDOW_ROLLING
    for asked, refusal_reason, field in [
        (limit(""), "FIELD_INVALID", "limit.code"),
        (limit("a b"), "FIELD_INVALID", "limit.code"),
        (limit("ä"), "FIELD_INVALID", "limit.code"),
        (limit("a\n"), "FIELD_INVALID", "limit.code"),
        (limit("x" * 65), "FIELD_INVALID", "limit.code"),
        (limit(name="x" * 256), "FIELD_INVALID", "limit.name"),
        (limit(currency="usd"), "FIELD_INVALID", "limit.currency"),
        (pb.Limit(code="L", currency="USD"), "FIELD_INVALID", "limit.rule"),
        (limit(available_min=""), "AMOUNT_INVALID", "limit.standing.available_min"),
        (limit(available_min="1e3"), "AMOUNT_INVALID", "limit.standing.available_min"),
        (limit(available_min="-0"), "AMOUNT_INVALID", "limit.standing.available_min"),
        (limit(available_min="NaN"), "AMOUNT_INVALID", "limit.standing.available_min"),
        (limit(available_min="0.005"), "AMOUNT_INVALID", "limit.standing.available_min"),
        (limit(available_min="1" * 39), "AMOUNT_INVALID", "limit.standing.available_min"),
        (limit(velocity=velocity(amount_max="-1")), "AMOUNT_INVALID", "limit.velocity.amount_max"),
        (limit(velocity=velocity(amount_max="x")), "AMOUNT_INVALID", "limit.velocity.amount_max"),
        (limit(velocity=velocity(direction=0)), "FIELD_INVALID", "limit.velocity.direction"),
        (limit(velocity=velocity(measure=0)), "FIELD_INVALID", "limit.velocity.measure"),
        (limit(velocity=velocity(measure=9)), "FIELD_INVALID", "limit.velocity.measure"),
        (limit(velocity=velocity(window=0)), "FIELD_INVALID", "limit.velocity.window"),
        (
            limit(velocity=velocity(window=rolling)),
            "FIELD_INVALID",
            "limit.velocity.rolling_seconds",
        ),
        (
            limit(velocity=velocity(window=rolling, rolling_seconds=31_622_401)),
            "FIELD_INVALID",
            "limit.velocity.rolling_seconds",
        ),
        (
            limit(velocity=velocity(rolling_seconds=60)),
            "FIELD_INVALID",
            "limit.velocity.rolling_seconds",
        ),
        (
            limit(velocity=velocity(condition="params.units >")),
            "LIMIT_INVALID",
            "limit.velocity.condition",
        ),
    ]:
        refusal = await refused(ledger.limits.CreateLimit(create(asked)))
        assert (refusal.reason, refusal.fields) == (refusal_reason, [field]), asked
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    refusal = await refused(ledger.limits.CreateLimit(create(limit(currency="XYZ"))))
    assert (refusal.reason, refusal.facts["currency"]) == ("CURRENCY_UNKNOWN", "XYZ")
    assert await ledger.head() == 1


async def test_a_condition_tells_all_its_mistakes(ledger: Ledger) -> None:
    asked = limit(velocity=velocity(condition="params.unit > decimal('1') && params.x == 'y'"))
    refusal = await refused(ledger.limits.CreateLimit(create(asked)))
    assert (refusal.reason, refusal.fields) == ("LIMIT_INVALID", ["limit.velocity.condition"] * 2)


async def test_a_code_belongs_to_one_limit_of_a_journal(ledger: Ledger) -> None:
    await ledger.limits.CreateLimit(create(limit()))
    refusal = await refused(ledger.limits.CreateLimit(create(limit(available_min="7"))))
    assert (refusal.reason, refusal.facts) == ("LIMIT_EXISTS", {"limit": "L"})
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    await ledger.create_journal("other")
    await ledger.limits.CreateLimit(create(limit(), journal="other"))


async def test_updates_name_and_bound(ledger: Ledger, books: Books) -> None:
    await ledger.limits.CreateLimit(create(limit(name="One")))
    await ledger.limits.CreateLimit(create(limit("V", velocity=velocity())))
    head = await ledger.head()
    for unchanged in (update(), update(name="One"), update(bound="0.00"), update("V")):
        await ledger.limits.UpdateLimit(unchanged)
    assert (await ledger.head(), await config_version(books)) == (head, 1)

    changed = (await ledger.limits.UpdateLimit(update(name="Two"))).limit
    assert (changed.name, changed.standing.available_min) == ("Two", "0")
    changed = (await ledger.limits.UpdateLimit(update(bound="-12.5"))).limit
    assert (changed.name, changed.standing.available_min) == ("Two", "-12.5")
    assert (await last_event(books)).limit_updated.limit == changed
    changed = (await ledger.limits.UpdateLimit(update("V", bound="7"))).limit
    assert changed.velocity == velocity(amount_max="7")
    assert (await ledger.head(), await config_version(books)) == (head + 3, 4)
    for request, refusal_reason, field in [
        (update(bound="1.001"), "AMOUNT_INVALID", "bound"),
        (update(bound="x"), "AMOUNT_INVALID", "bound"),
        (update("V", bound="-1"), "AMOUNT_INVALID", "bound"),
        (update(name="x" * 256), "FIELD_INVALID", "name"),
    ]:
        refusal = await refused(ledger.limits.UpdateLimit(request))
        assert (refusal.reason, refusal.fields) == (refusal_reason, [field])


async def test_lists_by_code_in_pages(ledger: Ledger) -> None:
    for code in ("b", "a", "c", "B"):
        await ledger.limits.CreateLimit(create(limit(code)))
    listed: list[str] = []
    token = ""
    for size in (3, 1):
        page = await ledger.limits.ListLimits(
            pb.ListLimitsRequest(journal="main", page_size=3, page_token=token)
        )
        assert len(page.limits) == size
        listed += [one.code for one in page.limits]
        token = page.next_page_token
    assert (listed, token) == (["B", "a", "b", "c"], "")


async def test_attaches_and_detaches(ledger: Ledger, books: Books) -> None:
    account = await ledger.create_account("a")
    top = await ledger.create_set("top", normal_side=CREDIT)
    await ledger.limits.CreateLimit(create(limit()))
    head = await ledger.head()
    steps: list[tuple[dict[str, Any], tuple[str, str, int]]] = [
        ({"account": "a"}, (account.id, "", EACH)),
        ({"account_set": top.id, "scope": EACH}, ("", top.id, EACH)),
        ({"account_set": "top", "scope": WHOLE}, ("", top.id, WHOLE)),
    ]
    for number, (target, expected) in enumerate(steps, start=1):
        for _ in range(2):
            attached = (await ledger.limits.AttachLimit(attach(**target))).attachment
            assert attached.limit == "L"
            found = (attached.account_id, attached.account_set_id, attached.scope)
            assert found == expected
            assert await ledger.head() == head + number, "the second time changes nothing"
        assert (await last_event(books)).limit_attached.attachment == attached
        assert await config_version(books) == 1 + number
    assert await attachments(ledger) == [steps[0][1], steps[2][1]]

    for target, expected in ({"account_set": "top"}, steps[2][1]), ({"account": "a"}, steps[0][1]):
        gone = (await ledger.limits.DetachLimit(detach(**target))).attachment
        assert (gone.account_id, gone.account_set_id, gone.scope) == expected
        assert (await last_event(books)).limit_detached.attachment == gone
        refusal = await refused(ledger.limits.DetachLimit(detach(**target)))
        facts = {"limit": "L", "target": "".join(target.values())}
        assert (refusal.reason, refusal.facts) == ("LIMIT_NOT_ATTACHED", facts)
        assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert await attachments(ledger) == []
    assert await config_version(books) == 6


async def test_what_binds_through_a_set_is_detached_from_the_set(ledger: Ledger) -> None:
    await ledger.create_account("a")
    await ledger.create_set("top")
    await ledger.account_sets.AddAccountSetMembers(
        account_sets_pb2.AddAccountSetMembersRequest(
            journal="main", account_set="top", accounts=["a"]
        )
    )
    await ledger.limits.CreateLimit(create(limit()))
    await ledger.limits.AttachLimit(attach(account_set="top"))
    assert await reason(ledger.limits.DetachLimit(detach(account="a"))) == "LIMIT_NOT_ATTACHED"


async def test_a_whole_set_needs_a_side_and_a_standing_limit(ledger: Ledger) -> None:
    await ledger.create_account("a")
    await ledger.create_set("sideless")
    await ledger.create_set("top", normal_side=CREDIT)
    await ledger.limits.CreateLimit(create(limit()))
    await ledger.limits.CreateLimit(create(limit("V", velocity=velocity())))
    head = await ledger.head()
    for request in (
        attach(account_set="sideless", scope=WHOLE),
        attach(account="a", scope=WHOLE),
        attach("V", account_set="top", scope=WHOLE),
    ):
        refusal = await refused(ledger.limits.AttachLimit(request))
        assert (refusal.reason, refusal.fields) == ("LIMIT_INVALID", ["scope"]), request
    assert await ledger.head() == head
    await ledger.limits.AttachLimit(attach(account_set="sideless"))
    await ledger.limits.AttachLimit(attach("V", account_set="top"))


async def test_attachments_come_in_pages(ledger: Ledger) -> None:
    await ledger.limits.CreateLimit(create(limit()))
    accounts = sorted([(await ledger.create_account(code)).id for code in "abc"])
    sets = sorted([(await ledger.create_set(code)).id for code in "ab"])
    for code in "abc":
        await ledger.limits.AttachLimit(attach(account=code))
    for code in "ab":
        await ledger.limits.AttachLimit(attach(account_set=code))
    listed: list[str] = []
    token = ""
    for size in (2, 2, 1):
        request = pb.GetLimitRequest(journal="main", code="L", page_size=2, page_token=token)
        page = await ledger.limits.GetLimit(request)
        assert len(page.attachments) == size
        listed += [one.account_id or one.account_set_id for one in page.attachments]
        token = page.next_page_token
    assert (listed, token) == (accounts + sets, "")


async def test_refuses_what_is_not_there(ledger: Ledger) -> None:
    await ledger.limits.CreateLimit(create(limit()))
    calls = ledger.limits
    cases: list[tuple[Callable[[Any], Any], Any, str, str]] = [
        (calls.GetLimit, pb.GetLimitRequest(journal="main", code="x"), "LIMIT_NOT_FOUND", "limit"),
        (calls.UpdateLimit, update("x", bound="1"), "LIMIT_NOT_FOUND", "limit"),
        (calls.AttachLimit, attach("x", account="x"), "LIMIT_NOT_FOUND", "limit"),
        (calls.DetachLimit, detach("x", account="x"), "LIMIT_NOT_FOUND", "limit"),
        (calls.AttachLimit, attach(account="x"), "ACCOUNT_NOT_FOUND", "account"),
        (calls.AttachLimit, attach(account_set="x"), "ACCOUNT_SET_NOT_FOUND", "account_set"),
        (calls.DetachLimit, detach(account="x"), "ACCOUNT_NOT_FOUND", "account"),
        (calls.DetachLimit, detach(account_set="x"), "ACCOUNT_SET_NOT_FOUND", "account_set"),
        (
            calls.ListLimitUses,
            pb.ListLimitUsesRequest(journal="main", account="x"),
            "ACCOUNT_NOT_FOUND",
            "account",
        ),
        (calls.CreateLimit, create(limit(), journal="x"), "JOURNAL_NOT_FOUND", "journal"),
        (calls.ListLimits, pb.ListLimitsRequest(journal="x"), "JOURNAL_NOT_FOUND", "journal"),
        (
            calls.ListLimitUses,
            pb.ListLimitUsesRequest(journal="x", account="x"),
            "JOURNAL_NOT_FOUND",
            "journal",
        ),
    ]
    for call, request, refusal_reason, facts in cases:
        refusal = await refused(call(request))
        assert (refusal.reason, refusal.facts) == (refusal_reason, {facts: "x"}), request
        assert refusal.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "account"),
        ({"account": "a", "account_set": "s"}, "account"),
        ({"account": "\0"}, "account"),
        ({"account_set": "\0"}, "account_set"),
        ({"limit": "", "account": "a"}, "limit"),
        ({"journal": "", "account": "a"}, "journal"),
        ({"account": "a", "request_id": "x" * 65}, "request_id"),
    ],
)
async def test_refuses_ill_formed_targets(
    ledger: Ledger, fields: dict[str, str], field: str
) -> None:
    for call in (
        ledger.limits.AttachLimit(attach(**fields)),
        ledger.limits.DetachLimit(detach(**fields)),
    ):
        refusal = await refused(call)
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [field])


async def test_request_ids(ledger: Ledger) -> None:
    await ledger.create_account("a")
    calls: list[tuple[Callable[[Any], Any], Any]] = [
        (ledger.limits.CreateLimit, create(limit(), request_id="r1")),
        (ledger.limits.UpdateLimit, update(bound="-1", request_id="r2")),
        (ledger.limits.AttachLimit, attach(account="a", request_id="r3")),
        (ledger.limits.DetachLimit, detach(account="a", request_id="r4")),
    ]
    first: list[Any] = []
    for call, request in calls:
        answers = await asyncio.gather(*(call(request) for _ in range(10)))
        assert all(answer == answers[0] for answer in answers)
        first.append(answers[0])
    assert await ledger.head() == 6, "the journal, the account, and an event each"
    for (call, request), answer in zip(calls, first, strict=True):
        assert await call(request) == answer, "the first answer, whatever happened since"
    reused = ledger.limits.UpdateLimit(update(bound="-2", request_id="r2"))
    assert await reason(reused) == "REQUEST_ID_REUSED"
