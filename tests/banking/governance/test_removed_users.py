"""A user whom access removes is in no committee any more."""

import uuid

from bank_proto.access.v1 import access_pb2 as access
from bank_proto.access.v1.access_pb2_grpc import AccessServiceStub
from bank_proto.governance.v1 import governance_pb2 as pb
from tests.banking.bank import bank_in_process, eventually
from tests.banking.governance.committee import Governance


async def test_a_removed_user_leaves_all_committees(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "access", "governance") as bank:
        governance, stub = Governance(bank), AccessServiceStub(bank.channel)
        roles = (await bank.call(stub.ListRoles, access.ListRolesRequest())).roles
        request = access.CreateUserRequest(email="ann@bank.example", role_ids=[roles[0].id])
        user = (await bank.call(stub.CreateUser, request)).user
        ann, other = uuid.UUID(user.id), uuid.uuid4()
        committees = [await governance.committee(ann, other) for _ in range(2)]
        process = await governance.start(await governance.policy(committees[0], 2))
        await governance.ask("Approve", by=ann, process_id=process.id)
        await bank.call(stub.RemoveUser, access.RemoveUserRequest(user_id=user.id))

        async def has_ended() -> bool:
            return (await governance.process(process)).status == pb.PROCESS_STATUS_DENIED

        await eventually(has_ended)
        for committee in committees:
            got = await governance.ask("GetCommittee", committee_id=committee.id)
            assert got.committee.member_ids == [str(other)]
