"""One channel to a server: sends a call, repeats it where that is safe, translates its failure."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final, Protocol, Self, TypeVar
from uuid import UUID

from grpc import aio

from ledger_client import errors
from ledger_client.ids import new_id
from ledger_client.retry import RetryPolicy
from ledger_proto.v1.account_sets_pb2_grpc import AccountSetServiceStub
from ledger_proto.v1.accounts_pb2_grpc import AccountServiceStub
from ledger_proto.v1.audit_pb2_grpc import AuditServiceStub
from ledger_proto.v1.balances_pb2_grpc import BalanceServiceStub
from ledger_proto.v1.charts_pb2_grpc import ChartServiceStub
from ledger_proto.v1.cursors_pb2_grpc import CursorServiceStub
from ledger_proto.v1.erasures_pb2_grpc import ErasureServiceStub
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from ledger_proto.v1.fiscal_years_pb2_grpc import FiscalYearServiceStub
from ledger_proto.v1.holds_pb2_grpc import HoldServiceStub
from ledger_proto.v1.journals_pb2_grpc import JournalServiceStub
from ledger_proto.v1.limits_pb2_grpc import LimitServiceStub
from ledger_proto.v1.periods_pb2_grpc import PeriodServiceStub
from ledger_proto.v1.proofs_pb2_grpc import ProofServiceStub
from ledger_proto.v1.rates_pb2_grpc import RateServiceStub
from ledger_proto.v1.reports_pb2_grpc import ReportServiceStub
from ledger_proto.v1.transactions_pb2_grpc import TransactionServiceStub
from ledger_proto.v1.tx_templates_pb2_grpc import TxTemplateServiceStub

#: A whole trial balance, or a full batch of transactions with their entries, is one answer.
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
#: A connection that died unseen is noticed after this and the timeout below. Servers count
#: pings without data against a client, so it is not shorter than they commonly allow.
KEEPALIVE_MS: Final = 60_000
KEEPALIVE_TIMEOUT_MS: Final = 10_000
#: Items asked for at a time when a list is read through.
PAGE_SIZE: Final = 500

CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    # A server that restarts is back within a second or two: look again that soon.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)

_Item = TypeVar("_Item")
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class _PagedRequest(Protocol):
    """A request for a page of a list."""

    page_size: int
    page_token: str


class _PagedResponse(Protocol):
    """A page of a list."""

    next_page_token: str


_Paged = TypeVar("_Paged", bound=_PagedRequest)
_Page = TypeVar("_Page", bound=_PagedResponse)


class Connection:
    """What the calls of every service share."""

    def __init__(
        self,
        channel: aio.Channel,
        *,
        timeout_seconds: float = 10.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Take over a channel, such as one with TLS of the caller's own making.

        Args:
            channel: closed by `close`. `CHANNEL_OPTIONS` are what `LedgerClient.connect` sets.
            timeout_seconds: bound of one call, its repetitions and the waits between included;
                of one page where a list is read.
            retry: when a failed call is repeated; None takes `RetryPolicy()`.
        """
        self._channel = channel
        self._timeout_seconds = timeout_seconds
        self._retry = retry or RetryPolicy()
        self._journals = JournalServiceStub(channel)
        self._accounts = AccountServiceStub(channel)
        self._account_sets = AccountSetServiceStub(channel)
        self._charts = ChartServiceStub(channel)
        self._tx_templates = TxTemplateServiceStub(channel)
        self._transactions = TransactionServiceStub(channel)
        self._holds = HoldServiceStub(channel)
        self._limits = LimitServiceStub(channel)
        self._periods = PeriodServiceStub(channel)
        self._fiscal_years = FiscalYearServiceStub(channel)
        self._rates = RateServiceStub(channel)
        self._balances = BalanceServiceStub(channel)
        self._reports = ReportServiceStub(channel)
        self._events = EventServiceStub(channel)
        self._audits = AuditServiceStub(channel)
        self._proofs = ProofServiceStub(channel)
        self._erasures = ErasureServiceStub(channel)
        self._cursors = CursorServiceStub(channel)

    @classmethod
    def connect(
        cls, address: str, *, timeout_seconds: float = 10.0, retry: RetryPolicy | None = None
    ) -> Self:
        """Return a client of the server at `address` ("127.0.0.1:7070"), without TLS.

        Nothing is sent before the first call. Needs a running event loop.

        Args:
            address: host and port, or any target that gRPC resolves.
            timeout_seconds: bound of one call, its repetitions and the waits between included.
            retry: when a failed call is repeated; None takes `RetryPolicy()`.
        """
        channel = aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        return cls(channel, timeout_seconds=timeout_seconds, retry=retry)

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the channel."""
        await self.close()

    async def close(self) -> None:
        """Close the channel; calls under way end with `asyncio.CancelledError`."""
        await self._channel.close()

    async def _call(
        self,
        method: aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        *,
        key: str | None = None,
    ) -> _Response:
        """Send `request` until it is answered, refused for good, or out of time.

        Args:
            method: of a stub.
            request: the same bytes at every attempt.
            key: what makes a mutation happen once; None for a read, empty for a mutation that
                carries none and is therefore never repeated after its outcome was lost.

        Raises:
            LedgerError: what the last attempt failed with.
            asyncio.CancelledError: whoever waits was cancelled.
        """
        deadline = time.monotonic() + self._timeout_seconds
        cancellations = _cancellations()
        attempt = 0
        while True:
            attempt += 1
            try:
                return await method(request, timeout=self._attempt_seconds(deadline))
            except aio.AioRpcError as failure:
                if _cancellations() > cancellations:
                    # gRPC loses one that comes as the call fails, as when Ctrl-C ends the server
                    # too: the failure is all that it raises.
                    raise asyncio.CancelledError from failure
                error = errors.from_call(failure, idempotency_key=key or "")
            wait = self._retry.wait_seconds(error, attempt=attempt, repeatable=key != "")
            if wait is None or time.monotonic() + wait >= deadline:
                raise error
            await asyncio.sleep(wait)

    async def _items(
        self,
        method: aio.UnaryUnaryMultiCallable[_Paged, _Page],
        request: _Paged,
        items: Callable[[_Page], Iterable[_Item]],
    ) -> AsyncIterator[_Item]:
        """Give the items of all pages, asking for the next page when the last is used up."""
        request.page_size = PAGE_SIZE
        while True:
            page = await self._call(method, request)
            for item in items(page):
                yield item
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def _attempt_seconds(self, deadline: float) -> float:
        """Return the time one attempt may take."""
        left = max(deadline - time.monotonic(), 0.0)
        bound = self._retry.attempt_timeout_seconds
        return left if bound is None else min(left, bound)


def _cancellations() -> int:
    """Return how often the running task was asked to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def request_key(given: str | UUID | None) -> str:
    """Return the idempotency key of a mutation: the caller's, or a new one for None."""
    return str(new_id() if given is None else given)
