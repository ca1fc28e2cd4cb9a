"""From the contract's messages to commands and queries, and back."""

from bank_proto.governance.v1 import governance_pb2 as pb
from ledger_client.banking.foundation.fields import uuid_of
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.governance import fields, service, voting
from ledger_client.banking.governance.messages import (
    committee_message,
    policy_message,
    process_message,
)
from ledger_client.banking.governance.process import Decision, Process, Status
from ledger_client.banking.governance.rules import Committee, Policy, policy_id


class GovernanceApi:
    """`bank.governance.v1.GovernanceService`."""

    async def CreateCommittee(self, unit: Unit, request: pb.CreateCommitteeRequest) -> Committee:
        """Create a committee."""
        name = fields.line("name", request.name, fields.NAME_CHARACTERS_MAX)
        return await service.create_committee(unit, request.request_id, name)

    async def RenameCommittee(self, unit: Unit, request: pb.RenameCommitteeRequest) -> Committee:
        """Give a committee another name."""
        committee_id = uuid_of("committee_id", request.committee_id)
        name = fields.line("name", request.name, fields.NAME_CHARACTERS_MAX)
        return await service.rename_committee(unit, committee_id, name)

    async def AddMember(self, unit: Unit, request: pb.AddMemberRequest) -> Committee:
        """Put a user into a committee."""
        committee_id = uuid_of("committee_id", request.committee_id)
        user_id = uuid_of("user_id", request.user_id)
        return await service.add_member(unit, committee_id, user_id)

    async def RemoveMember(self, unit: Unit, request: pb.RemoveMemberRequest) -> Committee:
        """Take a user out of a committee."""
        committee_id = uuid_of("committee_id", request.committee_id)
        user_id = uuid_of("user_id", request.user_id)
        return await service.remove_member(unit, committee_id, user_id)

    async def GetCommittee(
        self, unit: Unit, request: pb.GetCommitteeRequest
    ) -> pb.GetCommitteeResponse:
        """Return one committee."""
        committee_id = uuid_of("committee_id", request.committee_id)
        committee = await unit.load(Committee, committee_id)
        return pb.GetCommitteeResponse(committee=committee_message(committee))

    async def ListCommittees(
        self, unit: Unit, request: pb.ListCommitteesRequest
    ) -> pb.ListCommitteesResponse:
        """Return a page of committees."""
        page = await unit.list(
            Committee, page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListCommitteesResponse(
            committees=map(committee_message, page.items), next_page_token=page.next_page_token
        )

    async def SetPolicy(self, unit: Unit, request: pb.SetPolicyRequest) -> Policy:
        """Set the rules of a type of process."""
        process_type = fields.process_type(request.process_type)
        return await service.set_policy(unit, process_type, fields.rules(request.rules))

    async def GetPolicy(self, unit: Unit, request: pb.GetPolicyRequest) -> pb.GetPolicyResponse:
        """Return one policy."""
        policy = await service.get_policy(unit, fields.process_type(request.process_type))
        return pb.GetPolicyResponse(policy=policy_message(policy))

    async def ListPolicies(
        self, unit: Unit, request: pb.ListPoliciesRequest
    ) -> pb.ListPoliciesResponse:
        """Return a page of policies."""
        page = await unit.list(Policy, page_size=request.page_size, page_token=request.page_token)
        return pb.ListPoliciesResponse(
            policies=map(policy_message, page.items), next_page_token=page.next_page_token
        )

    async def StartProcess(self, unit: Unit, request: pb.StartProcessRequest) -> Process:
        """Start a process."""
        target_ref = fields.line("target_ref", request.target_ref, fields.TARGET_CHARACTERS_MAX)
        return await voting.start(
            unit,
            uuid_of("process_id", request.process_id),
            process_type=fields.process_type(request.process_type),
            target_ref=target_ref,
            initiator=fields.initiator(request.initiator),
        )

    async def Approve(self, unit: Unit, request: pb.ApproveRequest) -> Process:
        """Vote for a process."""
        process_id = uuid_of("process_id", request.process_id)
        return await voting.vote(unit, process_id, Decision.APPROVE, "")

    async def Deny(self, unit: Unit, request: pb.DenyRequest) -> Process:
        """Vote against a process."""
        process_id = uuid_of("process_id", request.process_id)
        reason = fields.line("reason", request.reason, fields.REASON_CHARACTERS_MAX)
        return await voting.vote(unit, process_id, Decision.DENY, reason)

    async def GetProcess(self, unit: Unit, request: pb.GetProcessRequest) -> pb.GetProcessResponse:
        """Return one process."""
        process_id = uuid_of("process_id", request.process_id)
        process = await unit.load(Process, process_id)
        return pb.GetProcessResponse(process=process_message(process))

    async def ListProcesses(
        self, unit: Unit, request: pb.ListProcessesRequest
    ) -> pb.ListProcessesResponse:
        """Return a page of processes."""
        status = fields.status(request.status)
        process_type = fields.process_type(request.process_type) if request.process_type else ""
        if not request.waiting_for_me:
            page = await unit.list(
                Process,
                parent_id=policy_id(unit.tenant, process_type) if process_type else None,
                state=status,
                page_size=request.page_size,
                page_token=request.page_token,
            )
        elif status in {"", Status.PENDING.value}:
            page = await voting.waiting_for_caller(
                unit, process_type, request.page_size, request.page_token
            )
        else:
            return pb.ListProcessesResponse()
        return pb.ListProcessesResponse(
            processes=map(process_message, page.items), next_page_token=page.next_page_token
        )
