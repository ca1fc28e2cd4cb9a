"""The chart: what this bank has by default, and where deposit accounts stand in any."""

import functools
import importlib.resources
from typing import Final
from uuid import UUID

from ledger_client.banking.deposit.account_rules import CustomerType
from ledger_client.banking.deposit.errors import code_of
from ledger_client.banking.deposit.settings import DepositSettings
from ledger_client.csv_files.charts import read_chart
from ledger_client.models import NewChartNode

#: Code of the account set of all deposit accounts, which belongs to no chart: what is about all of
#: them is attached to it, wherever in the chart they stand.
ALL_ACCOUNTS: Final = "deposit-accounts"


@functools.cache
def default_chart() -> tuple[NewChartNode, ...]:
    """Return the nodes of `chart.csv`."""
    data = (importlib.resources.files(__package__) / "chart.csv").read_bytes()
    file = read_chart(data, {})
    assert not file.problems, f"chart.csv: {file.problems}"
    return tuple(file.nodes)


def deposit_node(settings: DepositSettings, customer_type: CustomerType) -> str:
    """Return the code of the node in which accounts of such customers stand."""
    return {
        CustomerType.INDIVIDUAL: settings.individual_node,
        CustomerType.GOVERNMENT_ENTITY: settings.government_entity_node,
        CustomerType.PRIVATE_COMPANY: settings.private_company_node,
        CustomerType.BANK: settings.bank_node,
        CustomerType.FINANCIAL_INSTITUTION: settings.financial_institution_node,
        CustomerType.FOREIGN_AGENCY_OR_SUBSIDIARY: settings.foreign_agency_or_subsidiary_node,
        CustomerType.NON_DOMICILED_COMPANY: settings.non_domiciled_company_node,
    }[customer_type]


def account_code(account_id: UUID) -> str:
    """Return the ledger's code of a deposit account."""
    return code_of(account_id)


def omnibus_code(currency: str) -> str:
    """Return the code of the account at which deposits arrive and which withdrawals leave."""
    return f"deposit-omnibus:{currency}"
