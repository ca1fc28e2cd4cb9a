"""Calls of the `ErasureService`."""

from collections.abc import Iterable
from uuid import UUID

from ledger_client.connection import Connection, request_key
from ledger_client.convert import encode
from ledger_client.models import Erasure, Reference
from ledger_proto.v1 import erasures_pb2 as pb


class ErasureCalls(Connection):
    """Takes personal data out of a journal."""

    async def erase_personal_data(
        self,
        journal: Reference,
        *,
        transaction_ids: Iterable[UUID | str] = (),
        accounts: Iterable[Reference] = (),
        reason: str,
        request_id: str | None = None,
    ) -> Erasure:
        """Erase the personal data of transactions and accounts for good, all or none.

        Descriptions, params and metadata of transactions, and of what ended their holds or took
        them back; names and metadata of accounts. Amounts, dates and codes stay.

        Args:
            journal: code or id.
            transaction_ids: together with the accounts 1 to 1,000.
            accounts: codes or ids.
            reason: why, up to 1,024 characters; it is kept, so it is not to be personal itself.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: a field is malformed or empty.
            NotFoundError: the journal, a transaction or an account is not there.
        """
        key = request_key(request_id)
        request = pb.ErasePersonalDataRequest(
            journal=encode.reference(journal),
            transaction_ids=map(str, transaction_ids),
            accounts=map(encode.reference, accounts),
            reason=reason,
            request_id=key,
        )
        response = await self._call(self._erasures.ErasePersonalData, request, key=key)
        return Erasure(
            sequence=response.sequence or None,
            erased_sequences=tuple(response.erased_sequences),
        )
