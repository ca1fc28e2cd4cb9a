"""Deposits: accounts of customers, money that comes in, and withdrawals that wait for approval.

Beside the files that every module has:

- `chart`, `chart.csv`  the default chart, and where in a chart this module's accounts stand
- `limits`              the limit by which the ledger refuses what would overdraw an account
- `params`              what each template of `templates/deposit` is given
- `history`             balances and history, read from the ledger
- `account_rules`, `deposit_rules`, `withdrawal_rules`  what other modules have in `rules`
- `books`               brings all of it about in a tenant's journal
- `fields`, `messages`  fields of requests that are checked, and entities as they are shown
"""
