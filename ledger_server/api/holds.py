"""HoldService: decodes, hands over, encodes."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from ledger_proto.v1 import holds_pb2 as pb
from ledger_proto.v1.holds_pb2_grpc import HoldServiceServicer
from ledger_proto.v1.transactions_pb2 import Transaction
from ledger_server.api.commands import (
    optional_fields,
    params_field,
    transaction_command,
)
from ledger_server.api.fields import (
    DESCRIPTION_LENGTH_MAX,
    date_field,
    metadata_field,
    moment_field,
    page_size_field,
    reference_field,
    text_field,
    uuid_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.accounts import get_account_in_tx
from ledger_server.application.journals import get_journal
from ledger_server.application.post import Poster
from ledger_server.domain.errors import FieldInvalidError, HoldNotFoundError
from ledger_server.domain.hold import Hold, HoldStatus
from ledger_server.domain.primitives import EXACT, JournalId, fixed
from ledger_server.domain.transaction import Kind, PostCommand
from ledger_server.store import holds, journals, transactions
from ledger_server.store.codec import timestamp
from ledger_server.store.database import Database, Tx
from ledger_server.store.transaction_bytes import amount


class HoldServicer(HoldServiceServicer):
    """Holds: placed, captured, released, found."""

    def __init__(self, database: Database, page_tokens: PageTokens, poster: Poster) -> None:
        """Post through `poster`; read from `database`."""
        self._database = database
        self._page_tokens = page_tokens
        self._poster = poster

    async def PlaceHold(
        self, request: pb.PlaceHoldRequest, _context: object
    ) -> pb.PlaceHoldResponse:
        """Place a hold."""
        reference = reference_field("journal", request.journal)
        command = transaction_command("transaction", request.transaction)
        command.kind = Kind.HOLD
        if request.HasField("expire_time"):
            command.expire_at = moment_field("expire_time", request.expire_time)
        posted = await self._poster.post(reference, command)
        if not posted.replayed:
            return pb.PlaceHoldResponse(hold=_placed_hold(posted.transaction, command.expire_at))
        # Since it was placed, some of it may have been captured or given back.
        journal = await get_journal(self._database, reference)
        async with self._database.look_up_snapshot() as tx:
            (hold,) = await self._holds_in_tx(tx, journal.id, [command.transaction_id])
        return pb.PlaceHoldResponse(hold=hold, replayed=True)

    async def CaptureHold(
        self, request: pb.CaptureHoldRequest, _context: object
    ) -> pb.CaptureHoldResponse:
        """Capture a hold, whole or in part."""
        params = params_field(request.params)
        command = PostCommand(
            kind=Kind.CAPTURE,
            transaction_id=uuid_field("capture_id", request.capture_id),
            hold_id=uuid_field("hold_id", request.hold_id),
            template_code="",
            template_version=None,
            params=params,
            params_as_given=request.params,
            final=request.final,
            effective=date_field("effective_date", request.effective_date),
            behind_soft_lock=request.behind_soft_lock,
            **optional_fields(request),
        )
        posted = await self._poster.post(reference_field("journal", request.journal), command)
        return pb.CaptureHoldResponse(transaction=posted.transaction, replayed=posted.replayed)

    async def ReleaseHold(
        self, request: pb.ReleaseHoldRequest, _context: object
    ) -> pb.ReleaseHoldResponse:
        """Give back what is left of a hold."""
        command = PostCommand(
            kind=Kind.RELEASE,
            transaction_id=uuid_field("release_id", request.release_id),
            hold_id=uuid_field("hold_id", request.hold_id),
            template_code="",
            template_version=None,
            params={},
            effective=date_field("effective_date", request.effective_date),
            behind_soft_lock=request.behind_soft_lock,
            description=text_field("description", request.description, DESCRIPTION_LENGTH_MAX)
            or None,
            metadata=metadata_field("metadata", request.metadata) or None,
        )
        posted = await self._poster.post(reference_field("journal", request.journal), command)
        return pb.ReleaseHoldResponse(transaction=posted.transaction, replayed=posted.replayed)

    async def GetHold(self, request: pb.GetHoldRequest, _context: object) -> pb.GetHoldResponse:
        """Return one hold."""
        hold_id = uuid_field("hold_id", request.hold_id)
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.look_up_snapshot() as tx:
            found = await self._holds_in_tx(tx, journal.id, [hold_id])
        if not found:
            raise HoldNotFoundError(str(hold_id))
        return pb.GetHoldResponse(hold=found[0])

    async def ListHolds(
        self, request: pb.ListHoldsRequest, _context: object
    ) -> pb.ListHoldsResponse:
        """Return a page of holds."""
        size = page_size_field(request.page_size)
        (after,) = self._page_tokens.read(request, request.page_token) or [0]
        status = _status_field("status", request.status)
        expire_before = (
            moment_field("expire_before", request.expire_before)
            if request.HasField("expire_before")
            else None
        )
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.snapshot() as tx:
            account_id = None
            if request.account:
                reference = reference_field("account", request.account)
                account_id = (await get_account_in_tx(tx, journal, reference)).id
            wanted = holds.Filter(account_id=account_id, status=status, expire_before=expire_before)
            ids = await holds.list_in_tx(tx, journal.id, wanted, int(after), size + 1)
            found = await self._holds_in_tx(tx, journal.id, ids)
        shown, token = self._page_tokens.cut(
            request, found, size, lambda hold: [hold.transaction.sequence]
        )
        return pb.ListHoldsResponse(holds=shown, next_page_token=token)

    async def _holds_in_tx(
        self, tx: Tx, journal_id: JournalId, ids: Sequence[UUID]
    ) -> list[pb.Hold]:
        """Return holds in the order in which they were placed."""
        found = await holds.find_in_tx(tx, journal_id, ids)
        placed = await transactions.find_many_in_tx(tx, journal_id, list(found))
        currencies = await journals.list_currencies_in_tx(tx, journal_id)
        exponents = {currency.code: currency.exponent for currency in currencies}
        messages = []
        for hold in found.values():
            message = _hold_message(hold, exponents)
            message.transaction.CopyFrom(placed[hold.id])
            messages.append(message)
        return messages


def _placed_hold(transaction: Transaction, expire_at: datetime | None) -> pb.Hold:
    """Return a hold as the transaction that places it leaves it: all of it is left."""
    hold = pb.Hold(
        id=transaction.id,
        status=pb.HOLD_STATUS_OPEN,
        transaction=transaction,
        expire_time=timestamp(expire_at) if expire_at else None,
    )
    for entry in transaction.entries:
        units = Decimal(entry.units)
        nothing = amount(EXACT.subtract(units, units))
        hold.entries.add(
            account_id=entry.account_id,
            account_code=entry.account_code,
            direction=entry.direction,
            currency=entry.currency,
            placed=entry.units,
            captured=nothing,
            released=nothing,
            left=entry.units,
        )
    return hold


def _hold_message(hold: Hold, exponents: dict[str, int]) -> pb.Hold:
    return pb.Hold(
        id=str(hold.id),
        status=hold.status.value,  # type: ignore[arg-type]  # same numbers
        expire_time=timestamp(hold.expire_at) if hold.expire_at else None,
        entries=[
            pb.HoldEntry(
                account_id=str(leg.key.account_id),
                account_code=leg.account_code,
                direction=leg.direction.value,  # type: ignore[arg-type]  # same numbers
                currency=leg.key.currency,
                placed=fixed(leg.placed, exponents[leg.key.currency]),
                captured=fixed(leg.captured, exponents[leg.key.currency]),
                released=fixed(leg.released, exponents[leg.key.currency]),
                left=fixed(leg.left, exponents[leg.key.currency]),
            )
            for leg in hold.legs
        ],
    )


def _status_field(field: str, number: int) -> HoldStatus | None:
    if number == pb.HOLD_STATUS_UNSPECIFIED:
        return None
    try:
        return HoldStatus(number)
    except ValueError as error:
        raise FieldInvalidError(field, "none of the statuses listed") from error
