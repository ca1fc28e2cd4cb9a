"""ErasureService: decodes, hands over, encodes."""

from ledger_proto.v1 import erasures_pb2 as pb
from ledger_proto.v1.erasures_pb2_grpc import ErasureServiceServicer
from ledger_server.api.fields import (
    DESCRIPTION_LENGTH_MAX,
    mutation,
    reference_field,
    text_field,
    uuid_field,
)
from ledger_server.application.erasures import SUBJECTS_MAX, erase_personal_data
from ledger_server.application.journals import get_journal
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.store.database import Database


class ErasureServicer(ErasureServiceServicer):
    """Takes personal data out of journals."""

    def __init__(self, database: Database) -> None:
        """Serve the journals of `database`."""
        self._database = database

    async def ErasePersonalData(
        self, request: pb.ErasePersonalDataRequest, _context: object
    ) -> pb.ErasePersonalDataResponse:
        """Erase the personal data of transactions and accounts."""
        if not 1 <= len(request.transaction_ids) + len(request.accounts) <= SUBJECTS_MAX:
            raise FieldInvalidError(
                "transaction_ids", f"not 1 to {SUBJECTS_MAX} transactions and accounts"
            )
        ids = [
            uuid_field(f"transaction_ids[{index}]", one)
            for index, one in enumerate(request.transaction_ids)
        ]
        accounts = [
            reference_field(f"accounts[{index}]", one) for index, one in enumerate(request.accounts)
        ]
        if not request.reason:
            raise FieldInvalidError("reason", "required")
        return await erase_personal_data(
            self._database,
            await get_journal(self._database, reference_field("journal", request.journal)),
            mutation(request, request.request_id, pb.ErasePersonalDataResponse),
            transaction_ids=ids,
            accounts=accounts,
            reason=text_field("reason", request.reason, DESCRIPTION_LENGTH_MAX),
        )
