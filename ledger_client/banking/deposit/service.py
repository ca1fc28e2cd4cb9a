"""Commands: what is asked of the module, decided by the rules and stored with what follows."""

from collections.abc import Iterable
from uuid import UUID

from ledger_client.banking.deposit import (
    account_rules,
    deposit_rules,
    fields,
    movements,
    withdrawal_rules,
)
from ledger_client.banking.deposit.account_rules import DepositAccount, FreezeReason, Initialized
from ledger_client.banking.deposit.books import Books
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.deposit.holder_rules import AccountAdded, AccountHolder, AllChanged
from ledger_client.banking.deposit.other_modules import Customers
from ledger_client.banking.deposit.settings import DepositSettings
from ledger_client.banking.deposit.withdrawal import Withdrawal
from ledger_client.banking.foundation import calls
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import EntityNotFoundError, UnavailableError
from ledger_client.banking.foundation.unit import Unit
from ledger_client.errors import OverloadedError
from ledger_client.errors import UnavailableError as LedgerUnavailableError


class DepositCommands:
    """What may be asked. Each returns the entity that the answer shows."""

    def __init__(self, books: Books, customers: Customers) -> None:
        """Take what is asked on the way.

        Args:
            books: has a tenant's journal in order.
            customers: knows who may have an account.
        """
        self._books = books
        self._customers = customers

    async def create_account(
        self, unit: Unit, customer_id: UUID, request_id: str
    ) -> DepositAccount:
        """Open an account for a customer.

        Raises:
            CustomerNotEligibleError: the customer may have none.
            EntityNotFoundError: there is no such customer.
            UnavailableError: the ledger or the module customer does not answer.
        """
        # The holder is read first: what changes it after that is not missed.
        holder = await unit.find(AccountHolder, customer_id)
        holder = holder or AccountHolder(id=customer_id, tenant=unit.tenant)
        settings = unit.settings(DepositSettings)
        customer_type = await self._customers.require_eligible(unit.tenant, customer_id)
        try:
            decimals = await self._books.decimals(unit.tenant, settings)
        except (LedgerUnavailableError, OverloadedError) as error:
            raise UnavailableError("the ledger") from error
        account_id = derived_id(unit.tenant, "CreateAccount", request_id)
        account = unit.change(
            DepositAccount(id=account_id, tenant=unit.tenant),
            Initialized(
                customer_id=customer_id,
                customer_type=customer_type,
                currency=settings.currency,
                decimals=decimals,
                freeze_reasons=tuple(sorted(holder.freeze_reasons)),
                at=unit.now,
            ),
        )
        unit.change(holder, AccountAdded(account_id=account_id))
        movements.open_at_ledger(unit, account)
        return account

    async def freeze_account(self, unit: Unit, account_id: UUID, note: str) -> DepositAccount:
        """Freeze an account by hand.

        Raises:
            AccountNotActiveError: it is closed, or was never opened.
        """
        account = await unit.load(DepositAccount, account_id)
        return freeze(unit, account, FreezeReason.BY_HAND, note)

    async def unfreeze_account(self, unit: Unit, account_id: UUID) -> DepositAccount:
        """Take back a freeze by hand.

        Raises:
            AccountNotActiveError: it is closed, or was never opened.
        """
        account = await unit.load(DepositAccount, account_id)
        return await unfreeze(unit, account, FreezeReason.BY_HAND)

    async def freeze_all(self, unit: Unit, customer_id: UUID, note: str) -> AccountHolder:
        """Freeze all accounts of a customer by hand.

        Raises:
            EntityNotFoundError: the customer never had one.
        """
        holder = await self._holder(unit, customer_id)
        for account in await alive_accounts(unit, holder):
            freeze(unit, account, FreezeReason.BY_HAND, note)
        return unit.change(holder, AllChanged(is_freeze=True))

    async def unfreeze_all(self, unit: Unit, customer_id: UUID) -> AccountHolder:
        """Take back the freeze by hand of all accounts of a customer.

        Raises:
            EntityNotFoundError: the customer never had one.
        """
        holder = await self._holder(unit, customer_id)
        for account in await alive_accounts(unit, holder):
            await unfreeze(unit, account, FreezeReason.BY_HAND)
        return unit.change(holder, AllChanged(is_freeze=False))

    async def _holder(self, unit: Unit, customer_id: UUID) -> AccountHolder:
        holder = await unit.find(AccountHolder, customer_id)
        if holder is None or not holder.account_ids:
            raise EntityNotFoundError(AccountHolder.KIND, customer_id)
        return holder

    async def close_account(self, unit: Unit, account_id: UUID, request_id: str) -> DepositAccount:
        """Close an account for good, if the ledger has nothing on it.

        Raises:
            AccountNotActiveError: it is frozen, or not opened.
        """
        account = await unit.load(DepositAccount, account_id)
        account = unit.change(account, *account_rules.close(account, UUID(request_id)))
        return movements.step_on(unit, account)

    async def record_deposit(
        self, unit: Unit, account_id: UUID, amount: str, reference: str, request_id: str
    ) -> Deposit:
        """Credit an account with money that arrived; `amount` as it was sent.

        Raises:
            AccountNotActiveError: the account takes none.
            FieldInvalidError: the amount is none of the account's currency.
        """
        account = await unit.load(DepositAccount, account_id)
        amount = fields.an_amount("amount", amount, account.decimals)
        events = deposit_rules.record(account, amount, reference, unit.now)
        deposit_id = derived_id(unit.tenant, "RecordDeposit", request_id)
        deposit = unit.change(Deposit(id=deposit_id, tenant=unit.tenant), *events)
        movements.post_deposit(unit, deposit)
        return deposit

    async def revert_deposit(self, unit: Unit, deposit_id: UUID, request_id: str) -> Deposit:
        """Take a deposit back.

        Raises:
            AccountNotActiveError: nothing may leave the account now.
            DepositStateError: it was not posted.
        """
        deposit = await unit.load(Deposit, deposit_id)
        account = await unit.load(DepositAccount, deposit.account_id)
        events = deposit_rules.revert(deposit, account, UUID(request_id))
        deposit = unit.change(deposit, *events)
        if events:
            day = movements.today(unit)
            unit.call(calls.reverse(deposit, deposit.revert_id, deposit.id, effective_date=day))
        return deposit

    async def initiate_withdrawal(
        self, unit: Unit, account_id: UUID, amount: str, reference: str, request_id: str
    ) -> Withdrawal:
        """Hold money and ask for approval to pay it out; `amount` as it was sent.

        Raises:
            AccountNotActiveError: nothing may leave the account now.
            FieldInvalidError: the amount is none of the account's currency.
        """
        account = await unit.load(DepositAccount, account_id)
        amount = fields.an_amount("amount", amount, account.decimals)
        events = withdrawal_rules.initiate(account, amount, reference, unit.cause.subject, unit.now)
        withdrawal_id = derived_id(unit.tenant, "InitiateWithdrawal", request_id)
        withdrawal = unit.change(Withdrawal(id=withdrawal_id, tenant=unit.tenant), *events)
        movements.hold_withdrawal(unit, withdrawal)
        return withdrawal

    async def cancel_withdrawal(
        self, unit: Unit, withdrawal_id: UUID, request_id: str
    ) -> Withdrawal:
        """Give the money held for a withdrawal back.

        Raises:
            WithdrawalStateError: it is decided otherwise, or nothing is held yet.
        """
        withdrawal = await unit.load(Withdrawal, withdrawal_id)
        events = withdrawal_rules.cancel(withdrawal, UUID(request_id))
        return movements.release(unit, withdrawal, events)

    async def revert_withdrawal(
        self, unit: Unit, withdrawal_id: UUID, request_id: str
    ) -> Withdrawal:
        """Take back what was paid out.

        Raises:
            AccountNotActiveError: nothing may come to the account now.
            WithdrawalStateError: it was not paid out.
        """
        withdrawal = await unit.load(Withdrawal, withdrawal_id)
        account = await unit.load(DepositAccount, withdrawal.account_id)
        events = withdrawal_rules.revert(withdrawal, account, UUID(request_id))
        withdrawal = unit.change(withdrawal, *events)
        if events:
            unit.call(
                calls.reverse(
                    withdrawal,
                    withdrawal.revert_call_id,
                    withdrawal.capture_id,
                    effective_date=movements.today(unit),
                )
            )
        return withdrawal


def freeze(
    unit: Unit, account: DepositAccount, reason: FreezeReason, note: str = ""
) -> DepositAccount:
    """Freeze an account for a reason, and have the ledger lock it.

    Raises:
        AccountNotActiveError: it is closed, or was never opened.
    """
    account = unit.change(account, *account_rules.freeze(account, reason, note))
    return movements.step_on(unit, account)


async def unfreeze(unit: Unit, account: DepositAccount, reason: FreezeReason) -> DepositAccount:
    """Take a reason away; if none is left, have the ledger unlock it and pay out what waits.

    Raises:
        AccountNotActiveError: it is closed, or was never opened.
    """
    account = unit.change(account, *account_rules.unfreeze(account, reason))
    account = await movements.pay_out_awaiting(unit, account)
    return movements.step_on(unit, account)


async def alive_accounts(unit: Unit, holder: AccountHolder) -> Iterable[DepositAccount]:
    """Return all accounts of a customer that can still be frozen."""
    found = await unit.find_many(DepositAccount, holder.account_ids)
    return [account for account in found.values() if account_rules.is_alive(account)]
