"""ListLimitUses: how much of the limits on an account is used, and what is left."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger_proto.v1 import account_sets_pb2, holds_pb2, holds_pb2_grpc
from ledger_proto.v1 import limits_pb2 as pb
from tests.api.calls import CREDIT, DEBIT
from tests.ledger import PostingLedger, serving, transfer

EACH, WHOLE = pb.LIMIT_SCOPE_EACH_ACCOUNT, pb.LIMIT_SCOPE_WHOLE_SET


class LimitedLedger(PostingLedger):
    """A ledger in which limits are made and looked at the short way."""

    async def limit(self, code: str, rule: pb.StandingLimit | pb.VelocityLimit) -> None:
        limit = pb.Limit(code=code, currency="USD")
        if isinstance(rule, pb.StandingLimit):
            limit.standing.CopyFrom(rule)
        else:
            limit.velocity.CopyFrom(rule)
        await self.limits.CreateLimit(pb.CreateLimitRequest(journal=self.journal, limit=limit))

    async def attach(self, code: str, **target: Any) -> None:
        await self.limits.AttachLimit(
            pb.AttachLimitRequest(journal=self.journal, limit=code, **target)
        )

    async def detach(self, code: str, **target: Any) -> None:
        await self.limits.DetachLimit(
            pb.DetachLimitRequest(journal=self.journal, limit=code, **target)
        )

    async def allow_no_less(self, available_min: str, account: str) -> None:
        """Bind an account by a standing limit of its own, under the code MIN."""
        await self.limit("MIN", standing(available_min))
        await self.attach("MIN", account=account)

    async def uses(self, account: str = "cash") -> dict[str, tuple[str, str]]:
        """Return what is used and left, by limit."""
        return {one.limit.code: (one.used, one.left) for one in await self.list_uses(account)}

    async def list_uses(self, account: str = "cash") -> list[pb.LimitUse]:
        answer = await self.limits.ListLimitUses(
            pb.ListLimitUsesRequest(journal=self.journal, account=account)
        )
        return list(answer.uses)

    async def hold(self, debit: str, credit: str, amount: str) -> str:
        asked = transfer(debit, credit, amount)
        await holds_pb2_grpc.HoldServiceStub(self.channel).PlaceHold(
            holds_pb2.PlaceHoldRequest(journal=self.journal, transaction=asked)
        )
        return asked.transaction_id


@pytest.fixture
async def ledger(database_dsn: str) -> Any:
    async with serving(database_dsn) as running:
        opened = LimitedLedger(running.channel)
        await opened.open("cash", "till", "income")
        yield opened


def standing(available_min: str) -> pb.StandingLimit:
    return pb.StandingLimit(available_min=available_min)


def velocity(amount_max: str, **fields: Any) -> pb.VelocityLimit:
    given: dict[str, Any] = {
        "direction": CREDIT,
        "measure": pb.VELOCITY_MEASURE_GROSS,
        "window": pb.VELOCITY_WINDOW_DAY,
    }
    return pb.VelocityLimit(amount_max=amount_max, **given | fields)


async def test_nothing_binds_an_account_at_first(ledger: LimitedLedger) -> None:
    assert await ledger.uses() == {}


async def test_standing_limits_look_at_what_is_available(ledger: LimitedLedger) -> None:
    await ledger.limit("overdraft", standing("-20"))
    await ledger.attach("overdraft", account="cash")
    assert await ledger.uses() == {"overdraft": ("0", "20")}
    await ledger.post(transfer("cash", "income", "100"))
    assert await ledger.uses() == {"overdraft": ("100", "120")}
    await ledger.hold("income", "cash", "30")
    assert await ledger.uses() == {"overdraft": ("70", "90")}, "money held is not there"
    await ledger.hold("cash", "income", "30")
    assert await ledger.uses() == {"overdraft": ("70", "90")}, "money coming in is not there yet"
    (use,) = await ledger.list_uses()
    assert use.attachment.account_id
    assert use.attachment.scope == EACH
    assert not use.HasField("window_start")
    await ledger.limits.UpdateLimit(
        pb.UpdateLimitRequest(journal="main", code="overdraft", bound="100")
    )
    assert await ledger.uses() == {"overdraft": ("70", "-30")}, "passed before it was there"


async def test_a_whole_set_counts_each_account_once(ledger: LimitedLedger) -> None:
    """A diamond: top holds both sets, both hold cash, and one holds till."""
    for code, accounts, sets in (
        ("left", ["cash"], []),
        ("right", ["cash", "till"], []),
        ("top", [], ["left", "right"]),
    ):
        await ledger.create_set(code, normal_side=DEBIT)
        await ledger.account_sets.AddAccountSetMembers(
            account_sets_pb2.AddAccountSetMembersRequest(
                journal="main", account_set=code, accounts=accounts, member_sets=sets
            )
        )
    await ledger.limit("whole", standing("5"))
    await ledger.attach("whole", account_set="top", scope=WHOLE)
    await ledger.post(transfer("cash", "income", "10"))
    await ledger.post(transfer("till", "income", "7"))
    await ledger.hold("income", "till", "2")
    for account in ("cash", "till"):
        assert await ledger.uses(account) == {"whole": ("15", "10")}
    (use,) = await ledger.list_uses()
    assert (use.attachment.account_id, use.attachment.scope) == ("", WHOLE)
    assert use.attachment.account_set_id
    assert await ledger.uses("income") == {}


async def test_velocity_limits_look_at_what_moved(ledger: LimitedLedger) -> None:
    await ledger.post(transfer("cash", "income", "500"))
    await ledger.post(transfer("till", "cash", "40"))
    rules = {
        "gross": velocity("100"),
        "life": velocity("1000", window=pb.VELOCITY_WINDOW_LIFE),
        "net": velocity("0", measure=pb.VELOCITY_MEASURE_NET),
        "other": velocity("100", condition="params.template == 'X'"),
        "rolling": velocity("50", window=pb.VELOCITY_WINDOW_ROLLING, rolling_seconds=3600),
    }
    for code, rule in rules.items():
        await ledger.limit(code, rule)
        await ledger.attach(code, account="cash")
    assert await ledger.uses() == {
        "gross": ("40", "60"),
        "life": ("40", "960"),
        "net": ("-460", "460"),
        "other": ("0", "100"),
        "rolling": ("40", "10"),
    }, "what is there already counts"
    await ledger.post(transfer("till", "cash", "10"))
    assert (await ledger.uses())["gross"] == ("50", "50")
    assert (await ledger.uses())["rolling"] == ("50", "0")
    starts = {one.limit.code: one for one in await ledger.list_uses()}
    assert not starts["life"].HasField("window_start")
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert starts["gross"].window_start.ToDatetime(UTC) == midnight


async def test_what_moved_while_a_limit_was_off_counts_when_it_is_back(
    ledger: LimitedLedger,
) -> None:
    await ledger.limit("gross", velocity("100"))
    await ledger.attach("gross", account="cash")
    await ledger.post(transfer("till", "cash", "10"))
    await ledger.detach("gross", account="cash")
    await ledger.post(transfer("till", "cash", "20"))
    await ledger.attach("gross", account="cash")
    await ledger.post(transfer("till", "cash", "30"))
    assert await ledger.uses() == {"gross": ("60", "40")}


async def test_what_moved_while_an_account_was_out_of_the_set_counts_too(
    ledger: LimitedLedger,
) -> None:
    await ledger.create_set("low")
    await ledger.create_set("top")
    add = account_sets_pb2.AddAccountSetMembersRequest
    remove = account_sets_pb2.RemoveAccountSetMembersRequest
    members: dict[str, Any] = {"journal": "main", "account_set": "low", "accounts": ["cash"]}
    sets: dict[str, Any] = {"journal": "main", "account_set": "top", "member_sets": ["low"]}
    await ledger.account_sets.AddAccountSetMembers(add(**members))
    await ledger.account_sets.AddAccountSetMembers(add(**sets))
    await ledger.limit("gross", velocity("100"))
    await ledger.attach("gross", account_set="top")
    for moved, fields in ((1, members), (2, sets)):
        await ledger.post(transfer("till", "cash", "10"))
        await ledger.account_sets.RemoveAccountSetMembers(remove(**fields))
        assert await ledger.uses() == {}
        await ledger.post(transfer("till", "cash", "5"))
        await ledger.account_sets.AddAccountSetMembers(add(**fields))
        assert await ledger.uses() == {"gross": (str(15 * moved), str(100 - 15 * moved))}
