"""The ledger in a hundred lines of plain Python: what the server must answer, and why.

It knows no database, no concurrency and no cache. Everything it says follows from the list of
accepted transactions, read from the beginning each time.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

Leg = tuple[str, str, str, str, str]  # direction, account, layer, units, currency
LAYERS = ("SETTLED", "PENDING", "ENCUMBRANCE")
FIELDS = ("effective_date", "description", "external_id", "correlation_id", "metadata")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A request. Empty fields are not given; `factor` is a DECIMAL param, None is its default."""

    id: str
    legs: tuple[Leg, ...]
    template_code: str = "A"
    template_version: int = 0
    factor: str | None = None
    effective_date: str = ""
    description: str = ""
    external_id: str = ""
    correlation_id: str = ""
    metadata: tuple[tuple[str, str], ...] = ()


class Refusal(NamedTuple):
    reason: str
    facts: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Posted:
    sequence: int
    version: int
    effective: str
    asked: Asked
    #: Sums of debits and credits of the entry's layer, and the balance's version, after each leg.
    after: tuple[tuple[Decimal, Decimal, int], ...]


@dataclasses.dataclass
class Model:
    exponents: dict[str, int]
    status: dict[str, str]
    #: Newest version of each template.
    versions: dict[str, int]
    today: str
    #: Sequence of the last event, and the type of each by its sequence.
    types: list[int] = dataclasses.field(default_factory=list)
    posted: dict[str, Posted] = dataclasses.field(default_factory=dict)

    def post(self, asked: Asked) -> tuple[Posted, bool] | Refusal:
        """Answer with the transaction and whether it is a replay, or say why not."""
        refusal = self._form(asked)
        known = self.posted.get(asked.id)
        if known is not None:
            field = difference(asked, known.asked)
            if field is None:
                return known, True
            return refusal or Refusal(
                "TRANSACTION_ID_REUSED", {"transaction_id": asked.id, "field": field}
            )
        if refusal is not None:
            return refusal
        for owner in self.posted.values():
            if asked.external_id and owner.asked.external_id == asked.external_id:
                facts = {"external_id": asked.external_id, "transaction_id": owner.asked.id}
                return Refusal("EXTERNAL_ID_REUSED", facts)
        for _, account, *_ in asked.legs:
            if self.status[account] != "ACTIVE":
                return Refusal(
                    "ACCOUNT_NOT_ACTIVE", {"account": account, "status": self.status[account]}
                )
        self.types.append(21)
        after = []
        legs = [(one.asked, leg) for one in self.posted.values() for leg in one.asked.legs]
        for position, (_, account, layer, _, currency) in enumerate(asked.legs):
            so_far = [*legs, *((asked, leg) for leg in asked.legs[: position + 1])]
            mine = [(a, leg) for a, leg in so_far if (leg[1], leg[4]) == (account, currency)]
            sums = [
                sum((units(a, leg) for a, leg in mine if (leg[0], leg[2]) == (side, layer)), ZERO)
                for side in ("DEBIT", "CREDIT")
            ]
            after.append((sums[0], sums[1], len(mine)))
        version = asked.template_version or self.versions[asked.template_code]
        effective = asked.effective_date or self.today
        one = Posted(len(self.types), version, effective, asked, tuple(after))
        self.posted[asked.id] = one
        return one, False

    def post_atomic(self, many: Sequence[Asked]) -> list[tuple[Posted, bool]] | Refusal:
        """Post all or none."""
        before = dict(self.posted), list(self.types)
        answers = []
        for index, asked in enumerate(many):
            answer = self.post(asked)
            if isinstance(answer, Refusal):
                self.posted, self.types = before
                return Refusal(answer.reason, {**answer.facts, "index": str(index)})
            answers.append(answer)
        return answers

    def _form(self, asked: Asked) -> Refusal | None:
        """Refuse what can be refused without the books."""
        if asked.template_version > self.versions.get(asked.template_code, -1) or (
            asked.template_code not in self.versions
        ):
            facts = {"template": asked.template_code, "version": str(asked.template_version)}
            return Refusal("TEMPLATE_NOT_FOUND", facts)
        for index, leg in enumerate(asked.legs):
            exponent = self.exponents.get(leg[4])
            if exponent is None:
                return Refusal("CURRENCY_UNKNOWN", {"currency": leg[4]})
            value = units(asked, leg)
            if value <= 0 or value * 10**exponent % 1:
                return Refusal("AMOUNT_INVALID", {"field": f"entries[0], item {index}.units"})
        for _, account, *_ in asked.legs:
            if account not in self.status:
                return Refusal("ACCOUNT_NOT_FOUND", {"account": account})
        for layer, currency in dict.fromkeys((leg[2], leg[4]) for leg in asked.legs):
            debits, credits_ = (
                sum(
                    (units(asked, x) for x in asked.legs if x[::2] == (side, layer, currency)), ZERO
                )
                for side in ("DEBIT", "CREDIT")
            )
            if debits != credits_:
                sums = {"debits": plain(debits), "credits": plain(credits_)}
                return Refusal("UNBALANCED", {"layer": layer, "currency": currency, **sums})
        return None

    def sums(
        self, layer: str, *, first: str = "0", last: str = "9999-99", known_at: int = 10**9
    ) -> dict[tuple[str, str], list[Decimal]]:
        """Return debits, credits and the count of entries of each account and currency."""
        found: dict[tuple[str, str], list[Decimal]] = {}
        for one in self.posted.values():
            if not (first <= one.effective <= last and one.sequence <= known_at):
                continue
            for leg in one.asked.legs:
                if leg[2] == layer:
                    sums = found.setdefault((leg[1], leg[4]), [ZERO, ZERO, ZERO])
                    sums[leg[0] == "CREDIT"] += units(one.asked, leg)
                    sums[2] += 1
        return found


ZERO = Decimal(0)


def units(asked: Asked, leg: Leg) -> Decimal:
    return Decimal(leg[3]) * Decimal(asked.factor or "1")


def plain(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def difference(asked: Asked, kept: Asked) -> str | None:
    """Name the first field in which two requests differ."""
    for field in ("template_code", "template_version", *FIELDS):
        if getattr(asked, field) != getattr(kept, field):
            return field
    if Decimal(asked.factor or "1") != Decimal(kept.factor or "1"):
        return "params.factor"
    return None if asked.legs == kept.legs else "params.lines"


def columns(opening: Sequence[Any], movement: Sequence[Any]) -> tuple[Decimal, ...]:
    """Return the six columns of a trial balance."""
    net = opening[0] - opening[1]
    closing = net + movement[0] - movement[1]
    return (
        *(max(net, ZERO), max(-net, ZERO)),
        *(movement[0], movement[1]),
        *(max(closing, ZERO), max(-closing, ZERO)),
    )
