"""The composition root: the only file that knows every class."""

from datetime import UTC, datetime
from typing import Any

import grpc.aio

from ledger_proto.v1 import (
    account_sets_pb2,
    account_sets_pb2_grpc,
    accounts_pb2,
    accounts_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    balances_pb2,
    balances_pb2_grpc,
    charts_pb2,
    charts_pb2_grpc,
    cursors_pb2,
    cursors_pb2_grpc,
    erasures_pb2,
    erasures_pb2_grpc,
    event_stream_pb2,
    fiscal_years_pb2,
    fiscal_years_pb2_grpc,
    holds_pb2,
    holds_pb2_grpc,
    journals_pb2,
    journals_pb2_grpc,
    limits_pb2,
    limits_pb2_grpc,
    periods_pb2,
    periods_pb2_grpc,
    proofs_pb2,
    proofs_pb2_grpc,
    rates_pb2,
    rates_pb2_grpc,
    reports_pb2,
    transactions_pb2,
    tx_templates_pb2,
    tx_templates_pb2_grpc,
)
from ledger_server.api.account_sets import AccountSetServicer
from ledger_server.api.accounts import AccountServicer
from ledger_server.api.audit import AuditServicer
from ledger_server.api.balances import BalanceServicer
from ledger_server.api.charts import ChartServicer
from ledger_server.api.cursors import CursorServicer
from ledger_server.api.erasures import ErasureServicer
from ledger_server.api.events import EventServicer, add_event_servicer
from ledger_server.api.fiscal_years import FiscalYearServicer
from ledger_server.api.holds import HoldServicer
from ledger_server.api.journals import JournalServicer
from ledger_server.api.limits import LimitServicer
from ledger_server.api.methods import Methods
from ledger_server.api.paging import PageTokens
from ledger_server.api.periods import PeriodServicer
from ledger_server.api.proofs import ProofServicer
from ledger_server.api.rates import RateServicer
from ledger_server.api.reports import ReportServicer, add_report_servicer
from ledger_server.api.transactions import TransactionServicer, add_transaction_servicer
from ledger_server.api.tx_templates import TxTemplateServicer
from ledger_server.application.journal_books import Library
from ledger_server.application.post import Poster
from ledger_server.application.sweeper import Sweeper
from ledger_server.proof.checkpointer import Checkpointer, Signing
from ledger_server.store.database import Database
from ledger_server.store.journals import page_token_key_in_tx
from ledger_server.stream.hub import EventHub


class App:
    """The services of the engine on one gRPC server."""

    service_names: tuple[str, ...] = tuple(
        service.full_name
        for file in (
            journals_pb2,
            accounts_pb2,
            account_sets_pb2,
            charts_pb2,
            tx_templates_pb2,
            transactions_pb2,
            balances_pb2,
            holds_pb2,
            reports_pb2,
            periods_pb2,
            limits_pb2,
            fiscal_years_pb2,
            rates_pb2,
            event_stream_pb2,
            audit_pb2,
            proofs_pb2,
            erasures_pb2,
            cursors_pb2,
        )
        for service in file.DESCRIPTOR.services_by_name.values()
    )

    def __init__(
        self,
        database: Database,
        poster: Poster,
        sweeper: Sweeper,
        hub: EventHub,
        checkpointer: Checkpointer,
    ) -> None:
        """Keep what is to be closed."""
        #: Open to tests that sweep when they choose.
        self.sweeper = sweeper
        #: Open to tests that count statements.
        self.database = database
        #: Open to tests that look into the tails.
        self.hub = hub
        #: Open to tests that sign when they choose.
        self.checkpointer = checkpointer
        self._poster = poster

    async def end_streams(self) -> None:
        """End all subscriptions, each with its position."""
        await self.hub.stop()

    async def close(self) -> None:
        """Let go of what the services hold. Called when no call is in flight any more."""
        await self.hub.close()
        await self.sweeper.close()
        await self.checkpointer.close()
        await self._poster.close()
        await self.database.close()


async def add_servicers(server: grpc.aio.Server, dsn: str, signing: Signing | None = None) -> App:
    """Connect the engine to the database and add its services to `server`.

    Args:
        server: not started yet.
        dsn: the database, migrated.
        signing: what checkpoints are signed with; None signs none.

    Raises:
        StoreConfigurationError: a commit would not be durable there.
        StorageUnavailableError: the database does not answer.
    """
    database = await Database.connect(dsn)
    async with database.transaction() as tx:
        tokens = PageTokens(await page_token_key_in_tx(tx))
    library = Library(database)
    poster = Poster(database, library, _now)
    sweeper = Sweeper(database, poster)
    sweeper.start()
    methods: Any = Methods()
    journals_pb2_grpc.add_JournalServiceServicer_to_server(
        JournalServicer(database, tokens), methods
    )
    accounts_pb2_grpc.add_AccountServiceServicer_to_server(
        AccountServicer(database, tokens), methods
    )
    account_sets_pb2_grpc.add_AccountSetServiceServicer_to_server(
        AccountSetServicer(database, tokens), methods
    )
    charts_pb2_grpc.add_ChartServiceServicer_to_server(ChartServicer(database), methods)
    tx_templates_pb2_grpc.add_TxTemplateServiceServicer_to_server(
        TxTemplateServicer(database, tokens), methods
    )
    add_transaction_servicer(TransactionServicer(database, tokens, poster), methods)
    balances_pb2_grpc.add_BalanceServiceServicer_to_server(
        BalanceServicer(database, tokens), methods
    )
    add_report_servicer(ReportServicer(database, tokens), methods)
    periods_pb2_grpc.add_PeriodServiceServicer_to_server(PeriodServicer(database, tokens), methods)
    fiscal_years_pb2_grpc.add_FiscalYearServiceServicer_to_server(
        FiscalYearServicer(database, tokens, library, _now), methods
    )
    rates_pb2_grpc.add_RateServiceServicer_to_server(RateServicer(database, tokens), methods)
    limits_pb2_grpc.add_LimitServiceServicer_to_server(
        LimitServicer(database, tokens, library), methods
    )
    holds_pb2_grpc.add_HoldServiceServicer_to_server(
        HoldServicer(database, tokens, poster), methods
    )
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditServicer(database), methods)
    cursors_pb2_grpc.add_CursorServiceServicer_to_server(CursorServicer(database, tokens), methods)
    hub = EventHub(database)
    add_event_servicer(EventServicer(database, tokens, hub), methods)
    proofs_pb2_grpc.add_ProofServiceServicer_to_server(
        ProofServicer(database, tokens, signing), methods
    )
    erasures_pb2_grpc.add_ErasureServiceServicer_to_server(ErasureServicer(database), methods)
    server.add_generic_rpc_handlers((methods,))
    checkpointer = Checkpointer(database, signing)
    checkpointer.start()
    return App(database, poster, sweeper, hub, checkpointer)


def _now() -> datetime:
    return datetime.now(UTC)
