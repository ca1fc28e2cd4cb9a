"""Governance over its API, on a real database."""

import asyncio
import collections
import datetime as dt
import uuid
from typing import Any

import asyncpg
import grpc

from bank_proto.governance.v1 import governance_pb2 as pb
from bank_proto.operations.v1 import operations_pb2
from bank_proto.operations.v1.operations_pb2_grpc import OperationsServiceStub
from tests.banking.bank import START, eventually
from tests.banking.governance.committee import governance_in_process

CONCLUDED = "governance.approval-process-concluded"
COMMITTEE = pb.RULE_KIND_COMMITTEE


def people(count: int) -> list[uuid.UUID]:
    return [uuid.uuid4() for _ in range(count)]


async def test_two_of_three_approve_and_every_step_is_an_event(
    ledger_dsn: str, bank_dsn: str
) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        first, second, third = people(3)
        committee = await governance.committee(first, second, third)
        process_type = await governance.policy(committee, 2)
        process = await governance.start(process_type)
        assert process.status == pb.PROCESS_STATUS_PENDING
        assert await governance.start(process_type, process_id=process.id) == process
        voted = await governance.ask("Approve", by=first, process_id=process.id)
        assert voted.process.status == pb.PROCESS_STATUS_PENDING
        assert await governance.ask("Approve", by=first, process_id=process.id) == voted
        assert await governance.refused("Deny", by=first, process_id=process.id, reason="no") == (
            "VOTE_CAST"
        )
        outsider = uuid.uuid4()
        assert await governance.refused("Approve", by=outsider, process_id=process.id) == (
            "NOT_A_MEMBER"
        )
        ended = await governance.ask("Approve", by=third, process_id=process.id)
        assert ended.process.status == pb.PROCESS_STATUS_APPROVED
        assert [vote.voter_id for vote in ended.process.votes] == [str(first), str(third)]
        assert await governance.refused("Approve", by=second, process_id=process.id) == (
            "PROCESS_CONCLUDED"
        )
        common = {"id": process.id, "process_type": process_type}
        about = await governance.events(process.id)
        assert about == [
            (
                "governance.approval-process-started",
                {
                    **common,
                    "target_ref": "withdrawal 7",
                    "committee_id": committee.id,
                    "threshold": 2,
                    "expires_at": None,
                },
            ),
            (
                "governance.vote-cast",
                {**common, "voter_id": str(first), "decision": "approve"},
            ),
            (
                "governance.vote-cast",
                {**common, "voter_id": str(third), "decision": "approve"},
            ),
            (
                CONCLUDED,
                {
                    **common,
                    "approved": True,
                    "denied_reason": None,
                    "target_ref": "withdrawal 7",
                },
            ),
        ]


async def test_a_committee_that_shrinks_denies_what_it_can_no_longer_approve(
    ledger_dsn: str, bank_dsn: str
) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        first, second, third = people(3)
        committee = await governance.committee(first, second, third)
        both = await governance.policy(committee, 2)
        early, late = await governance.start(both), await governance.start(both)
        await governance.ask("Approve", by=first, process_id=early.id)
        gone: dict[str, Any] = {"committee_id": committee.id, "user_id": str(first)}
        left = await governance.ask("RemoveMember", **gone)
        assert left.committee.member_ids == [str(second), str(third)]
        assert (await governance.process(early)).votes == []
        await governance.ask("Approve", by=second, process_id=early.id)
        approved = await governance.ask("Approve", by=third, process_id=early.id)
        assert approved.process.status == pb.PROCESS_STATUS_APPROVED
        await governance.ask("RemoveMember", committee_id=committee.id, user_id=str(third))
        denied = await governance.process(late)
        assert denied.status == pb.PROCESS_STATUS_DENIED
        assert denied.denied_reason.startswith("COMMITTEE_TOO_SMALL")
        assert (await governance.process(early)).status == pb.PROCESS_STATUS_APPROVED
        at_once = await governance.start(both)
        assert at_once.status == pb.PROCESS_STATUS_DENIED
        (concluded,) = [
            payload for kind, payload in await governance.events(at_once.id) if kind == CONCLUDED
        ]
        assert concluded["denied_reason"] == at_once.denied_reason


async def test_rules_are_those_of_the_start(ledger_dsn: str, bank_dsn: str) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        asking, other = people(2)
        committee = await governance.committee(asking, other)
        kind = await governance.policy(committee, 1, exclude_initiator=True)
        process = await governance.start(kind, initiator=f"user:{asking}")
        loose = pb.Rules(kind=pb.RULE_KIND_AUTO_APPROVE)
        changed = await governance.ask("SetPolicy", process_type=kind, rules=loose)
        assert (await governance.start(kind)).status == pb.PROCESS_STATUS_APPROVED
        assert await governance.refused("Approve", by=asking, process_id=process.id) == (
            "INITIATOR_EXCLUDED"
        )
        denied = await governance.ask("Deny", by=other, process_id=process.id, reason="too much")
        assert denied.process.denied_reason == "too much"
        assert denied.process.rules.exclude_initiator
        got = await governance.ask("GetPolicy", process_type=kind)
        assert got.policy == changed.policy
        assert [name for name, _ in await governance.events(got.policy.id)] == [
            "governance.policy-changed"
        ] * 2


async def test_time_ends_a_process(ledger_dsn: str, bank_dsn: str) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        (member,) = people(1)
        committee = await governance.committee(member)
        short = await governance.policy(committee, 1, expire_after_hours=2)
        process = await governance.start(short)
        lasting = await governance.start(await governance.policy(committee, 1))
        governance.bank.clock.set(START + dt.timedelta(hours=2))
        assert await governance.refused("Approve", by=member, process_id=process.id) == (
            "PROCESS_CONCLUDED"
        )

        async def has_ended() -> bool:
            return (await governance.process(process)).status != pb.PROCESS_STATUS_PENDING

        await eventually(has_ended)
        ended = await governance.process(process)
        assert (ended.status, ended.denied_reason) == (pb.PROCESS_STATUS_EXPIRED, "expired")
        (payload,) = [p for kind, p in await governance.events(process.id) if kind == CONCLUDED]
        assert (payload["approved"], payload["denied_reason"]) == (False, "expired")
        assert (await governance.process(lasting)).status == pb.PROCESS_STATUS_PENDING


async def test_votes_and_departures_at_once_end_each_process_once(
    ledger_dsn: str, bank_dsn: str
) -> None:
    """All members vote for, one against, and one leaves, while more processes start."""
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        members = people(4)
        committee = await governance.committee(*members)
        kind = await governance.policy(committee, 4)
        processes = [await governance.start(kind) for _ in range(4)]

        async def tolerant(rpc: str, **asked: Any) -> None:
            try:
                await governance.ask(rpc, **asked)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                    raise

        late = [str(uuid.uuid4()) for _ in range(8)]
        await asyncio.gather(
            *(
                tolerant("Approve", by=member, process_id=process.id)
                for process in processes
                for member in members
            ),
            tolerant("Deny", by=members[0], process_id=processes[0].id, reason="no"),
            tolerant("RemoveMember", committee_id=committee.id, user_id=str(members[3])),
            *(governance.start(kind, process_id=each) for each in late),
        )
        # Three are left of four that are needed: nothing may still wait.
        ids = [*(process.id for process in processes), *late]
        ended = [
            event.payload["id"]
            for event in await governance.bank.events("governance")
            if event.event_type == CONCLUDED and event.payload["id"] in ids
        ]
        assert collections.Counter(ended) == collections.Counter(ids)


async def test_a_process_that_starts_while_a_member_leaves_is_judged(
    ledger_dsn: str, bank_dsn: str
) -> None:
    """The departure is held up where it writes; without locks, the start would overtake it."""
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        first, second = people(2)
        committee = await governance.committee(first, second)
        kind = await governance.policy(committee, 2)
        connection = await asyncpg.connect(bank_dsn)
        try:
            async with connection.transaction():
                await connection.execute(
                    "SELECT FROM bank_governance.entities WHERE id = $1 FOR NO KEY UPDATE",
                    committee.id,
                )
                leave: dict[str, Any] = {"committee_id": committee.id, "user_id": str(first)}
                leaving = asyncio.create_task(governance.ask("RemoveMember", **leave))

                async def waits() -> Any:
                    return await connection.fetchval(
                        "SELECT true FROM pg_locks WHERE NOT granted LIMIT 1"
                    )

                await eventually(waits)
                starting = asyncio.create_task(governance.start(kind))
                await asyncio.wait([starting], timeout=0.3)
            await leaving
            process = await governance.process(await starting)
        finally:
            await connection.close()
        assert process.denied_reason.startswith("COMMITTEE_TOO_SMALL")


async def test_what_waits_for_me(ledger_dsn: str, bank_dsn: str) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        me, other = people(2)
        mine = await governance.committee(me, other)
        theirs = await governance.committee(other)
        kind = await governance.policy(mine, 2, exclude_initiator=True)
        own = await governance.policy(await governance.committee(me, other), 1)
        waiting = [await governance.start(kind) for _ in range(3)]
        voted = await governance.start(kind)
        await governance.ask("Approve", by=me, process_id=voted.id)
        await governance.start(await governance.policy(theirs, 1))
        await governance.start(own, initiator=f"user:{me}")

        async def listed(**filters: Any) -> list[str]:
            found, token = list[str](), ""
            while True:
                page = await governance.ask(
                    "ListProcesses", by=me, page_size=2, page_token=token, **filters
                )
                found += [process.id for process in page.processes]
                token = page.next_page_token
                if not token:
                    return found

        ids = [process.id for process in waiting]
        assert await listed(waiting_for_me=True, process_type=kind) == ids
        assert (await listed(waiting_for_me=True))[:3] == ids
        assert len(await listed(waiting_for_me=True)) == 4
        assert await listed(process_type=kind) == [*ids, voted.id]
        approved = pb.PROCESS_STATUS_APPROVED
        assert await listed(process_type=kind, status=approved) == []
        assert await listed(waiting_for_me=True, status=approved) == []


async def test_a_tenant_may_forbid_auto_approval(ledger_dsn: str, bank_dsn: str) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        operations = OperationsServiceStub(governance.bank.channel)

        async def allow(value: str) -> None:
            request = operations_pb2.UpdateSettingRequest(
                module="governance", name="allow_auto_approval", value=value
            )
            await governance.bank.call(operations.UpdateSetting, request)

        assert (await governance.start("anything")).status == pb.PROCESS_STATUS_APPROVED
        await allow("false")
        denied = await governance.start("anything")
        assert denied.status == pb.PROCESS_STATUS_DENIED
        assert denied.denied_reason.startswith("NO_POLICY")
        rules = pb.Rules(kind=pb.RULE_KIND_AUTO_APPROVE)
        assert await governance.refused("SetPolicy", process_type="x", rules=rules) == (
            "AUTO_APPROVAL_FORBIDDEN"
        )
        await allow("null")


async def test_names_and_thresholds(ledger_dsn: str, bank_dsn: str) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        board = await governance.committee(*people(2), name="Board")
        credit = await governance.committee(name="Credit")
        assert await governance.refused("CreateCommittee", name="Board") == "KEY_TAKEN"
        taken: dict[str, Any] = {"committee_id": credit.id, "name": "Board"}
        assert await governance.refused("RenameCommittee", **taken) == "KEY_TAKEN"
        await governance.ask("RenameCommittee", committee_id=board.id, name="Old board")
        renamed = await governance.ask("RenameCommittee", **taken)
        got = await governance.ask("GetCommittee", committee_id=credit.id)
        assert renamed.committee == got.committee
        listed = await governance.ask("ListCommittees", page_size=500)
        assert {"Old board", "Board"} <= {committee.name for committee in listed.committees}
        rules = pb.Rules(kind=COMMITTEE, committee_id=board.id, threshold=3)
        asked: dict[str, Any] = {"process_type": "withdraw", "rules": rules}
        assert await governance.refused("SetPolicy", **asked) == "THRESHOLD_TOO_HIGH"
        rules.threshold = 2
        policy = (await governance.ask("SetPolicy", **asked)).policy
        listed = await governance.ask("ListPolicies", page_size=500)
        assert policy in listed.policies
        process = await governance.start("withdraw")
        other = {"process_id": process.id, "target_ref": "x", "initiator": "system:deposit"}
        assert await governance.refused("StartProcess", process_type="withdraw", **other) == (
            "PROCESS_ID_TAKEN"
        )
        other["process_id"] = board.id
        assert await governance.refused("StartProcess", process_type="withdraw", **other) == (
            "PROCESS_ID_TAKEN"
        )


ID = str(uuid.UUID(int=1))
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("CreateCommittee", {"name": ""}, "name"),
    ("CreateCommittee", {"name": "x" * 101}, "name"),
    ("CreateCommittee", {"name": "a\x00b"}, "name"),
    ("CreateCommittee", {"name": " a"}, "name"),
    ("RenameCommittee", {"committee_id": "1", "name": "a"}, "committee_id"),
    ("AddMember", {"committee_id": ID, "user_id": "me"}, "user_id"),
    ("RemoveMember", {"committee_id": "", "user_id": ID}, "committee_id"),
    ("GetCommittee", {"committee_id": "{" + ID + "}"}, "committee_id"),
    ("ListCommittees", {"page_size": -1}, "page_size"),
    ("ListPolicies", {"page_token": "x"}, "page_token"),
    ("SetPolicy", {"process_type": "With draw"}, "process_type"),
    ("SetPolicy", {"process_type": "x"}, "rules.kind"),
    ("SetPolicy", {"process_type": "x", "rules": {"kind": 9}}, "rules.kind"),
    ("SetPolicy", {"process_type": "x", "rules": {"kind": 1, "threshold": 1}}, "rules.threshold"),
    ("SetPolicy", {"process_type": "x", "rules": {"kind": 2}}, "rules.threshold"),
    (
        "SetPolicy",
        {"process_type": "x", "rules": {"kind": 2, "threshold": 1}},
        "rules.committee_id",
    ),
    (
        "SetPolicy",
        {"process_type": "x", "rules": {"kind": 2, "threshold": 1, "expire_after_hours": -1}},
        "rules.expire_after_hours",
    ),
    ("GetPolicy", {"process_type": ""}, "process_type"),
    ("StartProcess", {"process_id": ID, "process_type": "x"}, "target_ref"),
    (
        "StartProcess",
        {"process_id": ID, "process_type": "x", "target_ref": "t", "initiator": "me"},
        "initiator",
    ),
    (
        "StartProcess",
        {"process_id": ID, "process_type": "x", "target_ref": "t", "initiator": "user:1"},
        "initiator",
    ),
    ("Approve", {"process_id": "x"}, "process_id"),
    ("Deny", {"process_id": ID, "reason": "  "}, "reason"),
    ("Deny", {"process_id": ID}, "reason"),
    ("GetProcess", {"process_id": ""}, "process_id"),
    ("ListProcesses", {"status": 17}, "status"),
    ("ListProcesses", {"process_type": "X"}, "process_type"),
    ("ListProcesses", {"waiting_for_me": True, "page_size": -1}, "page_size"),
    ("ListProcesses", {"waiting_for_me": True, "page_token": "-1"}, "page_token"),
]
UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("RenameCommittee", {"committee_id": ID, "name": "a"}),
    ("AddMember", {"committee_id": ID, "user_id": ID}),
    ("RemoveMember", {"committee_id": ID, "user_id": ID}),
    ("GetCommittee", {"committee_id": ID}),
    ("GetPolicy", {"process_type": "nothing-such"}),
    (
        "SetPolicy",
        {"process_type": "x", "rules": {"kind": 2, "threshold": 1, "committee_id": ID}},
    ),
    ("Approve", {"process_id": ID}),
    ("Deny", {"process_id": ID, "reason": "no"}),
    ("GetProcess", {"process_id": ID}),
]


async def test_what_is_wrong_is_refused_by_its_field(ledger_dsn: str, bank_dsn: str) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        before = await governance.bank.events("governance")
        for rpc, asked, field in WRONG:
            reason = await governance.refused(rpc, **asked)
            assert reason == f"FIELD_INVALID {field}", (rpc, asked)
        for rpc, asked in UNKNOWN:
            assert await governance.refused(rpc, **asked) == "NOT_FOUND", (rpc, asked)
        assert await governance.bank.events("governance") == before
