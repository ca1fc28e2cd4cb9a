"""The gate of a bank whose module access runs elsewhere: each check is one call to it."""

import logging
from typing import Final

import grpc

from bank_proto.access.v1 import access_pb2 as pb
from bank_proto.access.v1.access_pb2_grpc import AccessServiceStub
from ledger_client.banking.foundation.context import Credentials
from ledger_client.banking.foundation.errors import (
    OtherTenantError,
    UnauthenticatedError,
    UnavailableError,
)
from ledger_client.banking.foundation.gate import Decision
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.statuses import ERROR_DOMAIN, PASSING
from ledger_client.errors import from_call

_log: Final = logging.getLogger(__name__)

CHECK_SECONDS: Final = 5.0


class RemoteGate:
    """Asks `AccessService.CheckPermission`; keeps nothing, so a change is in force at once."""

    def __init__(self, channel: grpc.aio.Channel, credentials: Credentials) -> None:
        """Ask over a channel, as this module."""
        self._stub = AccessServiceStub(channel)
        self._credentials = credentials

    async def check(self, token: str, permission: Permission, tenant: str) -> Decision:
        """Tell whether the bearer of a token may use a permission in a tenant.

        Raises:
            OtherTenantError: access does not have the tenant.
            UnauthenticatedError: nobody is known by this token.
            UnavailableError: access does not answer, or not to this module.
        """
        request = pb.CheckPermissionRequest(
            tenant=tenant,
            token=token,
            permission_set=permission.permission_set,
            object=permission.object,
            action=permission.action,
        )
        try:
            answer = await self._stub.CheckPermission(
                request, timeout=CHECK_SECONDS, metadata=self._credentials()
            )
        except grpc.aio.AioRpcError as error:
            refusal = from_call(error, domain=ERROR_DOMAIN)
            if refusal.reason == OtherTenantError.reason:
                raise OtherTenantError(tenant) from error
            if error.code() not in PASSING:
                _log.error("access does not decide: %s", refusal)
            raise UnavailableError("the module access") from error
        if not answer.subject:
            raise UnauthenticatedError(answer.problem)
        return Decision(
            subject=answer.subject, tenant=answer.subject_tenant, is_allowed=answer.is_allowed
        )
