"""Calls of the `HoldService`."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from ledger_client.connection import Connection
from ledger_client.convert import decode, encode
from ledger_client.ids import new_id
from ledger_client.models import (
    Hold,
    HoldResult,
    HoldStatus,
    ParamValue,
    Posting,
    PostResult,
    Reference,
)
from ledger_proto.v1 import holds_pb2 as pb


class HoldCalls(Connection):
    """Places holds on money, and captures or releases them."""

    async def place_hold(
        self,
        journal: Reference,
        template_code: str,
        params: Mapping[str, ParamValue],
        *,
        hold_id: UUID | None = None,
        expire_time: dt.datetime | None = None,
        template_version: int | None = None,
        effective_date: dt.date | None = None,
        description: str | None = None,
        external_id: str | None = None,
        correlation_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        behind_soft_lock: bool = False,
    ) -> HoldResult:
        """Promise what a template's entries would move: they are posted on PENDING instead.

        Args:
            journal: code or id.
            template_code: of a template whose entries are all SETTLED.
            params: as for `post`.
            hold_id: the idempotency key, the hold's id and that of the transaction that places
                it. None makes one, which an error carries as `idempotency_key`.
            expire_time: when what is left is given back by itself, by the server's clock; must
                have an offset. None for never.
            template_version: None takes the newest.
            effective_date: None leaves it to the template, then to the journal's today.
            description: None leaves it to the template, as the fields that follow.
            external_id: unique in the journal.
            correlation_id: ties transactions together.
            metadata: the caller's own facts.
            behind_soft_lock: posts also on a day behind the journal's soft lock.

        Raises:
            ConflictError: as for `post`.
            InvalidRequestError: as for `post`, or an entry is not SETTLED (`HOLD_LAYER`).
            NotFoundError: journal, template or an account is not there.
            RefusedError: as for `post`, or it would have expired (`EXPIRE_TIME_PASSED`).
            TypeError: a param is a float.
            UnavailableError: no answer; the hold may have been placed.
            ValueError: `expire_time` has no offset.
        """
        posting = Posting(
            template_code=template_code,
            params=params,
            transaction_id=hold_id or new_id(),
            template_version=template_version,
            effective_date=effective_date,
            description=description,
            external_id=external_id,
            correlation_id=correlation_id,
            metadata=metadata,
            behind_soft_lock=behind_soft_lock,
        )
        request = pb.PlaceHoldRequest(
            journal=encode.reference(journal),
            transaction=encode.transaction_request(posting),
            expire_time=encode.instant(expire_time, "expire_time"),
        )
        key = str(posting.transaction_id)
        response = await self._call(self._holds.PlaceHold, request, key=key)
        return HoldResult(hold=decode.hold(response.hold), replayed=response.replayed)

    async def capture_hold(
        self,
        journal: Reference,
        hold_id: UUID,
        params: Mapping[str, ParamValue] | None = None,
        *,
        capture_id: UUID | None = None,
        final: bool = False,
        effective_date: dt.date | None = None,
        description: str | None = None,
        external_id: str | None = None,
        correlation_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        behind_soft_lock: bool = False,
    ) -> PostResult:
        """Move what was promised: all that is left of a hold, or a part, as often as it lasts.

        Args:
            journal: code or id.
            hold_id: of the hold.
            params: for a part, those that differ from the hold's; each entry that comes of them
                must fit in what is left. None or empty captures all that is left.
            capture_id: the idempotency key and the id of the capture's transaction. None makes
                one, which an error carries as `idempotency_key`.
            final: gives back, in the same transaction, what this capture leaves.
            effective_date: None takes the journal's today.
            description: None takes the hold's.
            external_id: unique in the journal.
            correlation_id: None takes the hold's.
            metadata: the caller's own facts.
            behind_soft_lock: posts also on a day behind the journal's soft lock.

        Raises:
            ConflictError: the id belongs to another request (`TRANSACTION_ID_REUSED`), or the
                external id is taken.
            InvalidRequestError: a param is wrong.
            NotFoundError: there is no such hold (`HOLD_NOT_FOUND`) or journal.
            RefusedError: it has ended (`HOLD_NOT_OPEN`), or the part does not fit in what is
                left (`CAPTURE_EXCEEDS`).
            TypeError: a param is a float.
            UnavailableError: no answer; the hold may have been captured.
        """
        key = str(capture_id or new_id())
        request = pb.CaptureHoldRequest(
            journal=encode.reference(journal),
            hold_id=str(hold_id),
            capture_id=key,
            params=encode.params(params),
            final=final,
            effective_date=encode.date(effective_date),
            description=description or "",
            external_id=external_id or "",
            correlation_id=correlation_id or "",
            metadata=encode.metadata(metadata),
            behind_soft_lock=behind_soft_lock,
        )
        response = await self._call(self._holds.CaptureHold, request, key=key)
        return PostResult(
            transaction=decode.transaction(response.transaction), replayed=response.replayed
        )

    async def release_hold(
        self,
        journal: Reference,
        hold_id: UUID,
        *,
        release_id: UUID | None = None,
        effective_date: dt.date | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        behind_soft_lock: bool = False,
    ) -> PostResult:
        """Give back all that is left of a hold.

        Args:
            journal: code or id.
            hold_id: of the hold.
            release_id: the idempotency key and the id of the release's transaction. None makes
                one, which an error carries as `idempotency_key`.
            effective_date: None takes the journal's today.
            description: None takes the hold's.
            metadata: the caller's own facts.
            behind_soft_lock: posts also on a day behind the journal's soft lock.

        Raises:
            ConflictError: the id belongs to another request (`TRANSACTION_ID_REUSED`).
            NotFoundError: there is no such hold (`HOLD_NOT_FOUND`) or journal.
            RefusedError: it has ended (`HOLD_NOT_OPEN`).
            UnavailableError: no answer; the hold may have been released.
        """
        key = str(release_id or new_id())
        request = pb.ReleaseHoldRequest(
            journal=encode.reference(journal),
            hold_id=str(hold_id),
            release_id=key,
            effective_date=encode.date(effective_date),
            description=description or "",
            metadata=encode.metadata(metadata),
            behind_soft_lock=behind_soft_lock,
        )
        response = await self._call(self._holds.ReleaseHold, request, key=key)
        return PostResult(
            transaction=decode.transaction(response.transaction), replayed=response.replayed
        )

    async def get_hold(self, journal: Reference, hold_id: UUID) -> Hold:
        """Return a hold.

        Raises:
            NotFoundError: there is none (`HOLD_NOT_FOUND`), or no such journal.
        """
        request = pb.GetHoldRequest(journal=encode.reference(journal), hold_id=str(hold_id))
        response = await self._call(self._holds.GetHold, request)
        return decode.hold(response.hold)

    def list_holds(
        self,
        journal: Reference,
        *,
        account: Reference | None = None,
        status: HoldStatus | None = None,
        expire_before: dt.datetime | None = None,
    ) -> AsyncIterator[Hold]:
        """Give holds in the order in which they were placed; all filters given must hold.

        Args:
            journal: code or id.
            account: only those with an entry on this account.
            status: only those in this status.
            expire_before: only those that expire at or before this moment; must have an offset.

        Raises:
            ValueError: `expire_before` has no offset.
        """
        request = pb.ListHoldsRequest(
            journal=encode.reference(journal),
            account=encode.optional_reference(account),
            status=encode.hold_status(status),
            expire_before=encode.instant(expire_before, "expire_before"),
        )
        return self._items(
            self._holds.ListHolds, request, lambda page: map(decode.hold, page.holds)
        )
