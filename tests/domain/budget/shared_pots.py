"""The plainest thing that lends pots to several workers, to try the ledger with."""

from collections.abc import Iterable, Sequence

from domain.budget.accounts import Pot
from domain.budget.leases import Balance, Claim, Grant, Holding, grant
from domain.budget.money import NanoUsd


class SharedPots:
    """Knows what each holder has of each pot; those who are gone have spent what they were lent."""

    def __init__(self) -> None:
        self._held: dict[tuple[Pot, str], Holding] = {}
        self._gone: set[str] = set()

    def exchange(self, holder: str, claims: Sequence[Claim]) -> tuple[Grant, ...]:
        self._gone.discard(holder)
        return tuple(self._granted(holder, claim) for claim in claims)

    def bury(self, holder: str) -> None:
        self._gone.add(holder)

    def balance(self, pot: Pot) -> Balance:
        total = _sum(self._of(pot))
        return Balance(
            pot=pot,
            settled=NanoUsd(total.spent),
            estimated=NanoUsd(total.estimated),
            lent=NanoUsd(total.held - total.spent),
        )

    def _granted(self, holder: str, claim: Claim) -> Grant:
        found = grant(claim, _sum(self._of(claim.pot, besides=holder)))
        self._held[claim.pot, holder] = Holding(spent=claim.spent, estimated=claim.estimated, held=found.held)
        return found

    def _of(self, pot: Pot, besides: str = "") -> list[Holding]:
        return [
            held.charged() if name in self._gone else held
            for (of, name), held in self._held.items()
            if of == pot and name != besides
        ]


def _sum(holdings: Iterable[Holding]) -> Holding:
    spent = estimated = held = 0
    for one in holdings:
        spent += one.spent
        estimated += one.estimated
        held += one.committed
    return Holding(spent=spent, estimated=estimated, held=held)
