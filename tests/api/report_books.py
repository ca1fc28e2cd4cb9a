"""A journal with a chart, and its reports written the short way."""

from typing import Any

from ledger_proto.v1 import account_sets_pb2, accounts_pb2
from ledger_proto.v1 import reports_pb2 as pb
from tests.api.calls import CREDIT, DEBIT
from tests.ledger import PostingLedger, lines

ASSET = account_sets_pb2.ACCOUNT_CATEGORY_ASSET
LIABILITY = account_sets_pb2.ACCOUNT_CATEGORY_LIABILITY
EQUITY = account_sets_pb2.ACCOUNT_CATEGORY_EQUITY
REVENUE = account_sets_pb2.ACCOUNT_CATEGORY_REVENUE
EXPENSE = account_sets_pb2.ACCOUNT_CATEGORY_EXPENSE
OFF_BALANCE = account_sets_pb2.ACCOUNT_CATEGORY_OFF_BALANCE

#: Sets by code: category, and the accounts in it.
CHART = {
    "assets": (ASSET, ["cash", "bank"]),
    "liabilities": (LIABILITY, ["card"]),
    "equity": (EQUITY, ["capital"]),
    "revenue": (REVENUE, ["sales"]),
    "expenses": (EXPENSE, ["rent", "fees"]),
}
_ON_CREDIT = {LIABILITY, EQUITY, REVENUE}


class ReportLedger(PostingLedger):
    """The services of one server, and the reports of one journal."""

    async def open_books(self) -> None:
        """Create the journal with the accounts and sets of `CHART`."""
        await self.open()
        for code, (category, accounts) in CHART.items():
            side = CREDIT if category in _ON_CREDIT else DEBIT
            await self.create_accounts(*accounts, side=side)
            await self.create_set_of(code, *accounts, category=category)

    async def create_accounts(self, *codes: str, side: Any = DEBIT) -> None:
        await self.accounts.BatchCreateAccounts(
            accounts_pb2.BatchCreateAccountsRequest(
                journal=self.journal,
                accounts=[accounts_pb2.NewAccount(code=one, normal_side=side) for one in codes],
            )
        )

    async def create_set_of(self, code: str, *accounts: str, **fields: Any) -> None:
        await self.account_sets.CreateAccountSet(
            account_sets_pb2.CreateAccountSetRequest(journal=self.journal, code=code, **fields)
        )
        await self.put_into(code, *accounts)

    async def put_into(self, code: str, *accounts: str, sets: tuple[str, ...] = ()) -> None:
        await self.account_sets.AddAccountSetMembers(
            account_sets_pb2.AddAccountSetMembersRequest(
                journal=self.journal, account_set=code, accounts=accounts, member_sets=sets
            )
        )

    async def take_out_of(self, code: str, *accounts: str) -> None:
        await self.account_sets.RemoveAccountSetMembers(
            account_sets_pb2.RemoveAccountSetMembersRequest(
                journal=self.journal, account_set=code, accounts=accounts
            )
        )

    async def rename(self, account: str, name: str) -> None:
        await self.accounts.UpdateAccount(
            accounts_pb2.UpdateAccountRequest(
                journal=self.journal,
                account=account,
                name=name,
                update_mask={"paths": ["name"]},  # type: ignore[arg-type]  # a message by its fields
            )
        )

    async def enter(self, day: str, *legs: str, **fields: Any) -> str:
        """Post legs such as `DEBIT cash 10.00 USD` on a day and return the transaction's id."""
        posted = await self.post(lines(*legs, effective_date=day, **fields))
        return posted.transaction.id

    async def move(self, day: str, debit: str, credit: str, amount: str, **fields: Any) -> str:
        """Post an amount of USD from one account to another."""
        legs = (f"DEBIT {debit} {amount} USD", f"CREDIT {credit} {amount} USD")
        return await self.enter(day, *legs, **fields)

    async def balance_sheet(self, **fields: Any) -> pb.GetBalanceSheetResponse:
        return await self.reports.GetBalanceSheet(
            pb.GetBalanceSheetRequest(journal=self.journal, **fields)
        )

    async def income_statement(self, **fields: Any) -> pb.GetIncomeStatementResponse:
        return await self.reports.GetIncomeStatement(
            pb.GetIncomeStatementRequest(journal=self.journal, **fields)
        )

    async def statement(self, **fields: Any) -> pb.GetAccountStatementResponse:
        return await self.reports.GetAccountStatement(
            pb.GetAccountStatementRequest(journal=self.journal, **fields)
        )

    async def general_ledger(self, **fields: Any) -> pb.GetGeneralLedgerResponse:
        return await self.reports.GetGeneralLedger(
            pb.GetGeneralLedgerRequest(journal=self.journal, **fields)
        )

    async def search(self, **fields: Any) -> pb.SearchJournalResponse:
        return await self.reports.SearchJournal(
            pb.SearchJournalRequest(journal=self.journal, **fields)
        )


def shown(section: pb.Section) -> list[str]:
    """Return the lines of a section, such as `- cash USD 10.00`; a dash for each set above."""
    return [
        f"{'- ' * line.depth}{line.code} {line.currency} {' '.join(line.amounts)}"
        for line in section.lines
    ]


def comparison(count: int = 0, **fields: Any) -> pb.Comparison:
    return pb.Comparison(count=count, **fields)
