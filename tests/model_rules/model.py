"""Holds, reversals, limits and periods in plain Python: what the server must answer, and why.

Every transaction moves one amount of one currency from one account to another. Whatever the model
says follows from the list of accepted transactions, read from the beginning each time.
"""

import copy
import dataclasses
from decimal import Decimal
from typing import NamedTuple

SIDES = {"cash": "DEBIT", "ann": "CREDIT", "bob": "CREDIT"}
ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A request. `of` is the hold or the transaction that it is about; None takes what is left."""

    id: str
    kind: str
    debit: str = ""
    credit: str = ""
    currency: str = "USD"
    amount: Decimal | None = None
    of: str = ""
    day: str = ""
    description: str = ""
    external_id: str = ""
    final: bool = False
    force: bool = False
    behind: bool = False
    #: Of a hold: "none", "far" or "past".
    expire: str = "none"


class Refusal(NamedTuple):
    reason: str
    #: The field, account or limit that it names.
    about: str = ""


@dataclasses.dataclass
class Done:
    """A transaction in the books. Of a hold, what became of it."""

    asked: Asked
    debit: str
    credit: str
    currency: str
    #: What it settles; of a hold what it placed.
    units: Decimal
    captured: Decimal = ZERO
    released: Decimal = ZERO
    reversed: Decimal = ZERO
    status: str = "OPEN"
    is_due: bool = False

    @property
    def left(self) -> Decimal:
        return self.units - self.captured - self.released


@dataclasses.dataclass
class Rule:
    """A limit in dollars; `members` are counted together, empty if it is not attached."""

    bound: Decimal
    #: GROSS or NET of debits for life; empty for a standing limit.
    measure: str = ""
    members: tuple[str, ...] = ()


@dataclasses.dataclass
class Model:
    today: str
    rules: dict[str, Rule]
    books: dict[str, Done] = dataclasses.field(default_factory=dict)
    #: Locked accounts and whether holds may end on them.
    locks: dict[str, bool] = dataclasses.field(default_factory=dict)
    closed: str = ""
    locked: str = ""

    def ask(self, asked: Asked) -> bool | Refusal:
        """Answer whether it is a replay, or say why it is refused."""
        of = self.books.get(asked.of)
        if asked.kind in {"CAPTURE", "RELEASE"} and (of is None or of.asked.kind != "HOLD"):
            return Refusal("HOLD_NOT_FOUND")
        if asked.kind == "REVERSAL" and of is None:
            return Refusal("TRANSACTION_NOT_FOUND")
        known = self.books.get(asked.id)
        if known is not None:
            field = difference(asked, known.asked)
            return True if field is None else Refusal("TRANSACTION_ID_REUSED", field)
        if asked.external_id and any(
            one.asked.external_id == asked.external_id for one in self.books.values()
        ):
            return Refusal("EXTERNAL_ID_REUSED")
        day = asked.day or self.today
        if day <= self.closed:
            return Refusal("PERIOD_CLOSED")
        if day <= self.locked and not asked.behind:
            return Refusal("PERIOD_LOCKED")
        before = copy.deepcopy(self.books)
        refusal = self._do(asked) or self._accounts(asked) or self._limits(asked, before)
        if refusal is not None:
            self.books = before
            return refusal
        return False

    def ask_all(self, many: list[Asked]) -> list[bool | Refusal] | tuple[int, Refusal]:
        """Answer a batch that is all or nothing: with the first refusal and its index."""
        before = copy.deepcopy(self.books)
        answers: list[bool | Refusal] = []
        for index, asked in enumerate(many):
            answer = self.ask(asked)
            if isinstance(answer, Refusal):
                self.books = before
                return index, answer
            answers.append(answer)
        return answers

    def sweep(self) -> int:
        """Expire what is due and return how many holds that ends."""
        due = [one for one in self.books.values() if one.is_due and one.status == "OPEN"]
        for hold in due:
            hold.released += hold.left
            hold.status = "EXPIRED"
        return len(due)

    def _do(self, asked: Asked) -> Refusal | None:
        of = self.books.get(asked.of)
        if of is None:
            assert asked.amount is not None
            if asked.expire == "past":
                return Refusal("EXPIRE_TIME_PASSED")
            self.books[asked.id] = Done(
                asked, asked.debit, asked.credit, asked.currency, asked.amount
            )
            return None
        if asked.kind == "REVERSAL":
            return self._reverse(asked, of)
        if of.status != "OPEN" or of.is_due:
            return Refusal("HOLD_NOT_OPEN", "EXPIRED" if of.status == "OPEN" else of.status)
        taken = of.left if asked.amount is None else asked.amount
        if asked.kind == "RELEASE":
            taken = ZERO
        elif taken > of.left:
            return Refusal("CAPTURE_EXCEEDS", of.asked.debit)
        of.captured += taken
        if asked.final or asked.kind == "RELEASE":
            of.released += of.left
        if not of.left:
            of.status = "RELEASED" if asked.kind == "RELEASE" else "CAPTURED"
        self.books[asked.id] = Done(asked, of.debit, of.credit, of.currency, taken)
        return None

    def _reverse(self, asked: Asked, of: Done) -> Refusal | None:
        if of.asked.kind not in {"POSTING", "CAPTURE"}:
            return Refusal("NOT_REVERSIBLE", of.asked.kind)
        left = of.units - of.reversed
        if not left:
            return Refusal("ALREADY_REVERSED")
        taken = left if asked.amount is None else asked.amount
        if taken > left:
            return Refusal("REVERSAL_EXCEEDS", of.debit)
        of.reversed += taken
        self.books[asked.id] = Done(asked, of.credit, of.debit, of.currency, taken)
        return None

    def _accounts(self, asked: Asked) -> Refusal | None:
        done = self.books[asked.id]
        order = (done.debit, done.credit)
        # A reversal's entries come in the order of its original.
        for account in reversed(order) if asked.kind == "REVERSAL" else order:
            if account in self.locks and not (
                asked.kind in {"CAPTURE", "RELEASE"} and self.locks[account]
            ):
                return Refusal("ACCOUNT_NOT_ACTIVE", account)
        return None

    def _limits(self, asked: Asked, before: dict[str, Done]) -> Refusal | None:
        done = self.books[asked.id]
        touched = {done.debit, done.credit}
        passed = []
        for code, rule in self.rules.items():
            if done.currency != "USD" or not touched & set(rule.members):
                continue
            was, now = use(rule, before), use(rule, self.books)
            if rule.measure and asked.kind not in {"CAPTURE", "RELEASE"}:
                if now > was and now > rule.bound:
                    passed.append(code)
            elif not rule.measure and not asked.force and now < was and now < rule.bound:
                passed.append(code)
        # Standing limits are looked at before what moved.
        passed.sort(key=lambda code: bool(self.rules[code].measure))
        return Refusal("LIMIT_EXCEEDED", ",".join(passed)) if passed else None


def use(rule: Rule, books: dict[str, Done]) -> Decimal:
    """Return what is available to a standing limit's members, or what moved on them."""
    if not rule.measure:
        return sum((available(one, "USD", books) for one in rule.members), ZERO)
    moved = ZERO
    for done in books.values():
        if done.currency != "USD" or done.asked.kind in {"CAPTURE", "RELEASE"}:
            continue
        is_hold = done.asked.kind == "HOLD"
        if done.debit in rule.members:
            moved += done.units - done.released
        if done.credit in rule.members and rule.measure == "NET":
            moved -= done.captured if is_hold else done.units
    return moved


def settled(account: str, currency: str, books: dict[str, Done]) -> Decimal:
    """Return debits less credits."""
    total = ZERO
    for done in books.values():
        if done.currency == currency and done.asked.kind not in {"HOLD", "RELEASE"}:
            total += done.units * ((done.debit == account) - (done.credit == account))
    return total


def held(account: str, side: str, currency: str, books: dict[str, Done]) -> Decimal:
    """Return what open holds have left on one side."""
    return sum(
        (
            one.left
            for one in books.values()
            if one.asked.kind == "HOLD" and one.currency == currency
            if (one.debit if side == "DEBIT" else one.credit) == account
        ),
        ZERO,
    )


def available(account: str, currency: str, books: dict[str, Done]) -> Decimal:
    if SIDES[account] == "DEBIT":
        return settled(account, currency, books) - held(account, "CREDIT", currency, books)
    return -settled(account, currency, books) - held(account, "DEBIT", currency, books)


def difference(asked: Asked, kept: Asked) -> str | None:
    """Name the first field in which two requests differ."""
    names = {"kind": "kind", "of": "reverses" if asked.kind == "REVERSAL" else "hold_id"}
    names |= {"expire": "expire_time", "final": "final", "day": "effective_date"}
    names |= {"description": "description", "external_id": "external_id"}
    for field, name in names.items():
        if getattr(asked, field) != getattr(kept, field):
            return name
    if asked.of and (asked.amount is None) != (kept.amount is None):
        return "params"
    for field in ("amount", "credit", "currency", "debit"):
        if getattr(asked, field) != getattr(kept, field):
            return f"params.{field}"
    return None
