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
        estimated: how much of what is settled was estimated.
        reserved: promised to requests that are under way, as far as this process knows.
        lent: what workers were lent and have not spent, `reserved` included.
    """

    account: Account
    span: Span
    period: str
    mode: str
    cap: NanoUsd
    settled: NanoUsd
    estimated: NanoUsd
    reserved: NanoUsd
    lent: NanoUsd

    @property
    def remaining(self) -> NanoUsd:
        """What nobody has spent and no request is known to have been promised."""
        return NanoUsd(max(0, self.cap - self.settled - self.reserved))

    @property
    def held(self) -> NanoUsd:
        """
        How much of what remains is lent to workers. It is held ready for the next requests, and is not gone.

        Of a soft budget more may be lent than remains, as it may promise beyond its cap.
        """
        return NanoUsd(min(max(0, self.lent - self.reserved), self.remaining))
