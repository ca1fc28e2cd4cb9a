"""The exchanges, queues and bindings of a RabbitMQ, as a file states them.

    exchange: imagy.events
    dead_letter_routing_key: "{routing_key}.dlq"
    queues:
      - name: imaglend.flow.execution.completed
        bind: [flow.execution.completed]

What fails goes the same way on every queue. A consumer publishes it to a waiting queue, whose
time to live is the wait and whose dead letters go back to the queue it came from. There is one
waiting queue for each retry: messages expire only at a queue's head, so waits of different
lengths in one queue would hold each other up. After the last retry the consumer publishes to the
dead-letter exchange. So does the broker with what nobody has taken in time. The broker counts
nothing: its delivery limits differ by version and count what was never tried.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from ledger_client.template_source.strict_yaml import Node, Problem, parse, plain

#: Of RabbitMQ, in bytes.
NAME_BYTES_MAX: Final = 255
#: 24 hours.
MESSAGE_TTL_MS_DEFAULT: Final = 86_400_000
#: What RabbitMQ takes for a time to live.
TTL_MS_MAX: Final = 2**32 - 1


class TopologyFileError(Exception):
    """A file is no topology."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        """Keep every mistake with its line."""
        super().__init__(f"{path} is not a topology")
        self.path = path
        self.problems = tuple(sorted(problems))


def _name(value: str) -> str:
    if not 0 < len(value.encode()) <= NAME_BYTES_MAX:
        raise ValueError(f"must have 1 to {NAME_BYTES_MAX} bytes")
    if value.startswith("amq."):
        raise ValueError("names that begin with amq. are the broker's own")
    return value


def _template(value: str) -> str:
    try:
        value.format(routing_key="", queue="")
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise ValueError("may name {routing_key} and {queue} alone") from error
    return value


Name = Annotated[str, pydantic.AfterValidator(_name)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Retries(_Strict):
    """How often and when what failed is tried again."""

    #: After the first attempt; 3 make four attempts in all.
    count: int = Field(default=3, ge=0, le=10)
    first_wait_ms: int = Field(default=1_000, ge=1, le=TTL_MS_MAX)
    #: Each wait is so many times the one before.
    factor: int = Field(default=4, ge=1, le=100)

    @property
    def waits_ms(self) -> tuple[int, ...]:
        """The wait before each retry."""
        return tuple(self.first_wait_ms * self.factor**index for index in range(self.count))

    @pydantic.model_validator(mode="after")
    def _fits(self) -> Self:
        if any(wait > TTL_MS_MAX for wait in self.waits_ms):
            raise ValueError("the last wait is longer than RabbitMQ can count (49 days)")
        return self


class Queue(_Strict):
    """One consumer's queue."""

    name: Name
    #: Routing keys; `*` stands for one word, `#` for any number.
    bind: tuple[Name, ...] = Field(min_length=1, strict=False)
    #: `quorum` is replicated: it lives on when a node of a cluster is lost.
    type: str = Field(default="classic", pattern="^(classic|quorum)$")

    @property
    def dead_letters(self) -> str:
        """The queue of what failed for good."""
        return f"{self.name}.dlq"

    def waiting(self, retry: int) -> str:
        """Return the queue in which a message waits for its retry, counted from 1."""
        return f"{self.name}.retry.{retry}"


class Topology(_Strict):
    """All that is declared together."""

    exchange: Name
    queues: tuple[Queue, ...] = Field(min_length=1, strict=False)
    #: Empty takes the exchange's name and `.dlx`.
    dead_letter_exchange: str = ""
    #: May name {queue} and {routing_key}: the one a queue is bound with, or its name if it is
    #: bound with several or with wildcards.
    dead_letter_routing_key: Annotated[str, pydantic.AfterValidator(_template)] = "{queue}.dlq"
    #: What nobody has taken by then is a dead letter.
    message_ttl_ms: int = Field(default=MESSAGE_TTL_MS_DEFAULT, ge=1, le=TTL_MS_MAX)
    retries: Retries = Retries()

    @property
    def dead_letters_to(self) -> str:
        """The dead-letter exchange."""
        return self.dead_letter_exchange or f"{self.exchange}.dlx"

    def dead_letter_key(self, queue: Queue) -> str:
        """Return the routing key of a queue's dead letters."""
        alone = len(queue.bind) == 1 and not {"*", "#"} & set(queue.bind[0].split("."))
        return self.dead_letter_routing_key.format(
            queue=queue.name, routing_key=queue.bind[0] if alone else queue.name
        )

    def queue(self, name: str) -> Queue:
        """Return a queue by its name.

        Raises:
            KeyError: there is none of that name.
        """
        for queue in self.queues:
            if queue.name == name:
                return queue
        raise KeyError(f"the topology has no queue {name!r}")

    @pydantic.model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        names = [name for queue in self.queues for name in self._names(queue)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the queue {twice[0]} is there twice")
        if too_long := [name for name in names if len(name.encode()) > NAME_BYTES_MAX]:
            raise ValueError(f"the queue {too_long[0]} has more than {NAME_BYTES_MAX} bytes")
        keys = [self.dead_letter_key(queue) for queue in self.queues]
        if shared := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(
                f"two queues have dead letters under {shared[0]} and would get each other's: "
                'take dead_letter_routing_key: "{queue}.dlq"'
            )
        if self.dead_letters_to == self.exchange:
            raise ValueError("dead letters need an exchange of their own")
        return self

    def _names(self, queue: Queue) -> list[str]:
        waiting = [queue.waiting(retry + 1) for retry in range(self.retries.count)]
        return [queue.name, queue.dead_letters, *waiting]


def load_topology(path: Path) -> Topology:
    """Return the topology of a YAML file.

    Raises:
        OSError: the file cannot be read.
        TopologyFileError: it is no topology; with every mistake and its line.
    """
    problems: list[Problem] = []
    root = parse(path.read_text(encoding="utf-8"), problems)
    if root is None and not problems:
        problems.append(Problem(1, "the file is empty"))
    if problems or root is None:
        raise TopologyFileError(path, problems)
    try:
        return Topology.model_validate(plain(root))
    except pydantic.ValidationError as error:
        found = [_problem(root, each["loc"], each["msg"]) for each in error.errors()]
        raise TopologyFileError(path, found) from error


def _problem(root: Node, place: tuple[int | str, ...], message: str) -> Problem:
    """Return a mistake with the line of what it is about, or of what that would be in."""
    node: Any = root
    where = ""
    for step in place:
        where += f"[{step}]" if isinstance(step, int) else f".{step}"
        try:
            node = node.value[step]
        except (TypeError, KeyError, IndexError):
            break
    text = message.removeprefix("Value error, ")
    return Problem(node.line, f"{where.lstrip('.')}: {text}" if where else text)
