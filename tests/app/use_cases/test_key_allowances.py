"""Keys have budgets and limits of their own for as long as they hold."""

from dataclasses import replace

import msgspec
import pytest

from app.use_cases.key_allowances import KeyAllowances
from app.use_cases.key_terms import (
    BudgetTerms,
    LimitTerms,
    UnclearTerms,
    budget_by,
    budget_terms,
    limit_terms,
    limits_by,
)
from app.use_cases.member_limits import LimitReached, MemberLimits
from domain.access.keys import Caller, Key, KeyRing, Scope
from domain.admission.limits import Limits
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode
from domain.budget.money import from_usd
from domain.budget.purse import Exceeded
from domain.budget.wallet import Reservation
from tests.app.use_cases.test_bookkeeping import CLOUD, Books, opened
from tests.fakes.fixed_clock import FixedClock

DOLLAR = Budget(monthly=from_usd(1), mode=BudgetMode.HARD)
KEY = Key(
    id="k1",
    member="alice",
    digest="",
    scopes=frozenset({Scope.INFERENCE}),
    budget=DOLLAR,
    limits=Limits(concurrent=1),
)
PAYS = Account(AccountKind.KEY, "k1")
LAPTOP = Caller(member="alice", key_id="k1", key_account="k1")


class Desk:
    """What keys are granted, and where it shows."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.clock = FixedClock()
        self.limits = MemberLimits({}, books.sink, self.clock)
        self.allowances = KeyAllowances({CLOUD: DOLLAR}, books.keeper, self.limits, self.clock)

    def grant(self, *keys: Key) -> None:
        self.allowances.grant(KeyRing(keys, {}))

    async def reserve(self, usd: float) -> Reservation | Exceeded:
        return await self.books.keeper.reserve((PAYS,), from_usd(usd))


async def test_a_key_spends_no_more_than_its_own_budget() -> None:
    async with opened(Books(DOLLAR)) as books:
        desk = Desk(books)
        desk.grant(KEY)

        assert isinstance(await desk.reserve(0.6), Reservation)
        refused = await desk.reserve(0.6)
        assert isinstance(refused, Exceeded)
        assert refused.pot.account == PAYS
        desk.limits.enter(LAPTOP, "r-1")
        with pytest.raises(LimitReached, match="this key"):
            desk.limits.enter(LAPTOP, "r-2")


async def test_a_replacement_goes_on_with_what_is_left() -> None:
    async with opened(Books(DOLLAR)) as books:
        desk = Desk(books)
        desk.grant(KEY)
        assert isinstance(await desk.reserve(0.6), Reservation)

        desk.grant(replace(KEY, revoked_at=1.0), replace(KEY, id="k2", root="k1"))

        assert books.ledger.budgets[PAYS] == DOLLAR
        assert isinstance(await desk.reserve(0.6), Exceeded)


async def test_a_revoked_key_leaves_nothing_but_the_budgets_of_others() -> None:
    async with opened(Books(DOLLAR)) as books:
        desk = Desk(books)
        desk.grant(KEY)

        desk.grant(replace(KEY, revoked_at=1.0))

        assert books.ledger.budgets == {CLOUD: DOLLAR}
        assert not desk.limits.meters


async def test_keys_that_have_ended_leave_nothing_to_keep_account_of() -> None:
    async with opened(Books(DOLLAR)) as books:
        desk = Desk(books)
        desk.grant(replace(KEY, expires_at=desk.clock.time() + 1))
        desk.clock.advance(2)

        desk.grant(replace(KEY, expires_at=desk.clock.time() - 1))

        assert books.ledger.budgets == {CLOUD: DOLLAR}


async def test_another_key_gives_the_state_nothing_to_do_for_those_there_are() -> None:
    async with opened(Books(DOLLAR)) as books:
        desk = Desk(books)
        desk.grant(KEY)
        claims = books.ledger.claims(0.0)
        claims.granted(await books.store.exchange(claims.told))

        desk.grant(KEY, replace(KEY, id="k2"))

        unheard = books.ledger.claims(0.0)
        claimed = {claim.pot.account.name for claim in unheard.told}
        unheard.unanswered()
        assert claimed == {"k2"}


@pytest.mark.parametrize(
    "terms",
    [
        BudgetTerms(monthly_usd=12.5, mode=BudgetMode.HARD, zone="Europe/Berlin"),
        BudgetTerms(daily_usd=0.0),
    ],
)
def test_a_budget_is_told_in_the_terms_that_it_was_given_in(terms: BudgetTerms) -> None:
    assert budget_terms(budget_by(terms)) == terms


def test_limits_are_told_in_the_terms_that_they_were_given_in() -> None:
    terms = LimitTerms(requests_per_minute=5, concurrent=1)

    assert limit_terms(limits_by(terms)) == terms


def test_what_is_not_given_is_none_and_a_budget_without_an_amount_is_refused() -> None:
    assert budget_by(None) is None
    assert limits_by(LimitTerms()) is None
    with pytest.raises(UnclearTerms, match="needs an amount"):
        budget_by(BudgetTerms(mode=BudgetMode.HARD))


def test_a_place_that_is_none_is_told() -> None:
    with pytest.raises(UnclearTerms, match="Berlyn"):
        budget_by(BudgetTerms(monthly_usd=1, zone="Europe/Berlyn"))


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), 1e10])
def test_an_amount_that_is_none_is_refused(amount: float) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"monthly_usd": amount}, BudgetTerms)
