"""The key that signs checkpoints, from the command line to a checkpoint."""

import time
from pathlib import Path

import grpc

from ledger_proto.v1 import proofs_pb2 as pb
from ledger_proto.v1.journals_pb2 import CreateJournalRequest
from ledger_proto.v1.journals_pb2_grpc import JournalServiceStub
from ledger_proto.v1.proofs_pb2_grpc import ProofServiceStub
from ledger_server.proof.signing import ensure_key
from tests.proof.keys import read_checkpoint
from tests.server.test_lifecycle import Start, address_of, start, stop

__all__ = ["start"]  # the fixture


def open_journal(address: str, code: str) -> None:
    with grpc.insecure_channel(address) as channel:
        JournalServiceStub(channel).CreateJournal(CreateJournalRequest(code=code), timeout=10)


def checkpoint_of(address: str, code: str) -> pb.Checkpoint:
    """Wait for the journal's first checkpoint."""
    with grpc.insecure_channel(address) as channel:
        stub = ProofServiceStub(channel)
        for _ in range(100):
            try:
                answer = stub.GetCheckpoint(pb.GetCheckpointRequest(journal=code), timeout=10)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.OUT_OF_RANGE:
                    raise
                time.sleep(0.1)
            else:
                return answer.checkpoint
    raise AssertionError("no checkpoint within ten seconds")


def test_the_embedded_database_comes_with_a_key(start: Start, data_dir: Path) -> None:
    server = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    address = address_of(server)
    open_journal(address, "main")
    signed = checkpoint_of(address, "main")
    key = data_dir / "signing_key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    status, _, errors = stop(server)
    assert (status, "Traceback" in errors, "CRITICAL" in errors) == (0, False, False)

    printing = start("--data-dir", data_dir, "--print-verifier-key")
    printed, _ = printing.communicate(timeout=30)
    assert printed.strip() == signed.verifier_key
    origin, size, _ = read_checkpoint(signed.note, printed.strip())
    assert origin.startswith("ledger/")
    assert size >= 1

    again = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    address = address_of(again)
    open_journal(address, "other")
    assert checkpoint_of(address, "other").verifier_key == signed.verifier_key
    stop(again)


def test_a_key_and_a_name_of_ones_own(start: Start, database_dsn: str, tmp_path: Path) -> None:
    key = tmp_path / "own.pem"
    ensure_key(key)
    server = start(
        *("--dsn", database_dsn, "--listen", "127.0.0.1:0", "--signing-key", key),
        *("--signing-name", "bank.example/books"),
    )
    address = address_of(server)
    open_journal(address, "main")
    assert checkpoint_of(address, "main").origin.startswith("bank.example/books/")
    stop(server)


def test_without_a_key_the_log_says_so_once(start: Start, database_dsn: str) -> None:
    server = start("--dsn", database_dsn, "--listen", "127.0.0.1:0")
    address_of(server)
    time.sleep(1.5)
    _, _, errors = stop(server)
    assert errors.count("no signing key") == 1


def test_a_key_that_cannot_be_used_is_one_clear_line(
    start: Start, database_dsn: str, tmp_path: Path
) -> None:
    for options in (
        ("--dsn", database_dsn, "--listen", "127.0.0.1:0"),
        ("--print-verifier-key",),
    ):
        server = start(*options, "--signing-key", tmp_path / "absent.pem")
        _, errors = server.communicate(timeout=30)
        assert server.returncode == 1
        assert errors.startswith("ledger-server: ")
        assert "absent.pem cannot be read" in errors
        assert errors.count("\n") == 1
    server = start("--dsn", database_dsn, "--print-verifier-key")
    _, errors = server.communicate(timeout=30)
    assert (server.returncode, "--signing-key" in errors) == (2, True)
