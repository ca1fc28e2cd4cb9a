"""A ledger with a small chart and fiscal years, written the short way."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ledger_proto.v1 import account_sets_pb2, accounts_pb2, charts_pb2, periods_pb2
from ledger_proto.v1 import fiscal_years_pb2 as pb
from tests.api.calls import CREDIT, DEBIT
from tests.ledger import PostingLedger, lines

CHART = {
    "1": account_sets_pb2.ACCOUNT_CATEGORY_ASSET,
    "3": account_sets_pb2.ACCOUNT_CATEGORY_EQUITY,
    "4": account_sets_pb2.ACCOUNT_CATEGORY_REVENUE,
    "5": account_sets_pb2.ACCOUNT_CATEGORY_EXPENSE,
}
#: From account to its node.
ACCOUNTS = {"cash": "1", "retained": "3", "sales": "4", "fees": "4", "rent": "5", "wages": "5"}
CLOSED, OPEN = pb.FISCAL_YEAR_STATUS_CLOSED, pb.FISCAL_YEAR_STATUS_OPEN


class FiscalLedger:
    """The calls of one journal that are about its years."""

    def __init__(self, posting: PostingLedger) -> None:
        self.posting = posting
        self.service = posting.fiscal_years
        self.journal = posting.journal

    async def begin(self, accounts: Mapping[str, str] = ACCOUNTS) -> None:
        """Create the chart and its accounts."""
        await self.posting.open()
        nodes = [charts_pb2.NewChartNode(code=code, category=one) for code, one in CHART.items()]
        await self.posting.charts.ImportChart(
            charts_pb2.ImportChartRequest(journal=self.journal, nodes=nodes)
        )
        await self.posting.accounts.BatchCreateAccounts(
            accounts_pb2.BatchCreateAccountsRequest(
                journal=self.journal,
                accounts=[
                    accounts_pb2.NewAccount(
                        code=code,
                        normal_side=DEBIT if node in {"1", "5"} else CREDIT,
                        account_sets=[node],
                    )
                    for code, node in accounts.items()
                ],
            )
        )

    async def open_year(self, code: str = "2025", **fields: Any) -> pb.FiscalYear:
        request = pb.OpenFiscalYearRequest(journal=self.journal, code=code, **fields)
        return (await self.service.OpenFiscalYear(request)).year

    async def open_years(self, *codes: str) -> None:
        """Open calendar years, the result of which goes to `retained`."""
        for code in codes:
            await self.open_year(
                code,
                first_day=f"{code}-01-01",
                last_day=f"{code}-12-31",
                retained_earnings_account="retained",
            )

    async def close(self, code: str = "2025", **fields: Any) -> pb.CloseFiscalYearResponse:
        fields = {"reason": "audited"} | fields
        return await self.service.CloseFiscalYear(
            pb.CloseFiscalYearRequest(journal=self.journal, year=code, **fields)
        )

    async def reopen(self, code: str = "2025", **fields: Any) -> pb.ReopenFiscalYearResponse:
        fields = {"reason": "an invoice came late"} | fields
        return await self.service.ReopenFiscalYear(
            pb.ReopenFiscalYearRequest(journal=self.journal, year=code, **fields)
        )

    async def preview(self, code: str = "2025", **fields: Any) -> pb.PreviewYearCloseResponse:
        return await self.service.PreviewYearClose(
            pb.PreviewYearCloseRequest(journal=self.journal, year=code, **fields)
        )

    async def get(self, code: str = "2025") -> pb.GetFiscalYearResponse:
        return await self.service.GetFiscalYear(
            pb.GetFiscalYearRequest(journal=self.journal, year=code)
        )

    async def post(self, debit: str, credit: str, amount: str, day: str, **fields: Any) -> None:
        """Post an amount with its currency, such as `10.00 USD`, also behind the lock."""
        fields = {"effective_date": day, "behind_soft_lock": True} | fields
        request = lines(f"DEBIT {debit} {amount}", f"CREDIT {credit} {amount}", **fields)
        await self.posting.post(request)

    async def nets(self, as_of: str = "") -> dict[tuple[str, str], Decimal]:
        """Return the net debits that are not zero, by account and currency."""
        report = await self.posting.trial_balance(as_of=as_of)
        found = {
            (row.code, row.currency): Decimal(row.columns.closing_debit)
            - Decimal(row.columns.closing_credit)
            for row in report.rows
        }
        return {key: net for key, net in found.items() if net}

    async def close_days(self, through: str, *, soft: bool = False) -> None:
        await self.posting.periods.ClosePeriod(
            periods_pb2.ClosePeriodRequest(
                journal=self.journal, through=through, soft=soft, reason="month end"
            )
        )
