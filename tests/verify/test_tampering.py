"""What is changed behind the ledger's back is found, and named: by code, place and amounts."""

from decimal import Decimal

import pytest

from ledger_client.verify import Asked, Code, WrongError, verify
from ledger_client.verify.checkpoints import start_at
from ledger_client.verify.state import load
from ledger_proto.v1 import events_pb2
from tests.ledger import transfer
from tests.verify.bench import JOURNAL, Bench


async def test_a_changed_amount_in_an_event(bench: Bench) -> None:
    """On both sides, so that the transaction still balances."""
    sequence = await bench.sequence_of("journal_posted", 2)
    async with bench.changed_event(sequence) as event:
        for entry in event.journal_posted.transaction.entries:
            entry.units = "9999.99"
    finding = await bench.finding()
    assert finding.code is Code.BALANCE_AFTER_WRONG
    assert (finding.sequence, finding.account) == (sequence, "cash")
    # 1.50 and 2.50 came before; the event still says what stood there after 3.50.
    assert (finding.expected, finding.found) == ("10003.99", "7.5")


async def test_a_changed_amount_on_one_side_of_an_event(bench: Bench) -> None:
    """With the balance after it changed too: then debits and credits differ."""
    sequence = await bench.sequence_of("journal_posted", -1)
    async with bench.changed_event(sequence) as event:
        entry = event.journal_posted.transaction.entries[0]
        before = Decimal(entry.balance_after.debit) - Decimal(entry.units)
        entry.units = "8.00"
        entry.balance_after.debit = str(before + 8)
    finding = await bench.finding()
    assert finding.code is Code.UNBALANCED
    assert finding.sequence == sequence
    assert "debits 8, credits 7 USD, 1 apart" in finding.message


async def test_a_changed_amount_in_a_row_of_entries(bench: Bench) -> None:
    sequence = await bench.sequence_of("journal_posted", 1)
    await bench.execute(
        "UPDATE entries SET units = units + 1 WHERE sequence = $1 AND position = 1", sequence
    )
    finding = await bench.finding()
    assert finding.code is Code.ENTRY_ROW_WRONG
    assert (finding.sequence, finding.account) == (sequence, "income")
    assert (finding.expected, finding.found) == ("2.50", "3.50")


@pytest.mark.parametrize(
    ("column", "words"),
    [("settled_debit", "settled debits"), ("held_credit", "held credits"), ("version", "version")],
)
async def test_a_changed_balance(bench: Bench, column: str, words: str) -> None:
    await bench.execute(
        f"UPDATE balances SET {column} = {column} + 1 FROM accounts"
        " WHERE accounts.id = account_id AND code = 'income' AND currency = 'USD'"
    )
    finding = await bench.finding()
    assert finding.code is Code.BALANCE_ROW_WRONG
    assert (finding.account, finding.currency) == ("income", "USD")
    assert Decimal(finding.found) == Decimal(finding.expected) + 1
    assert words in finding.message


async def test_a_balance_that_was_deleted_and_one_without_entries(bench: Bench) -> None:
    await bench.execute("DELETE FROM balances WHERE currency = 'BTC'")
    finding = await bench.finding()
    assert finding.code is Code.BALANCE_ROW_WRONG
    assert finding.currency == "BTC"
    assert finding.found == "0"


async def test_a_changed_daily_sum(bench: Bench) -> None:
    await bench.execute(
        "UPDATE earlier_days SET debit = debit - 1"
        " WHERE layer = 1 AND day = '2025-12-31' AND debit > 0"
    )
    finding = await bench.finding()
    assert finding.code is Code.DAY_ROW_WRONG
    assert finding.account == "cash"
    assert "2025-12-31, SETTLED debits, is 6 USD" in finding.message
    assert finding.expected == "7"


async def test_a_changed_sum_before_the_last_day(bench: Bench) -> None:
    """It is the day's own sum that is wrong then, for the balance is what it was."""
    await bench.execute(
        "UPDATE balances SET debit_before = debit_before + 1 FROM accounts"
        " WHERE accounts.id = account_id AND code = 'cash' AND currency = 'USD'"
    )
    assert (await bench.finding()).code is Code.DAY_ROW_WRONG


async def test_amounts_and_layers_that_are_none(bench: Bench) -> None:
    """What CHECKs refuse, after they were dropped."""
    for table, check in (("earlier_days", "credit"), ("entries", "layer")):
        await bench.database.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{check}_check")
    await bench.execute("UPDATE earlier_days SET credit = 'NaN' WHERE layer = 3 AND credit > 0")
    finding = await bench.finding()
    assert (finding.code, finding.found) == (Code.DAY_ROW_WRONG, "NaN")
    await bench.execute("UPDATE entries SET layer = 9 WHERE layer = 3")
    finding = await bench.finding()
    assert finding.code is Code.ENTRY_ROW_WRONG
    assert "cannot be read" in finding.message


async def test_bytes_that_are_no_event(bench: Bench) -> None:
    """Also those that another field hides, and that no digest would cover."""
    for sequence in (await bench.sequence_of("journal_posted", 1), await bench.head()):
        await _damage(bench, sequence)


async def _damage(bench: Bench, sequence: int) -> None:
    payload = await bench.database.fetchval(
        "SELECT payload FROM events WHERE sequence = $1", sequence
    )
    for changed in (b"", payload[:-1], payload + b"\x08\x01", payload + payload, b"\xa8\x01\x01"):
        await bench.execute("UPDATE events SET payload = $2 WHERE sequence = $1", sequence, changed)
        finding = await bench.finding()
        assert (finding.code, finding.sequence) == (Code.EVENT_MALFORMED, sequence), changed
    await bench.execute("UPDATE events SET payload = $2 WHERE sequence = $1", sequence, payload)


async def test_money_moved_to_another_day(bench: Bench) -> None:
    await bench.execute("UPDATE earlier_days SET day = '2024-01-01' WHERE day = '2025-12-31'")
    finding = await bench.finding()
    assert finding.code is Code.DAY_ROW_WRONG
    assert "2024-01-01" in finding.message


async def test_a_deleted_entry(bench: Bench) -> None:
    sequence = await bench.sequence_of("transaction_reversed", 0)
    await bench.execute("DELETE FROM entries WHERE sequence = $1 AND position = 0", sequence)
    finding = await bench.finding()
    assert finding.code is Code.ENTRY_ROW_MISSING
    assert (finding.sequence, finding.account, finding.expected) == (sequence, "cash", "0.50")


async def test_an_entry_and_a_transaction_that_no_event_states(bench: Bench) -> None:
    sequence = await bench.sequence_of("account_updated")
    await bench.execute(
        "INSERT INTO entries SELECT journal_id, $1, 0, layer, direction, effective, account_id,"
        " units, currency FROM entries ORDER BY sequence, position LIMIT 1",
        sequence,
    )
    assert (await bench.finding()).code is Code.ENTRY_ROW_EXTRA
    await bench.execute(
        "INSERT INTO transactions (journal_id, id, sequence, effective)"
        " SELECT id, gen_random_uuid(), $1, '2026-01-01' FROM journals",
        sequence + 7,
    )
    await bench.execute("DELETE FROM entries WHERE sequence = $1", sequence)
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.TRANSACTION_ROW_EXTRA, sequence + 7)


async def test_a_changed_and_a_deleted_row_of_transactions(bench: Bench) -> None:
    sequence = await bench.sequence_of("hold_captured")
    await bench.execute(
        "UPDATE transactions SET effective = '2020-02-02' WHERE sequence = $1", sequence
    )
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.TRANSACTION_ROW_WRONG, sequence)
    assert finding.found == "2020-02-02"
    await bench.execute("DELETE FROM transactions WHERE sequence = $1", sequence)
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.TRANSACTION_ROW_MISSING, sequence)


async def test_two_events_swapped(bench: Bench) -> None:
    """What they say of themselves goes with them; their rows are put right too."""
    one = await bench.sequence_of("journal_posted", 1)
    other = await bench.sequence_of("journal_posted", 3)
    for table in ("events", "entries", "transactions"):
        for before, after in ((one, 1_000_000), (other, one), (1_000_000, other)):
            await bench.execute(
                f"UPDATE {table} SET sequence = $2 WHERE sequence = $1", before, after
            )
    finding = await bench.finding()
    assert finding.code is Code.VERSION_WRONG
    assert (finding.sequence, finding.account) == (one, "cash")
    assert (finding.expected, finding.found) == ("2", "4")


async def test_an_event_that_was_deleted(bench: Bench) -> None:
    sequence = await bench.sequence_of("journal_posted", 2)
    await bench.execute("DELETE FROM events WHERE sequence = $1", sequence)
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.EVENT_MISSING, sequence)


async def test_a_tail_cut_off(bench: Bench) -> None:
    """With all that followed from it, and the head: only checkpoints know that more was there."""
    head = await bench.head()
    await bench.execute("DELETE FROM events WHERE sequence > $1", head - 1)
    await bench.execute("UPDATE journal_heads SET sequence = $1", head - 1)
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.TAIL_MISSING, head)
    assert "1 were cut off" in finding.message


async def test_a_tail_cut_off_and_the_head_left(bench: Bench) -> None:
    head = await bench.head()
    await bench.execute("DELETE FROM events WHERE sequence = $1", head)
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.EVENT_MISSING, head)


async def test_a_tail_cut_off_with_its_checkpoint(bench: Bench) -> None:
    """Then it takes a checkpoint that was kept elsewhere."""
    kept = await bench.checkpoint()
    key = await bench.key()
    head = await bench.head()
    await bench.execute("DELETE FROM events WHERE sequence > $1", head - 1)
    await bench.execute("UPDATE journal_heads SET sequence = $1", head - 1)
    await bench.execute("DELETE FROM checkpoints")
    with pytest.raises(WrongError) as caught:
        await verify(bench.ledger, JOURNAL, Asked(key=key, kept=[("kept.txt", kept)]))
    finding = caught.value.finding
    assert (finding.code, finding.sequence) == (Code.TAIL_MISSING, head)
    assert "kept.txt" in finding.message


async def test_a_changed_event_of_the_configuration(bench: Bench) -> None:
    """No sum says anything of it: only the tree does, and the checkpoints say between which."""
    await bench.sign()
    sequence = await bench.sequence_of("account_created", 1)
    async with bench.changed_event(sequence) as event:
        event.account_created.account.code = "income-of-another"
    finding = await bench.finding()
    assert finding.code is Code.ROOT_WRONG
    assert f"one of the events 1 to {await bench.head()} is not the one that was signed" in (
        finding.message
    )


async def test_checkpoints_in_between_say_which_event_it_was(bench: Bench) -> None:
    for name in ("One", "Two", "Three"):
        await bench.ledger.update_account("main", "rent", name=name)
        await bench.sign()
    sequence = await bench.sequence_of("account_updated", -2)
    async with bench.changed_event(sequence) as event:
        event.account_updated.account.code = "other"
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.EVENT_CHANGED, sequence)
    assert "account updated" in finding.message


async def test_an_altered_personal_part(bench: Bench) -> None:
    """The server's own tree says which event of a full tile it was."""
    await bench.server.ledger.post_all([transfer(description="for Mrs Jones") for _ in range(300)])
    await bench.sign()
    sequence = await bench.sequence_of("journal_posted", 100)
    personal = events_pb2.Event(
        personal_salt=bytes(16),
        journal_posted=events_pb2.JournalPosted(),
    )
    personal.journal_posted.transaction.description = "for somebody else"
    await bench.execute(
        "UPDATE events SET personal = $2 WHERE sequence = $1",
        sequence,
        personal.SerializeToString(),
    )
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.EVENT_CHANGED, sequence)
    assert "journal posted" in finding.message


async def test_a_personal_part_replaced_by_its_digest(bench: Bench) -> None:
    """The leaf stays what it was, but nobody recorded an erasure."""
    sequence = await bench.sequence_of("journal_posted", 2)
    await bench.execute(
        "UPDATE events SET personal = '\\x2a20'::bytea || sha256(personal) WHERE sequence = $1",
        sequence,
    )
    finding = await bench.finding()
    assert (finding.code, finding.sequence) == (Code.ERASURE_UNRECORDED, sequence)


async def test_a_rewritten_head_against_an_older_checkpoint(bench: Bench) -> None:
    """The last event is another now, and was signed anew by a server that remembers nothing."""
    kept = await bench.checkpoint()
    sequence = await bench.sequence_of("account_updated", -1)
    assert sequence == kept.size
    async with bench.changed_event(sequence) as event:
        event.account_updated.account.code = "rent-of-another"
    await _sign_anew(bench)
    await bench.verify()  # by itself the new history is sound
    finding = await bench.finding(kept=[("kept.txt", kept)])
    assert finding.code is Code.HISTORY_REWRITTEN
    assert "kept.txt" in finding.message


async def test_a_whole_history_rewritten(bench: Bench) -> None:
    """Every sum put right, the tree made anew and signed with the right key."""
    kept = await bench.checkpoint()
    state = (await bench.verify(save=True)).state
    assert state is not None
    await _add_to_the_first_posting(bench, Decimal(1))
    await _sign_anew(bench)
    report = await bench.verify()
    assert report.checkpoint is not None
    assert report.checkpoint.root != kept.root
    finding = await bench.finding(kept=[("kept.txt", kept)])
    assert finding.code is Code.HISTORY_REWRITTEN
    finding = await bench.finding(start=load(state))
    assert finding.code is Code.HISTORY_REWRITTEN
    await bench.fill()
    await bench.sign()
    assert (await bench.finding(start=load(state))).code is Code.BALANCE_AFTER_WRONG
    journal = await bench.ledger.get_journal(JOURNAL)
    with pytest.raises(WrongError, match="HISTORY_REWRITTEN"):
        await start_at(bench.ledger, journal.id, kept)


async def test_from_a_checkpoint_alone_balances_are_held_against_their_days(bench: Bench) -> None:
    kept = await bench.checkpoint()
    await bench.post("1.00")
    await bench.sign()
    await bench.execute("UPDATE balances SET encumbrance_debit = 2 WHERE encumbrance_debit > 0")
    journal = await bench.ledger.get_journal(JOURNAL)
    finding = await bench.finding(start=await start_at(bench.ledger, journal.id, kept))
    assert finding.code is Code.BALANCE_ROW_WRONG
    assert (finding.currency, finding.expected, finding.found) == ("BTC", "0.00000001", "2")


async def test_from_a_saved_state_old_sums_are_held_against_it(bench: Bench) -> None:
    """Of accounts that nothing has touched since, too; and newer rows against newer events."""
    state = (await bench.verify(save=True)).state
    assert state is not None
    sequence = await bench.post("1.00")
    await bench.sign()
    await bench.execute("UPDATE entries SET units = 2 WHERE sequence = $1", sequence)
    finding = await bench.finding(start=load(state))
    assert (finding.code, finding.sequence) == (Code.ENTRY_ROW_WRONG, sequence)
    await bench.execute("UPDATE entries SET units = 1 WHERE sequence = $1", sequence)
    await bench.execute("UPDATE balances SET encumbrance_debit = 2 WHERE encumbrance_debit > 0")
    finding = await bench.finding(start=load(state))
    assert (finding.code, finding.account) == (Code.BALANCE_ROW_WRONG, "rent")


async def test_a_checkpoint_of_another_key_or_journal(bench: Bench) -> None:
    note = (await bench.checkpoint()).note
    forged = note.replace("\n\n", "\nmore\n\n")
    await bench.execute("UPDATE checkpoints SET note = $1", forged)
    finding = await bench.finding()
    assert finding.code is Code.SIGNATURE_WRONG
    journal_id = str((await bench.ledger.get_journal("main")).id)
    other = note.replace(journal_id, journal_id[::-1][:8] + journal_id[8:])
    await bench.execute("UPDATE checkpoints SET note = $1", other.replace(journal_id, ""))
    assert (await bench.finding()).code is Code.CHECKPOINT_WRONG


async def _sign_anew(bench: Bench) -> None:
    """Sign as one does who has the key, and has made the server forget what was signed before."""
    signing = bench.server.app.checkpointer._signing
    assert signing is not None
    for note in signing.remembered._directory.iterdir():
        note.unlink()
    await bench.execute("DELETE FROM checkpoints")
    await bench.database.execute("DELETE FROM merkle_tiles")
    await bench.sign()


async def _add_to_the_first_posting(bench: Bench, more: Decimal) -> None:
    """Raise the first posting's amount, and put right all that follows from it."""
    first = await bench.sequence_of("journal_posted")
    sides = {"cash": "debit", "income": "credit"}
    for row in await bench.database.fetch(
        "SELECT sequence, payload FROM events WHERE type BETWEEN 21 AND 29"
    ):
        event = events_pb2.Event.FromString(row["payload"])
        transaction = getattr(event, event.WhichOneof("fact") or "").transaction
        for entry in transaction.entries:
            if (entry.layer, entry.currency) != (1, "USD"):
                continue
            if row["sequence"] == first:
                entry.units = str(Decimal(entry.units) + more)
            side = sides[entry.account_code]
            after = entry.balance_after
            setattr(after, side, str(Decimal(getattr(after, side)) + more))
        await bench.execute(
            "UPDATE events SET payload = $2 WHERE sequence = $1",
            row["sequence"],
            event.SerializeToString(),
        )
    await bench.execute("UPDATE entries SET units = units + $2 WHERE sequence = $1", first, more)
    for code, side in sides.items():
        # The transaction is of the account's last day, which the balance has within it.
        await bench.execute(
            f"UPDATE balances SET settled_{side} = settled_{side} + $2 FROM accounts"
            " WHERE accounts.id = account_id AND code = $1 AND currency = 'USD'",
            code,
            more,
        )
