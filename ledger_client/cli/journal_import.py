"""Posts the transactions of a CSV file, each once, however often and from wherever it is run."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from ledger_client.amounts import shortest
from ledger_client.cli.general_journal_csv import JournalLine, JournalTransaction
from ledger_client.client import LedgerClient
from ledger_client.errors import ConflictError, LedgerError
from ledger_client.models import Direction, NewAccount, Posting, PostResult, Refusal

TEMPLATE: Final = "GENERAL_JOURNAL"

#: Part of what ids are made from: with another one a file would be posted a second time.
_NAMESPACE: Final = UUID("0b1f6a52-6e0e-5b0f-9c57-5d1d3f8a6a01")

#: Bounds of a batch. The server takes 1,000 postings, 20,000 entries and 4 MiB.
BATCH_POSTINGS_MAX: Final = 500
BATCH_LINES_MAX: Final = 10_000
BATCH_BYTES_MAX: Final = 1_500_000
#: What a line takes on the wire beside its texts, and a posting beside its lines; generous.
_LINE_BYTES: Final = 100
_POSTING_BYTES: Final = 300
_ACCOUNTS_PER_CALL: Final = 1_000
#: Refusals that are looked into, at a call each.
_DIFFERENCES_MAX: Final = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A transaction that the server did not take."""

    transaction: JournalTransaction
    refusal: Refusal
    #: Where it differs from what is there; empty if it was refused for something else.
    difference: str


@dataclasses.dataclass(slots=True)
class Outcome:
    """What came of an import, counted up while it runs."""

    posted: int = 0
    already_there: int = 0
    refused: list[Refused] = dataclasses.field(default_factory=list)


def transaction_id(journal_id: UUID, external_id: str) -> UUID:
    """Return the id of a transaction of a file: always the same, so it is posted once."""
    return uuid5(_NAMESPACE, f"{journal_id}/{external_id}")


def posting(journal_id: UUID, transaction: JournalTransaction) -> Posting:
    """Return the request that posts a transaction: the same file, the same request."""
    params: dict[str, Any] = {"lines": [_line(line) for line in transaction.lines]}
    if not transaction.description:
        params["memo"] = ""  # else the template would put a description of its own
    return Posting(
        template_code=TEMPLATE,
        params=params,
        transaction_id=transaction_id(journal_id, transaction.external_id),
        effective_date=transaction.date,
        description=transaction.description or None,
        external_id=transaction.external_id,
    )


def batches(transactions: Iterable[JournalTransaction]) -> Iterator[list[JournalTransaction]]:
    """Give the transactions in order, as many at a time as one call can take."""
    batch: list[JournalTransaction] = []
    lines = size = 0
    for transaction in transactions:
        own_size = _size(transaction)
        full = (
            len(batch) == BATCH_POSTINGS_MAX
            or lines + len(transaction.lines) > BATCH_LINES_MAX
            or size + own_size > BATCH_BYTES_MAX
        )
        if batch and full:
            yield batch
            batch, lines, size = [], 0, 0
        batch.append(transaction)
        lines += len(transaction.lines)
        size += own_size
    if batch:
        yield batch


async def post_all(
    ledger: LedgerClient,
    journal_id: UUID,
    transactions: Sequence[JournalTransaction],
    outcome: Outcome,
    *,
    advance: Callable[[int], None],
) -> None:
    """Post transactions in the order of the file, and count what comes of them.

    One batch after the other, so that the journal's sequence follows the file. A refusal of one
    touches no other. What is there already is told by its id and not posted again, so this may
    be cut short anywhere and run again, and may run several times at once.

    Args:
        ledger: the client.
        journal_id: of the journal.
        transactions: all good.
        outcome: is counted up; right also if a call fails.
        advance: is told how many are done after each batch.

    Raises:
        LedgerError: a whole call failed.
    """
    for batch in batches(transactions):
        postings = [posting(journal_id, transaction) for transaction in batch]
        results = await ledger.post_many(journal_id, postings, atomic=False)
        for transaction, result in zip(batch, results, strict=True):
            if isinstance(result, PostResult):
                outcome.posted += not result.replayed
                outcome.already_there += result.replayed
            else:
                difference = ""
                if len(outcome.refused) < _DIFFERENCES_MAX:
                    difference = await _difference(ledger, journal_id, transaction, result)
                outcome.refused.append(Refused(transaction, result, difference))
        advance(len(batch))


async def create_accounts(
    ledger: LedgerClient, journal_id: UUID, missing: Mapping[str, Direction]
) -> int:
    """Create accounts that were missing, and return how many; another may be faster."""
    created = 0
    for codes in _chunks(list(missing), _ACCOUNTS_PER_CALL):
        left = codes
        while left:
            new = [NewAccount(code=code, normal_side=missing[code]) for code in left]
            try:
                created += len(await ledger.batch_create_accounts(journal_id, new))
                break
            except ConflictError:
                # All or none: take out what somebody else created meanwhile.
                known = {account.code async for account in ledger.list_accounts(journal_id)}
                still = [code for code in left if code not in known]
                if len(still) == len(left):
                    raise
                left = still
    return created


async def _difference(
    ledger: LedgerClient, journal_id: UUID, transaction: JournalTransaction, refusal: Refusal
) -> str:
    """Say where a transaction differs from the one that is there under its id."""
    if refusal.reason == "EXTERNAL_ID_REUSED":
        owner = refusal.facts.get("transaction_id", "another transaction")
        return f"it belongs to {owner}, which was not posted by an import"
    if refusal.reason != "TRANSACTION_ID_REUSED":
        return ""
    field = refusal.facts.get("field", "")
    try:
        there = await ledger.get_transaction(
            journal_id, transaction_id(journal_id, transaction.external_id)
        )
    except LedgerError:
        return f"{field} differs"
    if field == "effective_date":
        return f"date: {there.effective_date} there, {transaction.date} in the file"
    if field in {"description", "params.memo"}:
        return f"description: {there.description!r} there, {transaction.description!r} in the file"
    if field == "params.lines":
        return _line_difference(there.params.get("lines"), transaction.lines)
    return f"{field} differs"


def _line_difference(there: object, lines: Sequence[JournalLine]) -> str:
    """Name the first line that differs, and in what."""
    kept = there if isinstance(there, list) else []
    for index, line in enumerate(lines):
        if index >= len(kept):
            return f"row {line.row}: a line that is not there"
        given, known = _line(line), kept[index]
        for key in ("account", "debit", "credit", "currency"):
            if given.get(key, "") != known.get(key, ""):
                there_value, file_value = known.get(key) or "none", given.get(key) or "none"
                return f"row {line.row}, {key}: {there_value} there, {file_value} in the file"
    return f"{len(kept)} lines there, {len(lines)} in the file"


def _line(line: JournalLine) -> dict[str, str]:
    side = "debit" if line.direction is Direction.DEBIT else "credit"
    # The shortest form: 12.5 and 12.50 are the same request.
    return {"account": line.account, side: shortest(line.amount), "currency": line.currency}


def _size(transaction: JournalTransaction) -> int:
    texts = sum(len(line.account.encode()) + _LINE_BYTES for line in transaction.lines)
    own = len(transaction.description.encode()) + len(transaction.external_id.encode())
    return texts + own + _POSTING_BYTES


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
