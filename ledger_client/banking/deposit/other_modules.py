"""What this module asks others: whether a customer may have an account, and for approvals."""

from typing import Final
from uuid import UUID

import grpc

from bank_proto.customer.v1 import customers_pb2
from bank_proto.customer.v1.customers_pb2_grpc import CustomerServiceStub
from bank_proto.governance.v1 import governance_pb2
from bank_proto.governance.v1.governance_pb2_grpc import GovernanceServiceStub
from ledger_client.banking.deposit.account_rules import CustomerType
from ledger_client.banking.deposit.errors import CustomerNotEligibleError
from ledger_client.banking.deposit.withdrawal import Withdrawal
from ledger_client.banking.foundation.calls import Call, Outcome, OutcomeKind
from ledger_client.banking.foundation.context import Credentials
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import EntityNotFoundError, UnavailableError
from ledger_client.banking.foundation.statuses import PASSING

#: The type of the approval process of a withdrawal.
WITHDRAW: Final = "withdraw"
#: The kind of the call that starts one.
START_APPROVAL: Final = "governance.start"

_TIMEOUT_SECONDS: Final = 5.0
#: The other module has decided, and would again.
_REFUSING: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)


class Customers:
    """The module customer, asked for what it knows of a customer."""

    def __init__(self, channel: grpc.aio.Channel, credentials: Credentials) -> None:
        """Ask nothing yet."""
        self._stub = CustomerServiceStub(channel)
        self._credentials = credentials

    async def require_eligible(self, tenant: str, customer_id: UUID) -> CustomerType:
        """Return what a customer is who may have a deposit account.

        Raises:
            CustomerNotEligibleError: the customer may have none.
            EntityNotFoundError: there is no such customer.
            UnavailableError: the other module does not answer.
        """
        request = customers_pb2.CheckEligibilityRequest(
            tenant=tenant,
            customer_id=str(customer_id),
            purpose=customers_pb2.ELIGIBILITY_PURPOSE_DEPOSIT_ACCOUNT,
        )
        try:
            answer = await self._stub.CheckEligibility(
                request, metadata=self._credentials(), timeout=_TIMEOUT_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise EntityNotFoundError("customer", customer_id) from error
            if error.code() in PASSING:
                raise UnavailableError("the module customer") from error
            raise
        if not answer.eligible:
            reason = customers_pb2.IneligibilityReason.Name(answer.reason)
            raise CustomerNotEligibleError(
                customer_id, reason.removeprefix("INELIGIBILITY_REASON_")
            )
        name = customers_pb2.CustomerType.Name(answer.customer_type)
        return CustomerType[name.removeprefix("CUSTOMER_TYPE_")]


class Approvals:
    """The module governance, asked to have withdrawals approved."""

    def __init__(self, channel: grpc.aio.Channel, credentials: Credentials) -> None:
        """Ask nothing yet."""
        self._stub = GovernanceServiceStub(channel)
        self._credentials = credentials

    async def start(self, tenant: str, call: Call) -> Outcome:
        """Start the approval process that a call asks for; twice is once.

        Raises:
            AioRpcError: it did not answer, or not so that it is decided; to be asked again.
        """
        request = governance_pb2.StartProcessRequest(
            tenant=tenant,
            request_id=str(call.id),
            process_id=call.body["process_id"],
            process_type=call.body["process_type"],
            target_ref=call.body["target_ref"],
            initiator=call.body["initiator"],
        )
        try:
            await self._stub.StartProcess(
                request, metadata=self._credentials(), timeout=_TIMEOUT_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            if error.code() not in _REFUSING:
                raise
            return Outcome(
                kind=OutcomeKind.REFUSED, reason=error.code().name, message=error.details() or ""
            )
        return Outcome(kind=OutcomeKind.DONE)


def start_approval(withdrawal: Withdrawal) -> Call:
    """Return the call that asks for the approval of a withdrawal."""
    return Call(
        id=derived_id(withdrawal.id, "approval"),
        kind=START_APPROVAL,
        body={
            "process_id": str(withdrawal.id),
            "process_type": WITHDRAW,
            "target_ref": f"withdrawal:{withdrawal.id}",
            "initiator": withdrawal.initiator,
        },
        entity_kind=withdrawal.KIND,
        entity_id=withdrawal.id,
    )
