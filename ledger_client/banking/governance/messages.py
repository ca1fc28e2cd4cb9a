"""Entities as the contract's messages."""

from typing import Final

from bank_proto.governance.v1 import governance_pb2 as pb
from ledger_client.banking.foundation.timestamps import timestamp_of
from ledger_client.banking.governance.process import Decision, Process, Status
from ledger_client.banking.governance.rules import Committee, Policy, Rules

_STATUSES: Final = {
    Status.PENDING: pb.PROCESS_STATUS_PENDING,
    Status.APPROVED: pb.PROCESS_STATUS_APPROVED,
    Status.DENIED: pb.PROCESS_STATUS_DENIED,
    Status.EXPIRED: pb.PROCESS_STATUS_EXPIRED,
}
_DECISIONS: Final = {
    Decision.APPROVE: pb.DECISION_APPROVE,
    Decision.DENY: pb.DECISION_DENY,
}


def committee_message(committee: Committee) -> pb.Committee:
    """Show a committee."""
    return pb.Committee(
        id=str(committee.id),
        name=committee.name,
        member_ids=[str(member) for member in committee.members],
        create_time=timestamp_of(committee.created_at),
    )


def policy_message(policy: Policy) -> pb.Policy:
    """Show a policy."""
    return pb.Policy(
        id=str(policy.id),
        process_type=policy.process_type,
        rules=_rules_message(policy.rules),
        update_time=timestamp_of(policy.set_at),
    )


def process_message(process: Process) -> pb.Process:
    """Show a process."""
    return pb.Process(
        id=str(process.id),
        process_type=process.process_type,
        target_ref=process.target_ref,
        initiator=process.initiator,
        rules=_rules_message(process.rules),
        status=_STATUSES[process.status],
        votes=[
            pb.Vote(
                voter_id=str(vote.voter),
                decision=_DECISIONS[vote.decision],
                reason=vote.reason,
                vote_time=timestamp_of(vote.time),
            )
            for vote in process.votes
        ],
        denied_reason=process.denied_reason,
        start_time=timestamp_of(process.started_at),
        expire_time=timestamp_of(process.expires_at),
        conclude_time=timestamp_of(process.concluded_at),
    )


def _rules_message(rules: Rules) -> pb.Rules:
    if rules.committee_id is None:
        return pb.Rules(kind=pb.RULE_KIND_AUTO_APPROVE)
    return pb.Rules(
        kind=pb.RULE_KIND_COMMITTEE,
        committee_id=str(rules.committee_id),
        threshold=rules.threshold,
        exclude_initiator=rules.exclude_initiator,
        expire_after_hours=rules.expire_after_hours,
    )
