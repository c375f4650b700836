"""
Workers that share pots, in every order of events that hypothesis can think of.

Beside the ledgers runs an account of what really was reserved and spent. What a worker reserves is never more
than a hard budget leaves, whoever else spends of it; what the store says in the end is what was spent.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from domain.budget.accounts import NO_BUDGET, Account, AccountKind, Budget, BudgetMode, Pot
from domain.budget.leases import Balance, Claim, Grant
from domain.budget.ledger import BudgetLedger, Short
from domain.budget.money import NanoUsd
from domain.budget.periods import Span, period_at
from domain.budget.wallet import Reservation, Wallet

CLOUD = Account(AccountKind.PROVIDER, "cloud")
ANNA = Account(AccountKind.MEMBER, "anna/ö:1")
HOME = Account(AccountKind.PROFILE, "home")
ACCOUNTS = ((CLOUD,), (CLOUD, ANNA), (CLOUD, ANNA, HOME))

BUDGETS = {
    CLOUD: Budget(monthly=NanoUsd(1000), mode=BudgetMode.HARD),
    ANNA: Budget(daily=NanoUsd(600), monthly=NanoUsd(900), mode=BudgetMode.SOFT),
}
START = datetime(2026, 7, 30, 23, 59, tzinfo=UTC).timestamp()
DAY = 86_400.0


@dataclass(slots=True)
class Spending:
    """
    What really happened in a pot.

    Attributes:
        promised: what each worker has reserved.
        lost: what was reserved by workers that died; all of it may have been billed.
        lent_to_dead: what the store had lent to workers that died, beyond what it knew they had spent.
    """

    settled: int = 0
    promised: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    lent_to_dead: int = 0

    @property
    def total(self) -> int:
        return self.settled + self.lost + sum(self.promised.values())


@dataclass(slots=True)
class Open:
    """A reservation, whose it is, and where."""

    worker: str
    reservation: Reservation
    pots: tuple[Pot, ...]


class LedgerMachine(RuleBasedStateMachine):
    """Runs two workers; whoever inherits says what the store does."""

    reservations: "Bundle[Open]" = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.generation = 0
        self.has_crashed = False
        self.largest = 1
        self.workers: dict[str, BudgetLedger] = {}
        self.spending: dict[Pot, Spending] = {}
        self.open: list[Open] = []

    @abstractmethod
    def exchange(self, worker: str, claims: Sequence[Claim]) -> Sequence[Grant]:
        """The store's answer."""

    @abstractmethod
    def join(self, worker: str) -> None:
        """A worker begins."""

    @abstractmethod
    def die(self, worker: str) -> None:
        """A worker is gone without a word."""

    @abstractmethod
    def balance(self, pot: Pot) -> Balance:
        """How the pot stands in the store."""

    @initialize()
    def begin(self) -> None:
        for slot in (0, 1):
            self._begin(slot)

    @rule(
        target=reservations,
        slot=st.sampled_from((0, 1)),
        accounts=st.sampled_from(ACCOUNTS),
        amount=st.integers(0, 700),
    )
    def reserve(self, slot: int, accounts: tuple[Account, ...], amount: int) -> Open:
        worker = self._worker(slot)
        ledger = self.workers[worker]
        pots = self._pots(accounts)
        totals = {pot: self._spent(pot).total for pot in pots}
        found = ledger.reserve(accounts, NanoUsd(amount), self.now)
        for _ in range(3):
            if not isinstance(found, Short):
                break
            self._flush(worker)
            found = ledger.reserve(accounts, NanoUsd(amount), self.now, asked=True)
        assert not isinstance(found, Short), "asking the store did not help"
        if not isinstance(found, Reservation):
            return Open(worker, Reservation(Wallet((), self.now, []), NanoUsd(0)), ())
        self._check_admitted(totals, amount)
        for pot in pots:
            promised = self._spent(pot).promised
            promised[worker] = promised.get(worker, 0) + amount
        opened = Open(worker, found, pots)
        self.open.append(opened)
        return opened

    @rule(opened=consumes(reservations), share=st.integers(0, 4))
    def settle(self, opened: Open, share: int) -> None:
        cost = opened.reservation.amount * share // 4
        self._end(opened, dict.fromkeys(opened.pots, cost))
        opened.reservation.settle(NanoUsd(cost))

    @rule(opened=consumes(reservations), share=st.integers(0, 4))
    def lose_sight(self, opened: Open, share: int) -> None:
        amount = opened.reservation.amount
        costs = {pot: amount if _is_hard(pot) else amount * share // 4 for pot in opened.pots}
        self._end(opened, costs)
        opened.reservation.settle_unknown(NanoUsd(amount * share // 4))

    @rule(opened=consumes(reservations))
    def release(self, opened: Open) -> None:
        self._end(opened, dict.fromkeys(opened.pots, 0))
        opened.reservation.release()

    @rule(slot=st.sampled_from((0, 1)))
    def flush(self, slot: int) -> None:
        self._flush(self._worker(slot))

    @rule(slot=st.sampled_from((0, 1)), arrives=st.booleans())
    def fail_to_flush(self, slot: int, arrives: bool) -> None:
        worker = self._worker(slot)
        claims = self.workers[worker].claims(self.now)
        if arrives:
            self.exchange(worker, claims.told)
        claims.unanswered()

    @rule(slot=st.sampled_from((0, 1)))
    def crash(self, slot: int) -> None:
        worker = self._worker(slot)
        for purse in self.workers[worker].purses():
            self._spent(purse.pot)  # also of what it was lent for a month that nobody has asked for yet
        before = {pot: self.balance(pot).settled for pot in self.spending}
        del self.workers[worker]
        self.die(worker)
        self._begin(slot)
        for pot, spending in self.spending.items():
            spending.lost += spending.promised.pop(worker, 0)
            spending.lent_to_dead += self.balance(pot).settled - before[pot]
            self.has_crashed = True

    @rule(seconds=st.sampled_from((30.0, DAY, 2 * DAY)))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def no_hard_budget_is_exceeded(self) -> None:
        for pot, spending in self.spending.items():
            if _is_hard(pot):
                assert spending.total <= 1000, pot

    @rule()
    def what_is_reserved_is_what_was_not_settled(self) -> None:
        """No invariant, as whoever looks has the tallies poured."""
        for worker, ledger in self.workers.items():
            for purse in ledger.purses():
                assert purse.reserved == self._spent(purse.pot).promised.get(worker, 0)

    def teardown(self) -> None:
        for opened in list(self.open):
            if opened.worker in self.workers:
                self._end(opened, dict.fromkeys(opened.pots, 0))
                opened.reservation.release()
        for worker in self.workers:
            self.workers[worker].give_back()
            self._flush(worker)
        for pot, spending in self.spending.items():
            balance = self.balance(pot)
            assert balance.lent == 0, pot
            assert balance.settled <= spending.settled + spending.lent_to_dead, pot
            if _cap(pot) is not None or not self.has_crashed:
                assert balance.settled >= spending.settled + spending.lost, pot

    def _begin(self, slot: int) -> None:
        self.generation += 1
        worker = f"{slot}:{self.generation}"
        self.join(worker)
        self.workers[worker] = BudgetLedger(BUDGETS)

    def _worker(self, slot: int) -> str:
        return next(name for name in self.workers if name.startswith(f"{slot}:"))

    def _flush(self, worker: str) -> None:
        ledger = self.workers[worker]
        claims = ledger.claims(self.now)
        claims.granted(self.exchange(worker, claims.told))

    def _pots(self, accounts: Sequence[Account]) -> tuple[Pot, ...]:
        periods = [period_at(span, UTC, self.now) for span in Span]
        return tuple(Pot(account, period.span, period.key) for account in accounts for period in periods)

    def _spent(self, pot: Pot) -> Spending:
        return self.spending.setdefault(pot, Spending())

    def _check_admitted(self, totals: dict[Pot, int], amount: int) -> None:
        for pot, total in totals.items():
            cap = _cap(pot)
            if cap is not None:
                # Of a soft budget one worker may still have been lent what another's last request overdraws.
                self.largest = max(self.largest, amount)
                assert total + amount <= cap if _is_hard(pot) else total + amount < cap + self.largest, pot

    def _end(self, opened: Open, costs: dict[Pot, int]) -> None:
        if opened not in self.open or opened.worker not in self.workers:
            return
        self.open.remove(opened)
        for pot, cost in costs.items():
            spending = self._spent(pot)
            spending.promised[opened.worker] -= opened.reservation.amount
            spending.settled += cost


def _cap(pot: Pot) -> NanoUsd | None:
    return BUDGETS.get(pot.account, NO_BUDGET).cap(pot.span)


def _is_hard(pot: Pot) -> bool:
    return _cap(pot) is not None and BUDGETS[pot.account].mode is BudgetMode.HARD
