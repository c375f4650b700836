"""Whatever happens in whatever order, the ledger is right."""

from collections.abc import Sequence

from hypothesis import settings

from domain.budget.accounts import Pot
from domain.budget.leases import Balance, Claim, Grant
from tests.domain.budget.ledger_machine import LedgerMachine
from tests.domain.budget.shared_pots import SharedPots


class LedgerOverSharedPots(LedgerMachine):
    """With the plainest store."""

    def __init__(self) -> None:
        super().__init__()
        self.pots = SharedPots()

    def join(self, worker: str) -> None:
        pass

    def exchange(self, worker: str, claims: Sequence[Claim]) -> Sequence[Grant]:
        return self.pots.exchange(worker, claims)

    def die(self, worker: str) -> None:
        self.pots.bury(worker)

    def balance(self, pot: Pot) -> Balance:
        return self.pots.balance(pot)


TestLedgerOverSharedPots = LedgerOverSharedPots.TestCase
TestLedgerOverSharedPots.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
