"""A ledger lets in what a budget allows, and books what it cost."""

from datetime import UTC, datetime

import pytest

from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode, Pot
from domain.budget.ledger import BudgetLedger, Reserving, Short, Strictness
from domain.budget.money import NanoUsd, from_usd
from domain.budget.periods import Span
from domain.budget.purse import Exceeded
from domain.budget.wallet import Reservation
from tests.domain.budget.shared_pots import SharedPots

CLOUD = Account(AccountKind.PROVIDER, "cloud")
ANNA = Account(AccountKind.MEMBER, "anna")
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC).timestamp()
MONTH = Pot(CLOUD, Span.MONTH, "2026-07")
DOLLAR = from_usd(1.0)


class Worker:
    """A ledger with its store, as the use case joins them."""

    def __init__(self, pots: SharedPots, budgets: dict[Account, Budget], name: str = "one") -> None:
        self.ledger = BudgetLedger(budgets)
        self.name = name
        self.pots = pots

    def flush(self, now: float = NOW) -> None:
        claims = self.ledger.claims(now)
        claims.granted(self.pots.exchange(self.name, claims.told))

    def asked(self, usd: float, *accounts: Account, now: float = NOW, asked: bool = False) -> Reserving:
        return self.ledger.reserve(accounts or (CLOUD,), from_usd(usd), now, asked=asked)

    def reserve(self, usd: float, *accounts: Account, now: float = NOW) -> Reservation | Exceeded:
        found = self.asked(usd, *accounts, now=now)
        while isinstance(found, Short):
            self.flush(now)
            found = self.asked(usd, *accounts, now=now, asked=True)
        return found

    def reserved(self, usd: float, *accounts: Account, now: float = NOW) -> Reservation:
        found = self.reserve(usd, *accounts, now=now)
        assert isinstance(found, Reservation)
        return found

    def refused(self, usd: float, *accounts: Account, now: float = NOW) -> Exceeded:
        found = self.reserve(usd, *accounts, now=now)
        assert isinstance(found, Exceeded)
        return found


def hard(usd: float) -> Budget:
    return Budget(monthly=from_usd(usd), mode=BudgetMode.HARD)


def soft(usd: float) -> Budget:
    return Budget(monthly=from_usd(usd))


def test_a_hard_budget_lets_in_only_what_fits_in_the_worst_case() -> None:
    worker = Worker(SharedPots(), {CLOUD: hard(1.0)})
    first = worker.reserved(0.6)

    refusal = worker.refused(0.5)
    first.settle(from_usd(0.1))

    assert (refusal.settled, refusal.reserved, refusal.remaining) == (0, from_usd(0.6), from_usd(0.4))
    worker.reserved(0.9)
    assert worker.refused(0.01).remaining == 0


def test_a_soft_budget_lets_in_while_anything_is_left() -> None:
    worker = Worker(SharedPots(), {CLOUD: soft(1.0)})
    worker.reserved(0.9)
    last = worker.reserved(5.0)

    assert worker.refused(0.0).reserved == from_usd(5.9)
    last.settle(from_usd(0.1))
    assert worker.refused(0.000001).remaining == 0


def test_a_budget_of_nothing_lets_nothing_in() -> None:
    assert Worker(SharedPots(), {CLOUD: soft(0.0)}).refused(0.0).cap == 0
    assert Worker(SharedPots(), {CLOUD: hard(0.0)}).refused(0.1).cap == 0


def test_money_is_reserved_in_all_pots_or_in_none() -> None:
    worker = Worker(SharedPots(), {CLOUD: hard(10.0), ANNA: hard(0.5)})

    refusal = worker.refused(0.6, CLOUD, ANNA)

    assert refusal.pot.account == ANNA
    assert worker.refused(10.01).reserved == 0
    worker.reserved(0.4, CLOUD, ANNA)
    assert worker.refused(9.7).reserved == from_usd(0.4)


def test_a_day_may_be_used_up_before_the_month_is() -> None:
    budget = Budget(monthly=from_usd(10.0), daily=from_usd(1.0), mode=BudgetMode.HARD)
    worker = Worker(SharedPots(), {CLOUD: budget})
    worker.reserved(1.0).settle(from_usd(1.0))

    assert worker.refused(0.1).pot == Pot(CLOUD, Span.DAY, "2026-07-15")
    worker.reserved(0.1, now=NOW + 86_400)


def test_what_was_reserved_before_midnight_is_booked_before_midnight() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: hard(1.0)})
    before = worker.reserved(0.8)
    in_august = NOW + 31 * 86_400

    worker.reserved(0.9, now=in_august).release()
    before.settle(from_usd(0.7))
    worker.flush(in_august)

    assert pots.balance(MONTH).settled == from_usd(0.7)
    assert pots.balance(Pot(CLOUD, Span.MONTH, "2026-08")).settled == 0


def test_a_reservation_is_settled_once() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: hard(1.0)})
    reservation = worker.reserved(0.5)

    reservation.settle(from_usd(0.2))
    reservation.settle(from_usd(0.2))
    reservation.release()
    worker.flush()

    assert worker.ledger.is_settled
    assert pots.balance(MONTH).settled == from_usd(0.2)


def test_what_may_have_been_billed_costs_an_estimate_or_under_a_hard_budget_all_that_was_reserved() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: hard(1.0), ANNA: soft(1.0)})

    set_aside = worker.reserved(0.5, CLOUD, ANNA).settle_unknown(from_usd(0.1))
    worker.flush()

    provider, member = pots.balance(MONTH), pots.balance(Pot(ANNA, Span.MONTH, "2026-07"))
    assert (provider.settled, provider.estimated) == (from_usd(0.5), from_usd(0.5))
    assert (member.settled, member.estimated) == (from_usd(0.1), from_usd(0.1))
    assert set_aside == from_usd(0.4)


def test_soft_budgets_set_nothing_aside() -> None:
    worker = Worker(SharedPots(), {CLOUD: soft(1.0)})

    assert worker.reserved(0.5, CLOUD, ANNA).settle_unknown(from_usd(0.1)) == 0
    assert worker.reserved(0.5, ANNA).settle_unknown(from_usd(0.1)) == 0


def test_a_request_that_fits_into_what_was_lent_does_not_wait_for_the_store() -> None:
    worker = Worker(SharedPots(), {CLOUD: hard(100.0)})
    worker.ledger.open((CLOUD,), NOW)
    worker.flush()

    assert isinstance(worker.asked(0.01), Reservation)
    assert isinstance(worker.asked(50.0), Short)


def test_a_busy_worker_is_lent_more_ahead_of_need() -> None:
    worker = Worker(SharedPots(), {CLOUD: hard(100.0)})
    for _ in range(10):
        worker.reserved(0.1).settle(from_usd(0.1))
    worker.flush()

    assert all(isinstance(worker.asked(0.1), Reservation) for _ in range(10))


def test_what_a_dear_request_was_promised_is_given_back_when_it_is_over() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: soft(10.0)})
    dear = [worker.reserved(5.9), worker.reserved(5.9)]
    for one in dear:
        one.settle(from_usd(0.01))

    worker.flush()
    worker.flush()

    (purse,) = (one for one in worker.ledger.purses() if one.pot == MONTH)
    assert purse.held <= from_usd(0.02 + 10.0 / 4)


def test_an_idle_worker_gives_back_what_it_does_not_need() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: hard(100.0)})
    for _ in range(10):
        worker.reserved(20.0).release()
    worker.flush()
    busy = pots.balance(MONTH).lent

    for later in range(50):
        worker.flush(NOW + later)
    ready = pots.balance(MONTH).lent
    for later in range(3600, 3650):
        worker.flush(NOW + later)
    idle = pots.balance(MONTH).lent
    assert worker.ledger.claims(NOW + 3650).told == ()
    worker.ledger.give_back()
    worker.flush()

    assert busy > ready > DOLLAR // 2
    assert 0 < idle < DOLLAR // 10
    assert pots.balance(MONTH).lent == 0
    assert worker.ledger.is_settled


def test_what_was_lent_to_a_worker_that_died_counts_as_spent_until_it_speaks() -> None:
    pots = SharedPots()
    dead, alive = (Worker(pots, {CLOUD: hard(1.0)}, name) for name in ("dead", "alive"))
    dead.reserved(0.5).settle(from_usd(0.1))
    held = pots.balance(MONTH).lent

    pots.bury("dead")
    mourned = pots.balance(MONTH)
    refusal = alive.refused(1.0)
    dead.ledger.give_back()
    dead.flush()

    assert (mourned.settled, mourned.estimated, mourned.lent) == (held, held, 0)
    assert refusal.settled == held
    assert pots.balance(MONTH).settled == from_usd(0.1)
    alive.flush()
    alive.reserved(0.9)


def test_without_the_store_a_budget_is_kept_by_what_is_known() -> None:
    pots = SharedPots()
    other, worker = (Worker(pots, {CLOUD: hard(1.0)}, name) for name in ("other", "worker"))
    other.reserved(0.5).settle(from_usd(0.5))
    other.ledger.give_back()
    other.flush()
    worker.reserved(0.1).release()

    unlent = worker.ledger.reserve_unlent((CLOUD,), from_usd(0.4), NOW)

    assert isinstance(unlent, Reservation)
    assert isinstance(worker.ledger.reserve_unlent((CLOUD,), from_usd(0.2), NOW), Exceeded)
    unlent.settle(from_usd(0.4))
    worker.ledger.give_back()
    worker.flush()
    assert pots.balance(MONTH).settled == from_usd(0.9)


def test_an_answer_of_the_store_that_was_lost_costs_nothing() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: hard(1.0)})
    worker.reserved(0.3).settle(from_usd(0.3))

    claims = worker.ledger.claims(NOW)
    pots.exchange("one", claims.told)
    claims.unanswered()
    worker.flush()

    assert pots.balance(MONTH).settled == from_usd(0.3)


def test_another_budget_holds_from_now_on() -> None:
    worker = Worker(SharedPots(), {})
    worker.reserved(2.0).settle(from_usd(2.0))
    assert worker.ledger.strictness((CLOUD, ANNA)) is Strictness.FREE

    worker.ledger.rebudget({CLOUD: hard(2.5)})

    assert worker.ledger.strictness((ANNA, CLOUD)) is Strictness.HARD
    assert worker.refused(1.0).settled == from_usd(2.0)
    worker.reserved(0.5)
    worker.ledger.rebudget({})
    worker.reserved(NanoUsd(1_000_000))


def test_a_budget_that_is_set_meanwhile_counts_what_is_under_way() -> None:
    pots = SharedPots()
    worker = Worker(pots, {})
    known, unknown = worker.reserved(2.0), worker.reserved(1.0)

    worker.ledger.rebudget({CLOUD: hard(4.0)})

    assert worker.refused(1.5).reserved == from_usd(3.0)
    known.settle(from_usd(0.5))
    set_aside = unknown.settle_unknown(from_usd(0.2))
    worker.flush()
    assert set_aside == from_usd(0.8)
    assert pots.balance(MONTH).settled == from_usd(1.5)
    worker.reserved(2.5)
    worker.refused(0.1)


def test_what_ends_is_known_at_once_to_a_budget_that_was_set_meanwhile() -> None:
    """Whoever asks next is neither refused by what is free again nor let in by what is spent."""
    worker = Worker(SharedPots(), {})
    dear, cheap = worker.reserved(2.0), worker.reserved(0.0)
    worker.ledger.rebudget({CLOUD: hard(2.0)})
    worker.flush()
    assert worker.refused(0.1).reserved == from_usd(2.0)

    dear.release()

    assert worker.ledger.exceeded((CLOUD,), from_usd(0.1), NOW) is None
    worker.reserved(1.5).release()
    cheap.settle(from_usd(1.9))
    assert isinstance(worker.ledger.reserve_unlent((CLOUD,), from_usd(0.2), NOW), Exceeded)


def test_a_busy_account_that_is_given_a_budget_is_lent_as_much_as_a_busy_one() -> None:
    pots = SharedPots()
    worker = Worker(pots, {})
    for at in range(0, 900, 100):
        worker.reserved(1.0, now=NOW + at).settle(from_usd(1.0))
        worker.flush(NOW + at)

    worker.ledger.rebudget({CLOUD: hard(100.0)})
    worker.flush(NOW + 900)

    (purse,) = (one for one in worker.ledger.purses() if one.pot == MONTH)
    assert purse.room > from_usd(0.5)  # at rest two cents would be kept


def test_a_budget_that_is_set_while_the_store_is_lost_counts_what_is_under_way() -> None:
    worker = Worker(SharedPots(), {})
    worker.reserved(2.0)

    worker.ledger.rebudget({CLOUD: hard(2.5)})

    assert isinstance(worker.ledger.reserve_unlent((CLOUD,), from_usd(1.0), NOW), Exceeded)
    assert isinstance(worker.ledger.reserve_unlent((CLOUD,), from_usd(0.5), NOW), Reservation)


def test_what_nobody_bounds_is_booked_where_it_was_promised() -> None:
    """Also when its month is over, and its wallet gone."""
    pots = SharedPots()
    worker = Worker(pots, {})
    under_way = worker.reserved(2.0, CLOUD, ANNA)
    worker.flush()
    worker.reserved(1.0, CLOUD, ANNA, now=NOW + 31 * 86_400).settle(from_usd(0.7))

    assert worker.ledger.promised(MONTH) == from_usd(2.0)
    under_way.settle(from_usd(0.3), estimated=True)
    worker.flush(NOW + 31 * 86_400)

    assert pots.balance(MONTH).settled == pots.balance(MONTH).estimated == from_usd(0.3)
    assert pots.balance(Pot(ANNA, Span.MONTH, "2026-07")).settled == from_usd(0.3)
    assert pots.balance(Pot(ANNA, Span.MONTH, "2026-08")).settled == from_usd(0.7)
    assert worker.ledger.is_settled


def test_a_purse_outlives_its_period_so_that_a_clock_set_back_finds_it() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: hard(1.0)})
    worker.reserved(0.3).settle(from_usd(0.3))

    for now in (NOW + 86_400, NOW, NOW + 40 * 86_400):
        worker.flush(now)
        worker.reserved(0.01, now=now).release()
    worker.flush(NOW + 40 * 86_400)

    assert pots.balance(MONTH).settled == from_usd(0.3)
    assert {purse.pot.period for purse in worker.ledger.purses()} == {"2026-08", "2026-08-24"}


def test_what_was_spent_in_a_period_is_known_when_the_clock_comes_back_to_it() -> None:
    pots = SharedPots()
    worker = Worker(pots, {CLOUD: hard(10.0)})
    worker.reserved(9.5).settle(from_usd(9.5))
    for _ in range(2):
        worker.flush(NOW + 200 * 86_400)

    assert worker.refused(9.5).settled == from_usd(9.5)
    worker.reserved(0.4).settle(from_usd(0.4))
    worker.flush()
    assert pots.balance(MONTH).settled == from_usd(9.9)


@pytest.mark.parametrize(("cap", "workers", "usd"), [(0.1, 4, 0.06), (0.25, 8, 0.15), (5.0, 16, 4.7)])
def test_workers_that_do_nothing_keep_little_of_a_small_budget(cap: float, workers: int, usd: float) -> None:
    pots = SharedPots()
    budgets = {CLOUD: Budget(daily=from_usd(cap), mode=BudgetMode.HARD)}
    house = [Worker(pots, budgets, f"{number}") for number in range(workers)]
    for worker in house:
        worker.ledger.open((CLOUD,), NOW)
        worker.flush()
    for after in range(600, 1801, 60):
        for worker in house:
            worker.flush(NOW + after)

    house[0].reserved(usd, now=NOW + 1800)


def test_nobody_is_refused_by_what_others_held_some_time_ago() -> None:
    pots = SharedPots()
    one, two = (Worker(pots, {CLOUD: hard(1.0)}, name) for name in ("one", "two"))
    promised = one.reserved(0.9)
    refusal = two.refused(0.5)
    assert refusal.lent_to_others >= from_usd(0.9)
    assert (refusal.reserved, refusal.remaining) == (0, from_usd(1.0))

    promised.release()
    one.ledger.give_back()
    one.flush()

    assert two.ledger.exceeded((CLOUD,), from_usd(0.5), NOW) is None
    two.reserved(0.5)


def test_a_store_that_forgot_everything_is_told_again() -> None:
    worker = Worker(SharedPots(), {CLOUD: hard(1.0)})
    worker.reserved(0.7, CLOUD, ANNA).settle(from_usd(0.7))
    worker.flush()

    pots = worker.pots = SharedPots()
    worker.ledger.say_again()
    worker.flush()

    assert pots.balance(MONTH).settled == from_usd(0.7)
    assert pots.balance(Pot(ANNA, Span.MONTH, "2026-07")).settled == from_usd(0.7)
    Worker(pots, {CLOUD: hard(1.0)}, "other").refused(0.4)


def test_whoever_asks_after_the_clock_was_set_back_is_promised_money() -> None:
    worker = Worker(SharedPots(), {CLOUD: Budget(daily=from_usd(1.0), mode=BudgetMode.HARD)})
    worker.reserved(0.1).settle(from_usd(0.1))
    for now in (NOW, NOW + 3 * 86_400, NOW + 3 * 86_400):
        worker.flush(now)

    worker.reserved(0.2).settle(from_usd(0.2))

    assert not worker.ledger.is_settled
    worker.flush(NOW)
    assert worker.ledger.is_settled
