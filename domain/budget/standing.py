"""How a budget stands: what is spent of it, promised and left."""

from domain.budget.accounts import Account
from domain.budget.money import NanoUsd
from domain.budget.periods import Span
from domain.values import value


@value(kw_only=True)
class Standing:
    """
    How a budget stands in one of its periods.

    Attributes:
        reserved: promised to requests that are under way, or lent to workers for theirs.
        estimated: how much of what is settled was estimated.
    """

    account: Account
    span: Span
    period: str
    mode: str
    cap: NanoUsd
    settled: NanoUsd
    estimated: NanoUsd
    reserved: NanoUsd

    @property
    def remaining(self) -> NanoUsd:
        return NanoUsd(max(0, self.cap - self.settled - self.reserved))
