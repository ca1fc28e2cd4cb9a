"""Personal data that was erased."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What an erasure did."""

    #: Sequence of the `personal_data.erased` event; None if there was nothing left to erase.
    sequence: int | None
    #: Sequences of the events that lost their personal part.
    erased_sequences: tuple[int, ...]
