"""What the module needs in a tenant's journal, brought about at each start."""

import asyncio
import logging
from typing import Final

from ledger_client.banking.deposit.chart import default_chart, omnibus_code
from ledger_client.banking.deposit.limits import forbid_overdrafts
from ledger_client.banking.deposit.params import TEMPLATES
from ledger_client.banking.deposit.settings import DepositSettings
from ledger_client.client import LedgerClient
from ledger_client.errors import ConflictError
from ledger_client.models import Direction
from ledger_client.templates import library

_log: Final = logging.getLogger(__name__)


class Books:
    """The journals of the tenants, as far as this module has them in order."""

    def __init__(self, ledger: LedgerClient) -> None:
        """Begin knowing nothing."""
        self._ledger = ledger
        #: Decimals of currencies that are in order, by tenant and code.
        self._decimals: dict[tuple[str, str], int] = {}
        self._putting_in_order = asyncio.Lock()

    async def set_up(self, tenant: str, settings: DepositSettings) -> None:
        """Have everything in the journal: chart, templates, and what the currency needs.

        Idempotent. A chart of the tenant's own may have nodes where `chart.csv` has others; then
        the import is refused, and the setting `import_chart` is to be false.

        Raises:
            LedgerError: the ledger does not answer, or has something else there.
        """
        if settings.import_chart:
            await self._ledger.import_chart(tenant, default_chart())
        for loaded in library():
            if loaded.template.code in TEMPLATES:
                await self._ledger.create_tx_template(tenant, loaded.template)
        await self.decimals(tenant, settings)

    async def decimals(self, tenant: str, settings: DepositSettings) -> int:
        """Return the decimals of the currency of new accounts, with all that it needs in order.

        Raises:
            LedgerError: the ledger does not answer, or has something else there.
        """
        key = (tenant, settings.currency)
        if key not in self._decimals:
            async with self._putting_in_order:
                if key not in self._decimals:
                    self._decimals[key] = await self._in_order(tenant, settings)
        return self._decimals[key]

    async def _in_order(self, tenant: str, settings: DepositSettings) -> int:
        code = settings.currency
        known = {
            currency.code: currency.exponent
            async for currency in self._ledger.list_currencies(tenant)
        }
        if code not in known:
            decimals = settings.currency_decimals
            await self._ledger.register_currency(tenant, code, decimals)
            known[code] = decimals
        await forbid_overdrafts(self._ledger, tenant, code)
        try:
            await self._ledger.create_account(
                tenant,
                omnibus_code(code),
                normal_side=Direction.DEBIT,
                name=f"Deposits in {code}",
                account_sets=[settings.omnibus_node],
            )
        except ConflictError as error:
            if error.reason != "ACCOUNT_EXISTS":
                raise
        _log.info("journal %s is in order for deposits in %s", tenant, code)
        return known[code]
