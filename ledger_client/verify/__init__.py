"""Checks a journal, its checkpoints and its proofs without trusting the server.

Nothing here is shared with the server but the contract: docs/proofs.md and docs/verifying.md say
what is checked.
"""

from ledger_client.verify.findings import Code, Finding, WrongError
from ledger_client.verify.note import NoteError, SignedCheckpoint, VerifierKey
from ledger_client.verify.report import Asked, Report
from ledger_client.verify.state import StateError
from ledger_client.verify.verifier import verify

__all__ = [
    "Asked",
    "Code",
    "Finding",
    "NoteError",
    "Report",
    "SignedCheckpoint",
    "StateError",
    "VerifierKey",
    "WrongError",
    "verify",
]
