"""The process that posts: `python -m benchmarks.load_generator`, a job in, a result out.

A process of its own, with requests and answers as bytes while the clock runs, so that what is
measured is the server and not the Python of its caller.
"""

import asyncio
import contextlib
import dataclasses
import enum
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, Self, TypeAlias

import grpc
import uvloop

from benchmarks.bare_caller import BareCaller
from benchmarks.workload import ACCOUNT_COUNT, Shape, batch_requests, single_requests, transfers
from ledger_client import poster
from ledger_client.gathering import Gatherer
from ledger_proto.v1 import transactions_pb2 as pb

_MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
_SERVICE: Final = "/ledger.v1.TransactionService/"
_CALL_SECONDS_MAX: Final = 60.0

_Post: TypeAlias = Callable[[bytes], Awaitable[None]]


class By(enum.StrEnum):
    """How callers call."""

    #: As a service in Python does.
    GRPCIO = "grpcio"
    #: The same, one transaction a caller, and the client's gatherer puts them into calls.
    POSTER = "poster"
    #: Without a gRPC library, one transaction a call (`bare_caller.py`).
    BARE = "bare"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to post, and for how long."""

    address: str
    shape: Shape
    #: Calls under way at the same time.
    callers: int
    #: Transactions a call; 1 posts by `PostTransaction`.
    batch: int
    #: No call begins later than this.
    seconds: float
    #: Transactions that are built; the run ends early without more.
    count: int
    #: Another for each run: external ids are made from it.
    seed: int
    #: Accounts that spread transfers touch.
    accounts: int = ACCOUNT_COUNT
    by: By = By.GRPCIO


@dataclasses.dataclass(slots=True)
class Result:
    """What came of a job, measured from the first call to the last answer."""

    seconds: float
    #: Of each call, in the order of the answers.
    latencies_us: list[float]
    #: Ids of the transactions that were acknowledged as posted.
    acknowledged: list[str]
    #: Answers that were anything else; must be empty.
    problems: list[str]
    #: What this process used meanwhile.
    cpu_seconds: float


async def run(job: Job) -> Result:
    """Post until the time or the requests are over, then wait for the answers under way."""
    transactions = transfers(job.shape, job.count, job.seed, job.accounts)
    if job.by is By.POSTER:
        method, requests = "PostTransactions", batch_requests(transactions, 1)
    elif job.batch == 1:
        method, requests = "PostTransaction", single_requests(transactions)
    else:
        method, requests = "PostTransactions", batch_requests(transactions, job.batch)
    del transactions
    assert job.by is not By.BARE or job.batch == 1, "small calls"
    call = _call_bare if job.by is By.BARE else _call
    calls = await call(job, method, requests)
    acknowledged, problems = _read(calls.answers, method)
    clock = calls.clock
    return Result(clock.seconds, calls.latencies_us, acknowledged, problems, clock.cpu_seconds)


async def _call(job: Job, method: str, requests: Sequence[bytes]) -> "_Calls":
    """Call by grpcio."""
    calls = _Calls(_Clock())
    options = (("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),)
    async with grpc.aio.insecure_channel(job.address, options=options) as channel:
        await asyncio.wait_for(channel.channel_ready(), _CALL_SECONDS_MAX)
        call: Any = channel.unary_unary(_SERVICE + method)
        waiting = iter(requests)
        make = _gathered if job.by is By.POSTER else _by_itself
        post = make(call, calls.answers)
        with calls.clock as clock:
            callers = [
                _caller(post, waiting, clock.began + job.seconds, calls.latencies_us)
                for _ in range(job.callers)
            ]
            await asyncio.gather(*callers)
    return calls


async def _call_bare(job: Job, method: str, requests: Sequence[bytes]) -> "_Calls":
    """Do the same without a gRPC library."""
    with contextlib.closing(BareCaller(job.address, _SERVICE + method)) as caller:
        calls = _Calls(_Clock(), caller.answers, caller.latencies_us)
        with calls.clock:
            caller.run(iter(requests), job.callers, job.seconds)
    return calls


class _Clock:
    """Reads time and CPU of its body, in which the garbage collector rests."""

    seconds = cpu_seconds = 0.0

    def __enter__(self) -> Self:
        gc.freeze()
        gc.disable()
        self.began, self._cpu_began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.began
        self.cpu_seconds = time.process_time() - self._cpu_began


@dataclasses.dataclass(slots=True)
class _Calls:
    """What came of calls."""

    clock: _Clock
    answers: list[bytes] = dataclasses.field(default_factory=list)
    latencies_us: list[float] = dataclasses.field(default_factory=list)


def _by_itself(call: Any, answers: list[bytes]) -> _Post:
    """Return what makes a call for each request."""

    async def post(request: bytes) -> None:
        answers.append(await call(request, timeout=_CALL_SECONDS_MAX))

    return post


def _gathered(call: Any, answers: list[bytes]) -> _Post:
    """Return what posts as `ledger_client.Poster` does, with requests and answers as bytes."""

    async def send(requests: Sequence[bytes]) -> list[bytes]:
        # Messages one after another are one message: the transactions of all, journal and mode
        # of the last.
        answer = await call(b"".join(requests), timeout=_CALL_SECONDS_MAX)
        answers.append(answer)
        return [answer] * len(requests)

    gatherer = Gatherer[bytes, bytes](
        send, items_max=poster.BATCH_MAX, bytes_max=poster.BYTES_MAX, calls_max=poster.CALLS_MAX
    )

    async def post(request: bytes) -> None:
        await gatherer.ask(request, len(request))

    return post


async def _caller(
    post: _Post, waiting: Iterator[bytes], deadline: float, latencies_us: list[float]
) -> None:
    now = time.perf_counter()
    while now < deadline:
        request = next(waiting, None)
        if request is None:
            return
        await post(request)
        answered = time.perf_counter()
        latencies_us.append((answered - now) * 1e6)
        now = answered


def _read(answers: Sequence[bytes], method: str) -> tuple[list[str], list[str]]:
    """Return the ids of what was posted, and what was not."""
    acknowledged: list[str] = []
    problems: list[str] = []
    for answer in answers:
        results: Sequence[Any] = (
            [pb.PostTransactionResponse.FromString(answer)]
            if method == "PostTransaction"
            else pb.PostTransactionsResponse.FromString(answer).results
        )
        for result in results:
            if result.replayed or not result.HasField("transaction"):
                problems.append(str(result)[:500] or "an error, or an empty answer")
            else:
                acknowledged.append(result.transaction.id)
    return acknowledged, problems


def main() -> None:
    job = json.load(sys.stdin)
    names = {"shape": Shape(job["shape"]), "by": By(job["by"])}
    result = uvloop.run(run(Job(**job | names)))
    json.dump(dataclasses.asdict(result), sys.stdout)


if __name__ == "__main__":
    main()
