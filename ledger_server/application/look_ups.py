"""Whether a batch has its ids looked up before it is decided: learnt from those before it."""

from typing import Final

from ledger_server.application.batch import UnprovenError, UnprovenRefusalError

#: Batches that look up after one that could not be written without. Requests that come again come
#: in numbers, and each would have its batch decided twice.
AFTER_UNPROVEN: Final = 64
#: The same after one with a refusal; twice as many each time, until one has none.
AFTER_REFUSAL: Final = 4


class LookUps:
    """What was learnt, and how many batches it is still good for."""

    def __init__(self) -> None:
        """Begin with nothing that speaks for looking up."""
        self._left = 0
        self._after_refusal = AFTER_REFUSAL

    def is_due(self) -> bool:
        """Tell whether the next batch is to look up. Asked once a decision."""
        if not self._left:
            return False
        self._left -= 1
        return True

    def learn(self, error: UnprovenError) -> None:
        """Take note of a batch that was decided in vain; the next decision, of it, looks up."""
        if isinstance(error, UnprovenRefusalError):
            self._left = self._after_refusal
            self._after_refusal = min(2 * self._after_refusal, AFTER_UNPROVEN)
        else:
            # Met by the write it is, mostly, a request that came before.
            self._left = AFTER_UNPROVEN

    def was_not_needed(self) -> None:
        """Take note of a batch that was decided without."""
        self._after_refusal = AFTER_REFUSAL
