"""The server without the task that keeps trees: what the one with it is measured against."""

import sys

from ledger_server.__main__ import main
from ledger_server.proof.checkpointer import Checkpointer


def _stand_still(self: Checkpointer) -> None:  # as the method has it
    """In place of `Checkpointer.start`."""


if __name__ == "__main__":
    Checkpointer.start = _stand_still  # type: ignore[method-assign]  # to measure what it costs
    sys.exit(main())
