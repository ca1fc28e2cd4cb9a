"""Sound journals are found sound, whole and from an older checkpoint on."""

from typing import Any

import pytest

from ledger_client.verify import Asked, verify
from ledger_client.verify.checkpoints import start_at
from ledger_client.verify.findings import Code
from ledger_client.verify.state import load
from tests.ledger import lines, transfer
from tests.verify.bench import JOURNAL, Bench


async def test_a_sound_journal(bench: Bench) -> None:
    report = await bench.verify()
    assert report.signed
    assert report.whole
    assert report.unsigned == report.unknown == 0
    assert report.checkpoint is not None
    assert report.checkpoint.size == report.head_sequence == await bench.head()
    assert report.transactions == 15
    assert report.entries == await bench.database.fetchval("SELECT count(*) FROM entries")
    assert report.balances == await bench.database.fetchval("SELECT count(*) FROM balances")
    assert report.days == await bench.database.fetchval("SELECT count(*) FROM daily_sums")


async def test_events_that_no_checkpoint_covers_yet(bench: Bench) -> None:
    await bench.post("1.00")
    report = await bench.verify()
    assert report.unsigned == 1


async def test_what_this_verifier_does_not_know_is_counted(bench: Bench) -> None:
    """A newer server, or somebody who writes into the database and has the server sign it."""
    await bench.execute(
        "WITH head AS (UPDATE journal_heads SET sequence = sequence + 1 RETURNING *)"
        " INSERT INTO events (journal_id, sequence, recorded_at, type, payload)"
        " SELECT journal_id, sequence, clock_timestamp(), 99, '\\x9a06020801' FROM head"
    )
    await bench.sign()
    assert (await bench.verify()).unknown == 1


async def test_older_checkpoints_that_were_kept(bench: Bench) -> None:
    kept = await bench.checkpoint()
    await bench.post("1.00")
    await bench.sign()
    report = await bench.verify(kept=[("old.txt", kept)])
    assert report.checkpoint is not None
    assert kept.size < report.checkpoint.size


async def test_from_a_saved_state_on(bench: Bench) -> None:
    """Night after night: each check goes on from what the last one saved."""
    state = (await bench.verify(save=True)).state
    for night in range(3):
        await bench.fill()
        if night != 1:  # one night nothing new was signed
            await bench.sign()
        assert state is not None
        before = load(state)
        report = await bench.verify(start=before, save=True)
        assert report.whole
        assert report.after_sequence == before.checkpoint.size
        whole = await bench.verify()
        assert (report.transactions, report.entries) == (whole.transactions, whole.entries)
        state = report.state


async def test_from_a_checkpoint_alone(bench: Bench) -> None:
    kept = await bench.checkpoint()
    await bench.fill()
    await bench.sign()
    journal = await bench.ledger.get_journal(JOURNAL)
    start = await start_at(bench.ledger, journal.id, kept)
    report = await bench.verify(start=start, save=True)
    assert not report.whole
    assert report.after_sequence == kept.size
    assert report.state is None, "what accounts stood at is not known, so it cannot be saved"


async def test_an_older_checkpoint_than_the_start(bench: Bench) -> None:
    older = await bench.checkpoint()
    await bench.fill()
    await bench.sign()
    state = (await bench.verify(save=True)).state
    assert state is not None
    await bench.post("1.00")
    await bench.sign()
    await bench.verify(start=load(state), kept=[("older.txt", older)])


async def test_without_a_key_nothing_is_said_of_signatures(bench: Bench) -> None:
    report = await verify(bench.ledger, JOURNAL, Asked())
    assert not report.signed
    assert report.checkpoint is not None


async def test_more_than_a_tile(bench: Bench) -> None:
    """Trees are kept in tiles of 256 leaves: proofs then come from both."""
    for _ in range(3):
        await bench.server.ledger.post_all(
            [transfer(amount=f"{number + 1}.00") for number in range(100)]
        )
    await bench.sign()
    report = await bench.verify()
    assert report.head_sequence > 300


async def test_personal_data_that_was_erased(bench: Bench) -> None:
    """The leaf stays what it was: older checkpoints and states still hold."""
    kept = await bench.checkpoint()
    state = (await bench.verify(save=True)).state
    assert state is not None
    await bench.ledger.erase_personal_data(
        JOURNAL, transaction_ids=bench.posted[2:4], accounts=["rent"], reason="asked for"
    )
    await bench.sign()
    await bench.verify(kept=[("kept.txt", kept)])
    await bench.verify(start=load(state))


async def test_personal_data_that_is_erased_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the snapshot, before the events are read: what says so lies beyond the head."""
    read = bench.ledger.list_events_encoded

    async def erase_and_read(*arguments: Any, **fields: Any) -> bytes:
        monkeypatch.undo()
        await bench.ledger.erase_personal_data(
            JOURNAL, transaction_ids=bench.posted[2:4], reason="asked for"
        )
        return await read(*arguments, **fields)

    monkeypatch.setattr(bench.ledger, "list_events_encoded", erase_and_read)
    report = await bench.verify()
    assert report.head_sequence == await bench.head() - 1


async def test_from_a_checkpoint_alone_debits_are_held_against_credits(bench: Bench) -> None:
    """Of a balance that nothing has touched since: its last day is a part of it."""
    await bench.server.ledger.post(lines("DEBIT rent 5 EUR", "CREDIT cash 5 EUR"))
    await bench.sign()
    kept = await bench.checkpoint()
    await bench.post("1.00")
    await bench.sign()
    await bench.execute(
        "UPDATE balances SET settled_debit = settled_debit + 100"
        " WHERE currency = 'EUR' AND settled_debit > 0"
    )
    journal = await bench.ledger.get_journal(JOURNAL)
    finding = await bench.finding(start=await start_at(bench.ledger, journal.id, kept))
    assert finding.code is Code.BALANCE_ROW_WRONG
    assert (finding.currency, finding.expected, finding.found) == ("EUR", "105", "5")


async def test_the_first_and_the_last_date_that_there_are(bench: Bench) -> None:
    """PostgreSQL has other names for them."""
    for day in ("0001-01-01", "9999-12-31"):
        await bench.post("1.00", effective_date=day)
    await bench.sign()
    report = await bench.verify()
    assert report.head_sequence == await bench.head()
