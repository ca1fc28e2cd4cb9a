"""What stops a subscriber, as the failure of a command."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

import asyncpg

from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.subscriber import (
    CheckpointAheadError,
    CheckpointDamagedError,
    CheckpointInUseError,
    CheckpointMovedError,
    CheckpointOfOtherJournalError,
    StoreUnavailableError,
    SubscriberError,
)

_EXIT_CODES: Final[Sequence[tuple[type[Exception], ExitCode]]] = (
    (CheckpointDamagedError, ExitCode.INVALID),
    (CheckpointOfOtherJournalError, ExitCode.CONFLICT),
    (CheckpointAheadError, ExitCode.CONFLICT),
    (CheckpointInUseError, ExitCode.CONFLICT),
    (CheckpointMovedError, ExitCode.CONFLICT),
    (StoreUnavailableError, ExitCode.UNAVAILABLE),
    (asyncpg.PostgresConnectionError, ExitCode.UNAVAILABLE),
)


@contextlib.contextmanager
def as_command_errors() -> Iterator[None]:
    """Turn what stops a subscriber, or a look at its dead letters, into a `CommandError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (
        SubscriberError,
        StoreUnavailableError,
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        exit_code = next(
            (code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.FAILURE
        )
        raise CommandError(str(error), exit_code) from error
