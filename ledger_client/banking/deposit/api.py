"""From the contract's messages to commands and queries, and back."""

from bank_proto.deposit.v1 import deposit_pb2 as pb
from ledger_client.banking.deposit import fields
from ledger_client.banking.deposit.account_rules import AccountStatus, DepositAccount
from ledger_client.banking.deposit.deposit_rules import Deposit, DepositStatus
from ledger_client.banking.deposit.history import AccountHistory, Days
from ledger_client.banking.deposit.holder_rules import AccountHolder
from ledger_client.banking.deposit.messages import (
    account_message,
    deposit_message,
    withdrawal_message,
)
from ledger_client.banking.deposit.service import DepositCommands
from ledger_client.banking.deposit.withdrawal import Withdrawal, WithdrawalStatus
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.fields import uuid_of
from ledger_client.banking.foundation.unit import Unit


class DepositApi:
    """`bank.deposit.v1.DepositService`."""

    def __init__(self, commands: DepositCommands, history: AccountHistory) -> None:
        """Hand over to commands, and to who reads the ledger."""
        self._commands = commands
        self._history = history

    async def CreateAccount(self, unit: Unit, request: pb.CreateAccountRequest) -> DepositAccount:
        """Open an account."""
        customer_id = uuid_of("customer_id", request.customer_id)
        return await self._commands.create_account(unit, customer_id, request.request_id)

    async def GetAccount(self, unit: Unit, request: pb.GetAccountRequest) -> pb.GetAccountResponse:
        """Return an account and its balance."""
        account_id = uuid_of("account_id", request.account_id)
        account = await unit.load(DepositAccount, account_id)
        return pb.GetAccountResponse(
            account=account_message(account), balance=await self._history.balance(account)
        )

    async def ListAccounts(
        self, unit: Unit, request: pb.ListAccountsRequest
    ) -> pb.ListAccountsResponse:
        """Return a page of accounts."""
        page = await unit.list(
            DepositAccount,
            parent_id=fields.an_optional_id("customer_id", request.customer_id),
            state=fields.a_status("status", request.status, AccountStatus),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListAccountsResponse(
            accounts=map(account_message, page.items), next_page_token=page.next_page_token
        )

    async def FreezeAccount(self, unit: Unit, request: pb.FreezeAccountRequest) -> DepositAccount:
        """Freeze an account by hand."""
        account_id = uuid_of("account_id", request.account_id)
        note = fields.a_text("reason", request.reason, fields.REASON_LENGTH_MAX)
        return await self._commands.freeze_account(unit, account_id, note)

    async def UnfreezeAccount(
        self, unit: Unit, request: pb.UnfreezeAccountRequest
    ) -> DepositAccount:
        """Take back a freeze by hand."""
        account_id = uuid_of("account_id", request.account_id)
        return await self._commands.unfreeze_account(unit, account_id)

    async def FreezeAccountsOfCustomer(
        self, unit: Unit, request: pb.FreezeAccountsOfCustomerRequest
    ) -> AccountHolder:
        """Freeze all accounts of a customer by hand."""
        customer_id = uuid_of("customer_id", request.customer_id)
        note = fields.a_text("reason", request.reason, fields.REASON_LENGTH_MAX)
        return await self._commands.freeze_all(unit, customer_id, note)

    async def UnfreezeAccountsOfCustomer(
        self, unit: Unit, request: pb.UnfreezeAccountsOfCustomerRequest
    ) -> AccountHolder:
        """Take back the freeze by hand of all accounts of a customer."""
        customer_id = uuid_of("customer_id", request.customer_id)
        return await self._commands.unfreeze_all(unit, customer_id)

    async def CloseAccount(self, unit: Unit, request: pb.CloseAccountRequest) -> DepositAccount:
        """Close an account."""
        account_id = uuid_of("account_id", request.account_id)
        return await self._commands.close_account(unit, account_id, request.request_id)

    async def RecordDeposit(self, unit: Unit, request: pb.RecordDepositRequest) -> Deposit:
        """Record money that arrived."""
        account_id = uuid_of("account_id", request.account_id)
        reference = fields.a_text("reference", request.reference, fields.REFERENCE_LENGTH_MAX)
        return await self._commands.record_deposit(
            unit, account_id, request.amount, reference, request.request_id
        )

    async def GetDeposit(self, unit: Unit, request: pb.GetDepositRequest) -> pb.GetDepositResponse:
        """Return a deposit."""
        deposit_id = uuid_of("deposit_id", request.deposit_id)
        deposit = await unit.load(Deposit, deposit_id)
        return pb.GetDepositResponse(deposit=deposit_message(deposit))

    async def ListDeposits(
        self, unit: Unit, request: pb.ListDepositsRequest
    ) -> pb.ListDepositsResponse:
        """Return a page of deposits."""
        page = await unit.list(
            Deposit,
            parent_id=fields.an_optional_id("account_id", request.account_id),
            state=fields.a_status("status", request.status, DepositStatus),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListDepositsResponse(
            deposits=map(deposit_message, page.items), next_page_token=page.next_page_token
        )

    async def RevertDeposit(self, unit: Unit, request: pb.RevertDepositRequest) -> Deposit:
        """Take a deposit back."""
        deposit_id = uuid_of("deposit_id", request.deposit_id)
        return await self._commands.revert_deposit(unit, deposit_id, request.request_id)

    async def InitiateWithdrawal(
        self, unit: Unit, request: pb.InitiateWithdrawalRequest
    ) -> Withdrawal:
        """Ask for money."""
        account_id = uuid_of("account_id", request.account_id)
        reference = fields.a_text("reference", request.reference, fields.REFERENCE_LENGTH_MAX)
        return await self._commands.initiate_withdrawal(
            unit, account_id, request.amount, reference, request.request_id
        )

    async def GetWithdrawal(
        self, unit: Unit, request: pb.GetWithdrawalRequest
    ) -> pb.GetWithdrawalResponse:
        """Return a withdrawal."""
        withdrawal_id = uuid_of("withdrawal_id", request.withdrawal_id)
        withdrawal = await unit.load(Withdrawal, withdrawal_id)
        return pb.GetWithdrawalResponse(withdrawal=withdrawal_message(withdrawal))

    async def ListWithdrawals(
        self, unit: Unit, request: pb.ListWithdrawalsRequest
    ) -> pb.ListWithdrawalsResponse:
        """Return a page of withdrawals."""
        page = await unit.list(
            Withdrawal,
            parent_id=fields.an_optional_id("account_id", request.account_id),
            state=fields.a_status("status", request.status, WithdrawalStatus),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListWithdrawalsResponse(
            withdrawals=map(withdrawal_message, page.items), next_page_token=page.next_page_token
        )

    async def CancelWithdrawal(self, unit: Unit, request: pb.CancelWithdrawalRequest) -> Withdrawal:
        """Cancel a withdrawal."""
        withdrawal_id = uuid_of("withdrawal_id", request.withdrawal_id)
        return await self._commands.cancel_withdrawal(unit, withdrawal_id, request.request_id)

    async def RevertWithdrawal(self, unit: Unit, request: pb.RevertWithdrawalRequest) -> Withdrawal:
        """Take back a withdrawal that was paid out."""
        withdrawal_id = uuid_of("withdrawal_id", request.withdrawal_id)
        return await self._commands.revert_withdrawal(unit, withdrawal_id, request.request_id)

    async def GetAccountHistory(
        self, unit: Unit, request: pb.GetAccountHistoryRequest
    ) -> pb.GetAccountHistoryResponse:
        """Return a page of what moved an account's balance."""
        account_id = uuid_of("account_id", request.account_id)
        days = Days(
            first=fields.an_optional_date("from_date", request.from_date),
            last=fields.an_optional_date("to_date", request.to_date),
        )
        if days.first and days.last and days.first > days.last:
            raise FieldInvalidError("to_date", "must not be before from_date")
        account = await unit.load(DepositAccount, account_id)
        return await self._history.page(unit, account, days, request.page_size, request.page_token)
