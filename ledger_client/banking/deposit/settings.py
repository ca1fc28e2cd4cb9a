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

    currency: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9._-]{0,15}$")] = "USD"
    """Code of the currency of accounts that are opened from now on."""
    currency_decimals: Annotated[int, Field(ge=0, le=18)] = 2
    """Decimals of a currency that the ledger does not know yet; else the ledger's count."""
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """The bank's time zone: postings count on its day."""
    freeze_suspended: bool = False
    """Whether accounts are frozen while their customer is suspended for want of activity."""

    import_chart: bool = True
    """Whether `chart.csv` is put into the journal. Without it all nodes must be there."""
    omnibus_node: _NodeCode = "11.01.0102"
    """Code of the node of the account at which deposits arrive and from which withdrawals leave."""
    individual_node: _NodeCode = "21.01.0101"
    """Code of the node of deposit accounts of individuals; a leaf."""
    government_entity_node: _NodeCode = "21.01.0102"
    """Code of the node of deposit accounts of government entities; a leaf."""
    private_company_node: _NodeCode = "21.01.0103"
    """Code of the node of deposit accounts of private companies; a leaf."""
    bank_node: _NodeCode = "21.01.0104"
    """Code of the node of deposit accounts of banks; a leaf."""
    financial_institution_node: _NodeCode = "21.01.0105"
    """Code of the node of deposit accounts of financial institutions; a leaf."""
    foreign_agency_or_subsidiary_node: _NodeCode = "21.01.0106"
    """Code of the node of deposit accounts of foreign agencies or subsidiaries; a leaf."""
    non_domiciled_company_node: _NodeCode = "21.01.0107"
    """Code of the node of deposit accounts of companies domiciled elsewhere; a leaf."""
