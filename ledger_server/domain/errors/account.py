"""Refusals about accounts and account sets."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class AccountNotFoundError(LedgerError):
    """No account of the journal has this code or id."""

    reason = "ACCOUNT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    account: str

    def __str__(self) -> str:
        """Name the account."""
        return f"no account has the code or id {self.account!r}"


@dataclasses.dataclass(eq=False)
class AccountIsSetError(LedgerError):
    """An entry names an account set; sets take no entries."""

    reason = "ACCOUNT_IS_SET"
    kind = Kind.INVALID

    account: str

    def __str__(self) -> str:
        """Name the set."""
        return f"{self.account!r} is an account set; entries go to accounts only"


@dataclasses.dataclass(eq=False)
class AccountExistsError(LedgerError):
    """An account has this code or id already."""

    reason = "ACCOUNT_EXISTS"
    kind = Kind.CONFLICT

    account: str

    def __str__(self) -> str:
        """Name the code or id that is taken."""
        return f"an account with the code or id {self.account!r} is there already"


@dataclasses.dataclass(eq=False)
class AccountNotActiveError(LedgerError):
    """An account is locked or closed and takes no entries."""

    reason = "ACCOUNT_NOT_ACTIVE"
    kind = Kind.REFUSED

    account: str
    status: str

    def __str__(self) -> str:
        """Name the account and its status."""
        return f"account {self.account!r} is {self.status} and takes no entries"


@dataclasses.dataclass(eq=False)
class AccountClosedError(LedgerError):
    """An account is closed for good."""

    reason = "ACCOUNT_CLOSED"
    kind = Kind.REFUSED

    account: str

    def __str__(self) -> str:
        """Name the account."""
        return f"account {self.account!r} is closed for good"


@dataclasses.dataclass(eq=False)
class AccountNotEmptyError(LedgerError):
    """An account is not at zero and cannot be closed."""

    reason = "ACCOUNT_NOT_EMPTY"
    kind = Kind.REFUSED

    account: str
    layer: str
    currency: str
    net_debit: str

    def __str__(self) -> str:
        """State what is left."""
        return (
            f"account {self.account!r} holds {self.net_debit} {self.currency} {self.layer} "
            "(debit less credit); only an account at zero in every layer and currency can be closed"
        )


@dataclasses.dataclass(eq=False)
class AccountSetNotFoundError(LedgerError):
    """No account set of the journal has this code or id."""

    reason = "ACCOUNT_SET_NOT_FOUND"
    kind = Kind.NOT_FOUND

    account_set: str

    def __str__(self) -> str:
        """Name the set."""
        return f"no account set has the code or id {self.account_set!r}"


@dataclasses.dataclass(eq=False)
class AccountSetExistsError(LedgerError):
    """An account set has this code or id already."""

    reason = "ACCOUNT_SET_EXISTS"
    kind = Kind.CONFLICT

    account_set: str

    def __str__(self) -> str:
        """Name the code or id that is taken."""
        return f"an account set with the code or id {self.account_set!r} is there already"


@dataclasses.dataclass(eq=False)
class AccountSetCycleError(LedgerError):
    """A set would come to contain itself."""

    reason = "ACCOUNT_SET_CYCLE"
    kind = Kind.REFUSED

    account_set: str
    member: str

    def __str__(self) -> str:
        """Name both sets."""
        return f"account set {self.account_set!r} would contain itself through {self.member!r}"


@dataclasses.dataclass(eq=False)
class MemberNotFoundError(LedgerError):
    """Something named is not a direct member of the set."""

    reason = "MEMBER_NOT_FOUND"
    kind = Kind.NOT_FOUND

    account_set: str
    member: str

    def __str__(self) -> str:
        """Name the set and the member."""
        return f"{self.member!r} is not a direct member of account set {self.account_set!r}"
