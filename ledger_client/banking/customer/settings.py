"""What a tenant may set about its customers."""

import re
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from ledger_client.banking.foundation.module import TenantSettings

#: `type/subtype` without parameters.
MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,62}/[a-z0-9][a-z0-9.+-]{0,62}", re.ASCII)

_Days = Annotated[int, Field(ge=1, le=36_500, strict=True)]
_LevelName = Annotated[str, Field(min_length=1, max_length=200)]
_MediaType = Annotated[str, Field(pattern=f"^{MEDIA_TYPE.pattern}$")]


class CustomerSettings(TenantSettings):
    """Settings of the module customer."""

    require_verified_for_accounts: bool = True
    """Whether a deposit account needs a verified customer."""
    require_verified_for_facilities: bool = True
    """Whether a credit facility needs a verified customer."""
    allow_manual_kyc: bool = False
    """Whether a person may decide a verification in the provider's place."""
    allow_sandbox: bool = False
    """Whether what the provider's sandbox sends counts; it verifies whoever a tester likes."""
    basic_level_names: tuple[_LevelName, ...] = ("basic-kyc-level",)
    """The provider's names of levels that make a customer verified at the level basic."""
    advanced_level_names: tuple[_LevelName, ...] = ("advanced-kyc-level",)
    """The provider's names of levels that make a customer verified at the level advanced."""
    inactive_after_days: _Days = 365
    """Days without activity from which on a customer is inactive."""
    suspended_after_days: _Days = 3650
    """Days without activity beyond which a customer is suspended."""
    document_content_types: tuple[_MediaType, ...] = (
        "application/pdf",
        "image/jpeg",
        "image/png",
        "image/tiff",
    )
    """Media types that a document may have."""
    webhook_attempts_max: Annotated[int, Field(ge=1, le=50, strict=True)] = 10
    """Attempts at a delivery of the provider before it waits for a person."""
    webhook_body_days: _Days = 30
    """Days for which the bytes of a delivery are kept after it was applied or ignored."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.suspended_after_days <= self.inactive_after_days:
            raise ValueError("suspended_after_days must be greater than inactive_after_days")
        if both := set(self.basic_level_names) & set(self.advanced_level_names):
            raise ValueError(f"names of both levels: {', '.join(sorted(both))}")
        return self
