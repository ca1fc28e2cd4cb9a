"""What a tenant may set."""

import zoneinfo
from typing import Annotated

from pydantic import AfterValidator, Field

from ledger_client.banking.foundation.module import TenantSettings


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError) as error:
        raise ValueError("not the name of a time zone, such as Europe/Zurich") from error
    return name


_NodeCode = Annotated[str, Field(min_length=1, max_length=255)]


class DepositSettings(TenantSettings):
    """Settings of the module, each with a default."""

    #: Code of the currency of accounts that are opened from now on.
    currency: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9._-]{0,15}$")] = "USD"
    #: Decimals of a currency that the ledger does not know yet; else the ledger's count.
    currency_decimals: Annotated[int, Field(ge=0, le=18)] = 2
    #: The bank's: postings count on its day.
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    #: Whether accounts are frozen while their customer is suspended for want of activity.
    freeze_suspended: bool = False

    #: Whether `chart.csv` is put into the journal. Without it the nodes below must be there.
    import_chart: bool = True
    #: Code of the node of the account at which deposits arrive and from which withdrawals leave.
    omnibus_node: _NodeCode = "11.01.0102"
    #: Codes of the nodes of deposit accounts, by what the customer is; they must be leaves.
    individual_node: _NodeCode = "21.01.0101"
    government_entity_node: _NodeCode = "21.01.0102"
    private_company_node: _NodeCode = "21.01.0103"
    bank_node: _NodeCode = "21.01.0104"
    financial_institution_node: _NodeCode = "21.01.0105"
    foreign_agency_or_subsidiary_node: _NodeCode = "21.01.0106"
    non_domiciled_company_node: _NodeCode = "21.01.0107"
