"""
How several workers share one pot without asking anybody for each request.

Theory of operation. A worker is lent a part of the pot, its allotment, ahead of need, and reserves inside it
in memory. All figures of a worker only ever replace what it said before, so saying them twice changes
nothing, and a worker that was believed dead corrects the belief by speaking. What a dead worker was lent
counts as spent: it may have been.
"""

from domain.budget.accounts import BudgetMode, Pot
from domain.budget.money import NOTHING, NanoUsd
from domain.values import value

SHARE_AHEAD = 4
"""At most a fourth of what is left is lent ahead of need, so that no worker holds back what others need."""


@value(kw_only=True)
class Claim:
    """
    What one worker says of a pot, and what it asks for.

    Attributes:
        spent: all it has spent of the pot so far.
        estimated: how much of that was estimated.
        held: what it was lent so far and keeps, what it spent included.
        needs: what the requests that wait for more could cost at most, in their order.
        ahead: how much beyond them would be welcome.
        cap: the budget; ``None`` for a pot that is only counted.
    """

    pot: Pot
    spent: NanoUsd = NOTHING
    estimated: NanoUsd = NOTHING
    held: NanoUsd = NOTHING
    needs: tuple[NanoUsd, ...] = ()
    ahead: NanoUsd = NOTHING
    cap: NanoUsd | None = None
    mode: BudgetMode = BudgetMode.SOFT


@value(kw_only=True)
class Holding:
    """What one worker has of a pot: spent, of that estimated, and lent (what it spent included)."""

    spent: int = 0
    estimated: int = 0
    held: int = 0

    @property
    def committed(self) -> int:
        """What nobody else may spend."""
        return max(self.spent, self.held)

    def charged(self) -> "Holding":
        """All that was lent counts as spent, as its worker is gone and cannot say."""
        unsettled = self.committed - self.spent
        return Holding(spent=self.committed, estimated=self.estimated + unsettled, held=self.committed)


@value(kw_only=True)
class Grant:
    """
    The answer to a claim.

    Attributes:
        held: what the worker is lent now, what it spent included.
        settled: what has been spent of the pot by everybody, the dead included.
        estimated: how much of that was estimated.
        committed: that and all that is lent.
    """

    pot: Pot
    held: NanoUsd
    settled: NanoUsd
    estimated: NanoUsd
    committed: NanoUsd


@value(kw_only=True)
class Balance:
    """
    How a pot stands.

    Attributes:
        settled: what was spent.
        estimated: how much of that was estimated.
        lent: what workers were lent and have not spent yet, whether they promised it or hold it ready.
    """

    pot: Pot
    settled: NanoUsd
    estimated: NanoUsd
    lent: NanoUsd


def grant(claim: Claim, others: Holding) -> Grant:
    """
    What a worker gets; ``others`` is what all other workers have together.

    Requests are served in their order: under a hard budget each that fits, under a soft one each while
    anything is left.
    """
    kept = max(claim.held, claim.spent)
    lent = 0 if claim.cap is None else _lent(claim, claim.cap - others.committed - kept)
    return Grant(
        pot=claim.pot,
        held=NanoUsd(kept + lent),
        settled=NanoUsd(others.spent + claim.spent),
        estimated=NanoUsd(others.estimated + claim.estimated),
        committed=NanoUsd(others.committed + kept + lent),
    )


def _lent(claim: Claim, left: int) -> int:
    lent = 0
    for need in claim.needs:
        if need <= left or (left > 0 and claim.mode is BudgetMode.SOFT):
            lent += need
            left -= need
    return lent + max(0, min(claim.ahead, left // SHARE_AHEAD))
