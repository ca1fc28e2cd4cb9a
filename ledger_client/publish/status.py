"""How a publisher is doing: counters to read, and alerts."""

import dataclasses
import enum


class State(enum.StrEnum):
    """What a publisher is doing."""

    #: Another publisher with the same cursor is at work; this one takes over when it is not.
    STANDBY = "standby"
    #: Events go out as they come.
    PUBLISHING = "publishing"
    #: The broker, or the feed, does not do its part; nothing is lost meanwhile.
    TROUBLED = "troubled"
    #: The next event cannot be published as it is, and the publisher stands still.
    STUCK = "stuck"
    STOPPED = "stopped"


@dataclasses.dataclass(slots=True, kw_only=True)
class Status:
    """Counters since the publisher was made; read them at any time."""

    state: State = State.STANDBY
    #: Every event up to here was published, or not asked for.
    position: int = 0
    #: The feed's head as last heard of.
    head: int = 0
    #: Messages that the broker confirmed.
    published: int = 0
    #: Messages found at the broker already, after an interruption, and not sent again.
    skipped: int = 0
    #: Attempts that failed and were made again.
    retried: int = 0
    #: Messages that came back because nobody would get them.
    returned: int = 0
    #: Events in whose place a reference was published.
    referred: int = 0
    #: What went wrong last; empty if nothing has.
    last_error: str = ""

    @property
    def lag(self) -> int:
        """How many events of the feed are still to be looked at."""
        return max(self.head - self.position, 0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something a person should know of. Comes again while it lasts, not at every attempt."""

    #: The class of the trouble, such as `UnroutableError`.
    kind: str
    #: One sentence.
    message: str
    #: The first event that waits.
    sequence: int
