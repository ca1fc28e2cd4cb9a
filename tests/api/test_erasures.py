"""Personal data: apart from facts, and gone once it was erased, while every proof still holds."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from ledger_proto.v1 import (
    accounts_pb2,
    erasures_pb2,
    events_pb2,
    proofs_pb2,
    reports_pb2,
)
from ledger_proto.v1 import event_stream_pb2 as stream_pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from ledger_proto.v1.proofs_pb2_grpc import ProofServiceStub
from tests.api.calls import DEBIT, reason, refused
from tests.api.erasing import SECRETS, erasable, erase, everything, secret_transfer
from tests.event_stream import Stream
from tests.ledger import Serving, changed, serving, transfer

if TYPE_CHECKING:
    pass


@pytest.fixture
async def running(database_dsn: str, tmp_path: Path) -> AsyncIterator[Serving]:
    async with erasable(database_dsn, tmp_path) as made:
        yield made


async def events(running: Serving, **fields: Any) -> list[events_pb2.Event]:
    answer = await EventServiceStub(running.channel).ListEvents(
        stream_pb.ListEventsRequest(journal="main", page_size=1_000, **fields)
    )
    return list(answer.events)


async def test_open_parts_hold_nothing_personal(running: Serving, database_dsn: str) -> None:
    await create_account(running, "ada")
    posted = await running.ledger.post(secret_transfer())
    assert posted.transaction.description == SECRETS[0]
    assert posted.transaction.metadata["who"] == SECRETS[1]
    assert posted.transaction.params["memo"] == SECRETS[3]
    connection = await asyncpg.connect(database_dsn)
    rows = await connection.fetch("SELECT type, payload, personal FROM events ORDER BY sequence")
    await connection.close()
    salts = set()
    for row in rows:
        assert not any(secret.encode() in row["payload"] for secret in SECRETS)
        assert (row["personal"] is not None) is (row["type"] in {12, 21})
        if row["personal"] is not None:
            alone = events_pb2.Event.FromString(row["personal"])
            assert len(alone.personal_salt) == 16
            salts.add(alone.personal_salt)
    assert len(salts) == 4
    whole = (await events(running))[-1].journal_posted.transaction
    whole.sequence = posted.transaction.sequence
    whole.record_time.CopyFrom(posted.transaction.record_time)
    assert whole == posted.transaction


async def test_an_event_without_personal_data_has_no_second_part(running: Serving) -> None:
    """A reversal of a posting without params would have none; so has the journal's creation."""
    first = (await events(running))[0]
    assert first.WhichOneof("fact") == "journal_created"
    assert not first.personal_salt


async def create_account(
    running: Serving, code: str, request_id: str = "create"
) -> accounts_pb2.Account:
    answer = await running.ledger.accounts.CreateAccount(creation(code, request_id))
    return answer.account


def creation(code: str, request_id: str, **fields: Any) -> accounts_pb2.CreateAccountRequest:
    new: dict[str, Any] = {"name": SECRETS[0], "metadata": {"born": SECRETS[1]}} | fields
    account = accounts_pb2.NewAccount(code=code, normal_side=DEBIT, **new)
    return accounts_pb2.CreateAccountRequest(journal="main", request_id=request_id, account=account)


async def fill(running: Serving) -> tuple[list[str], str]:
    """Have her data in events, accounts and kept answers; return the accounts, the transaction."""
    account = await create_account(running, "ada")
    await running.ledger.lock("ada")
    await running.ledger.unlock("ada")
    await running.ledger.accounts.UpdateAccount(
        accounts_pb2.UpdateAccountRequest(
            journal="main", account="ada", name=f"{SECRETS[0]} King", request_id="rename",
            update_mask={"paths": ["name"]},  # type: ignore[arg-type]  # protobuf takes it
        )
    )  # fmt: skip
    batch = await running.ledger.accounts.BatchCreateAccounts(
        accounts_pb2.BatchCreateAccountsRequest(
            journal="main",
            request_id="batch",
            accounts=[
                accounts_pb2.NewAccount(code=code, name=SECRETS[0], normal_side=DEBIT)
                for code in ("one", "two")
            ],
        )
    )
    posted = (await running.ledger.post(secret_transfer())).transaction
    return [account.id, batch.accounts[0].id, "two"], posted.id


async def proofs_up_to(running: Serving, size: int) -> list[proofs_pb2.GetInclusionProofResponse]:
    proofs = ProofServiceStub(running.channel)
    return [
        await proofs.GetInclusionProof(
            proofs_pb2.GetInclusionProofRequest(journal="main", sequence=sequence, tree_size=size)
        )
        for sequence in range(1, size + 1)
    ]


async def test_what_was_erased_is_gone_and_every_proof_holds(
    running: Serving, database_dsn: str
) -> None:
    accounts, transaction = await fill(running)
    await running.app.checkpointer.look()
    head = await running.ledger.head()
    before, told = await proofs_up_to(running, head), await events(running)

    answer = await erase(running, accounts=accounts, transaction_ids=[transaction])

    assert answer.sequence == head + 1
    assert len(answer.erased_sequences) == 7
    stored = await everything(database_dsn)
    assert not any(secret.encode() in stored for secret in SECRETS)
    now = await events(running)
    for old, new in zip(told, now, strict=False):
        if old.sequence in answer.erased_sequences:
            assert len(new.personal_digest) == 32
            assert not new.personal_salt
            assert old.WhichOneof("fact") == new.WhichOneof("fact")
        else:
            assert old == new
    assert list(now[-1].personal_data_erased.sequences) == list(answer.erased_sequences)
    assert now[-1].personal_data_erased.reason == "asked by the person"
    for old_proof, proof in zip(before, await proofs_up_to(running, head), strict=True):
        assert proof.leaf == old_proof.leaf
        assert proof.path == old_proof.path
        assert proof.root == old_proof.root
    await running.app.checkpointer.look()
    newest = await ProofServiceStub(running.channel).GetCheckpoint(
        proofs_pb2.GetCheckpointRequest(journal="main")
    )
    assert newest.checkpoint.size == head + 1
    left = await running.ledger.accounts.GetAccount(
        accounts_pb2.GetAccountRequest(journal="main", account=accounts[0])
    )
    assert (left.account.name, dict(left.account.metadata)) == ("ada", {})
    assert (await running.ledger.balance("cash")).settled.debit == "1.00"


async def test_a_posting_sent_again_is_a_replay_without_what_was_erased(running: Serving) -> None:
    request = secret_transfer(external_id="kept")
    posted = (await running.ledger.post(request)).transaction
    await erase(running, transaction_ids=[posted.id])
    again = await running.ledger.post(request)
    assert again.replayed
    assert again.transaction.sequence == posted.sequence
    assert again.transaction.external_id == "kept"
    assert again.transaction.entries == posted.entries
    assert not again.transaction.description
    assert not again.transaction.metadata
    assert not again.transaction.params
    # What is known no longer cannot be told apart; what is, is.
    assert (await running.ledger.post(changed(request, description="other"))).replayed
    for wrong, differs in (
        (changed(request, external_id="other"), "external_id"),
        (changed(request, params={"amount": "2.00"}), "params"),
        (changed(request, params={"debit": "income", "credit": "cash"}), "params"),
        (changed(request, correlation_id="other"), "correlation_id"),
    ):
        refusal = await refused(running.ledger.post(wrong))
        assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", differs)


async def test_a_request_sent_again_is_answered_without_what_was_erased(running: Serving) -> None:
    created = await create_account(running, "ada")
    await erase(running, accounts=["ada"])
    again = await running.ledger.accounts.CreateAccount(creation("ada", "create"))
    assert again.account.id == created.id
    assert not again.account.name
    assert not again.account.metadata
    other_name = creation("ada", "create", name="somebody else")
    assert (await running.ledger.accounts.CreateAccount(other_name)).account.id == created.id
    other_code = creation("eve", "create")
    assert await reason(running.ledger.accounts.CreateAccount(other_code)) == "REQUEST_ID_REUSED"


async def test_an_erasure_happens_once(running: Serving) -> None:
    posted = (await running.ledger.post(secret_transfer())).transaction
    first = await erase(running, transaction_ids=[posted.id], request_id="once")
    head = await running.ledger.head()
    assert await erase(running, transaction_ids=[posted.id], request_id="once") == first
    assert await erase(running, transaction_ids=[posted.id]) == (
        erasures_pb2.ErasePersonalDataResponse()
    )
    assert await running.ledger.head() == head
    assert await reason(erase(running, accounts=["cash"], request_id="once")) == (
        "REQUEST_ID_REUSED"
    )


async def test_what_is_not_there_erases_nothing(running: Serving) -> None:
    posted = (await running.ledger.post(secret_transfer())).transaction
    head = await running.ledger.head()
    absent = str(uuid.uuid4())
    for fields, why in (
        ({"transaction_ids": [posted.id, absent]}, "TRANSACTION_NOT_FOUND"),
        ({"transaction_ids": [posted.id], "accounts": ["absent"]}, "ACCOUNT_NOT_FOUND"),
        ({"transaction_ids": [posted.id], "journal": "absent"}, "JOURNAL_NOT_FOUND"),
        ({"transaction_ids": [posted.id], "reason": ""}, "FIELD_INVALID"),
        ({"transaction_ids": ["no"]}, "FIELD_INVALID"),
        ({"accounts": [""]}, "FIELD_INVALID"),
        ({"accounts": ["cash"] * 1_001}, "FIELD_INVALID"),
        ({}, "FIELD_INVALID"),
    ):
        assert await reason(erase(running, **fields)) == why
    assert await running.ledger.head() == head
    kept = await running.ledger.post(changed(secret_transfer(), transaction_id=posted.id))
    assert kept.replayed
    assert kept.transaction.description == SECRETS[0]


async def test_reports_call_an_erased_account_by_its_code(running: Serving) -> None:
    await create_account(running, "ada")
    await running.ledger.post(transfer("ada", "income"))
    known_at = await running.ledger.head()
    await running.ledger.accounts.UpdateAccount(
        accounts_pb2.UpdateAccountRequest(
            journal="main", account="ada", name="Ada King",
            update_mask={"paths": ["name"]},  # type: ignore[arg-type]  # protobuf takes it
        )
    )  # fmt: skip
    before = await running.ledger.trial_balance(as_known_at=known_at)
    assert {row.code: row.name for row in before.rows}["ada"] == (SECRETS[0])
    await erase(running, accounts=["ada"])
    for sequence in (known_at, await running.ledger.head()):
        after = await running.ledger.trial_balance(as_known_at=sequence)
        names = {row.code: row.name for row in after.rows}
        assert names["ada"] == "ada"
        assert [row.columns for row in after.rows] == [row.columns for row in before.rows]


@pytest.mark.parametrize("actor", ["$234567890", "$" * 36, "a" * 200 + "\n$" + "b" * 36])
async def test_who_acted_hides_no_account(running: Serving, database_dsn: str, actor: str) -> None:
    """Names that look like the beginning of an account's id."""
    account = await create_account(running, "ada")
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
    await connection.execute(
        "UPDATE events SET payload = $1 || payload WHERE type = 12",
        events_pb2.Event(actor=actor).SerializeToString(),
    )
    await connection.close()
    answer = await erase(running, accounts=[account.id])
    assert len(answer.erased_sequences) == 1
    assert SECRETS[0].encode() not in await everything(database_dsn)


async def test_statements_tell_what_is_left(running: Serving) -> None:
    posted = (await running.ledger.post(secret_transfer())).transaction
    request = reports_pb2.GetAccountStatementRequest(journal="main", account="cash")
    before = await running.ledger.reports.GetAccountStatement(request)
    assert SECRETS[0] in str(before)
    await erase(running, transaction_ids=[posted.id])
    after = await running.ledger.reports.GetAccountStatement(request)
    assert SECRETS[0] not in str(after)
    assert str(before).replace(SECRETS[0], "").count(posted.id) == str(after).count(posted.id) > 0


async def test_the_stream_sends_nothing_erased_out_of_its_memory(
    running: Serving, database_dsn: str
) -> None:
    """On both servers: each has what was posted in its buffer, and forgets it at the erasure."""
    async with serving(database_dsn) as other:
        streams = [Stream(one.channel) for one in (running, other)]
        posted = (await running.ledger.post(secret_transfer())).transaction
        for stream in streams:
            (last,) = (await stream.until(posted.sequence))[-1:]
            assert last.journal_posted.transaction.description == SECRETS[0]
        answer = await erase(running, transaction_ids=[posted.id])
        for one, stream in zip((running, other), streams, strict=True):
            await stream.until(answer.sequence)
            late = Stream(one.channel, after_sequence=posted.sequence - 1)
            (first, *_) = await late.until(answer.sequence)
            assert first.sequence == posted.sequence
            assert not first.journal_posted.transaction.description
            assert len(first.personal_digest) == 32
