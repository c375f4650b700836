"""A store lends pots to workers and forgets nothing that was spent."""

from domain.budget.accounts import Account, AccountKind, BudgetMode, Pot
from domain.budget.leases import Balance, Claim
from domain.budget.money import NanoUsd
from domain.budget.periods import Span
from domain.ports.storage import Charge, Store
from tests.contract.ports.stores import Stores

ANNA = Pot(Account(AccountKind.MEMBER, 'anna/ö\' "1"'), Span.MONTH, "2026-07")
CLOUD = Pot(Account(AccountKind.PROVIDER, "cloud"), Span.DAY, "2026-07-31")


def claim(
    *needs: int,
    pot: Pot = ANNA,
    spent: int = 0,
    estimated: int = 0,
    held: int = 0,
    ahead: int = 0,
    cap: int | None = 1000,
    mode: BudgetMode = BudgetMode.HARD,
) -> Claim:
    return Claim(
        pot=pot,
        spent=NanoUsd(spent),
        estimated=NanoUsd(estimated),
        held=NanoUsd(held),
        needs=tuple(map(NanoUsd, needs)),
        ahead=NanoUsd(ahead),
        cap=None if cap is None else NanoUsd(cap),
        mode=mode,
    )


async def lent(store: Store, *claims: Claim) -> tuple[int, ...]:
    return tuple(grant.held for grant in await store.exchange(claims))


async def balance(store: Store, pot: Pot = ANNA) -> tuple[int, int, int]:
    """Settled, estimated, lent."""
    found = [one for one in await store.balances([pot.period]) if one.pot == pot]
    assert len(found) <= 1
    one = found[0] if found else Balance(pot=pot, settled=NanoUsd(0), estimated=NanoUsd(0), lent=NanoUsd(0))
    return one.settled, one.estimated, one.lent


async def test_workers_share_what_a_pot_has(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()

    assert await lent(one, claim(600)) == (600,)
    assert await lent(two, claim(300, 200, 100)) == (400,)
    assert await lent(one, claim(1, held=600)) == (600,)
    (told,) = await two.exchange([claim(spent=50, held=50)])
    assert (told.held, told.settled, told.committed) == (50, 50, 650)
    assert await lent(one, claim(350, held=600)) == (950,)


async def test_a_worker_hears_how_much_of_what_all_have_spent_was_estimated(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.exchange([claim(spent=50, estimated=20, held=50)])

    (told,) = await two.exchange([claim(spent=30, estimated=5, held=30)])

    assert (told.settled, told.estimated) == (80, 25)


async def test_a_soft_budget_lends_beyond_the_cap_once(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()

    assert await lent(one, claim(999, mode=BudgetMode.SOFT)) == (999,)
    assert await lent(two, claim(500, 1, mode=BudgetMode.SOFT)) == (500,)
    assert await lent(one, claim(1, held=999, mode=BudgetMode.SOFT)) == (999,)


async def test_little_is_lent_ahead_of_need_and_never_beyond_the_cap(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()

    assert await lent(one, claim(200, ahead=100)) == (300,)
    assert await lent(two, claim(ahead=10_000)) == (175,)
    assert await lent(two, claim(600, held=175, ahead=10_000, mode=BudgetMode.SOFT)) == (775,)


async def test_a_pot_without_a_cap_is_only_counted(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.exchange([claim(spent=70, estimated=20, cap=None)])
    await two.exchange([claim(spent=7, cap=None), claim(pot=CLOUD, spent=3, cap=None)])

    assert await balance(one) == (77, 20, 0)
    assert await balance(two, CLOUD) == (3, 0, 0)
    assert {one.pot for one in await one.balances(["2026-07", "2026-07-31"])} == {ANNA, CLOUD}
    assert await one.balances(["2026-08"]) == ()


async def test_saying_it_twice_changes_nothing(stores: Stores) -> None:
    worker = stores.worker()

    first = await worker.exchange([claim(100, spent=40, held=40)])
    again = await worker.exchange([claim(100, spent=40, held=40)])

    assert tuple(first) == tuple(again)
    assert await balance(worker) == (40, 0, 100)


async def test_whoever_leaves_gives_back_what_was_not_spent(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.exchange([claim(900, spent=50, estimated=10, held=50)])

    await one.aclose()

    assert await balance(two) == (50, 10, 0)
    assert await two.mourn() == ()
    assert await lent(two, claim(950)) == (950,)


async def test_what_was_lent_to_the_dead_counts_as_spent(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.mourn()
    await one.exchange([claim(300, spent=50, estimated=10, held=50), claim(pot=CLOUD, spent=9, held=9)])
    await two.exchange([claim(100)])

    await stores.kill(one)
    before = await balance(two)
    charges = await two.mourn()

    assert sum(before) - before[1] == 450
    assert charges == (Charge(ANNA, NanoUsd(300)),)
    assert await two.mourn() == ()
    assert await balance(two) == (350, 310, 100)
    assert await balance(two, CLOUD) == (9, 0, 0)
    assert await lent(two, claim(600, held=100)) == (100,)
    assert await lent(two, claim(550, held=100)) == (650,)


async def test_a_successor_charges_what_its_predecessor_left(stores: Stores) -> None:
    one = stores.worker()
    await one.exchange([claim(300, spent=50, held=50)])
    await stores.kill(one)

    successor = stores.worker()

    assert await successor.mourn() == (Charge(ANNA, NanoUsd(300)),)
    assert await lent(successor, claim(10)) == (10,)
    assert await balance(successor) == (350, 300, 10)


async def test_the_living_are_not_mourned(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.exchange([claim(300)])

    for _ in range(3):
        stores.clock.advance(60)
        await one.mourn()
        assert await two.mourn() == ()
    assert await balance(two) == (0, 0, 300)
