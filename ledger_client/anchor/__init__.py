"""Checkpoints sent elsewhere: where nobody who can change the books can change them too."""

from ledger_client.anchor.opening import open_anchor
from ledger_client.anchor.target import Anchor, AnchorError, Receipt
from ledger_client.anchor.witness import Witness

__all__ = ["Anchor", "AnchorError", "Receipt", "Witness", "open_anchor"]
