"""Workers share the seats of a provider, by one rule in every store."""

import time
from random import Random

from domain.admission.seats import NO_CLAIM, TURN_S, SeatClaim, SeatsAsked, divided
from domain.ports.storage import SeatStore
from infrastructure.state.valkey import ValkeyStore
from tests.contract.ports.stores import Stores, emptied
from tests.fakes.fixed_clock import FixedClock
from tests.upstream.state_server import StateServer


async def test_workers_share_seats(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()

    assert await one.hold_seats("gpu", 3, used=0, limit=4, lasts_s=30) == 3
    assert await two.hold_seats("gpu", 3, used=0, limit=4, lasts_s=30) == 1
    assert await one.hold_seats("gpu", 1, used=0, limit=4, lasts_s=30) == 1
    assert await two.hold_seats("gpu", 3, used=0, limit=4, lasts_s=30) == 3
    assert await two.hold_seats("gpu", 9, used=0, limit=0, lasts_s=30) == 0
    assert await one.hold_seats("other", 9, used=0, limit=9, lasts_s=30) == 9


async def test_seats_that_are_not_held_anew_are_free(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.hold_seats("gpu", 2, used=0, limit=2, lasts_s=30)
    await stores.wait(31)

    assert await two.hold_seats("gpu", 2, used=0, limit=2, lasts_s=30) == 2


async def test_whoever_leaves_leaves_its_seats(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.hold_seats("gpu", 2, used=0, limit=2, lasts_s=3000)
    await one.aclose()

    assert await two.hold_seats("gpu", 2, used=0, limit=2, lasts_s=30) == 2


async def test_a_worker_that_wants_seats_gets_its_share_of_those_that_become_free(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    assert await one.hold_seats("gpu", 4, used=0, limit=4, lasts_s=30) == 4
    assert await two.hold_seats("gpu", 4, used=0, limit=4, lasts_s=30) == 0

    assert await one.hold_seats("gpu", 4, used=4, limit=4, lasts_s=30) == 2
    assert await two.hold_seats("gpu", 4, used=0, limit=4, lasts_s=30) == 0
    assert await one.hold_seats("gpu", 4, used=3, limit=4, lasts_s=30) == 2
    assert await two.hold_seats("gpu", 4, used=0, limit=4, lasts_s=30) == 1


async def test_where_there_are_fewer_seats_than_workers_they_take_turns(stores: Stores) -> None:
    workers = [stores.worker() for _ in range(3)]

    async def ask(number: int, used: int = 0) -> int:
        return await workers[number].hold_seats("gpu", 1, used=used, limit=1, lasts_s=30)

    assert [await ask(number) for number in range(3)] == [1, 0, 0]
    assert await ask(0, used=1) == 1
    await stores.wait(TURN_S)
    assert await ask(0, used=1) == 0
    assert [await ask(2), await ask(1)] == [0, 0]
    assert await ask(0) == 0
    assert [await ask(2), await ask(0), await ask(1)] == [0, 0, 1]
    await stores.wait(TURN_S)
    assert [await ask(1), await ask(0), await ask(2)] == [0, 0, 1]


async def test_a_seat_that_is_left_over_goes_round(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()

    async def ask(worker: SeatStore, used: int) -> int:
        return await worker.hold_seats("gpu", 3, used=used, limit=3, lasts_s=30)

    assert [await ask(one, 0), await ask(two, 0)] == [3, 0]
    await stores.wait(TURN_S)
    assert [await ask(one, 2), await ask(two, 0), await ask(one, 1), await ask(two, 1)] == [1, 1, 1, 2]
    assert [await ask(one, 1), await ask(two, 2)] == [1, 2]
    await stores.wait(TURN_S)
    assert [await ask(one, 1), await ask(two, 2), await ask(one, 1)] == [1, 1, 1]
    assert [await ask(two, 1), await ask(one, 1), await ask(two, 1)] == [1, 2, 1]


async def test_who_says_no_more_is_not_waited_for(stores: Stores) -> None:
    one, two, three = stores.worker(), stores.worker(), stores.worker()
    for worker in (one, two):
        await worker.hold_seats("gpu", 1, used=0, limit=1, lasts_s=30)
    await stores.wait(29)
    await three.hold_seats("gpu", 1, used=0, limit=1, lasts_s=30)
    await stores.wait(2)

    assert await three.hold_seats("gpu", 1, used=0, limit=1, lasts_s=30) == 1


async def test_whoever_asks_often_keeps_what_it_has(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    for _ in range(100):
        assert await one.hold_seats("gpu", 2, used=2, limit=2, lasts_s=10) == 2
        await stores.wait(0.3)

    assert await two.hold_seats("gpu", 1, used=0, limit=2, lasts_s=10) == 0


async def test_gateways_whose_clocks_disagree_leave_each_other_their_seats(server: StateServer) -> None:
    url = await emptied(server.url)
    early, late = ValkeyStore(url, FixedClock()), ValkeyStore(url, FixedClock(time_s=1_800_000_060.0))

    assert await early.hold_seats("gpu", 1, used=0, limit=1, lasts_s=10) == 1
    assert await late.hold_seats("gpu", 1, used=0, limit=1, lasts_s=10) == 0
    assert await early.hold_seats("gpu", 0, used=0, limit=1, lasts_s=10) == 0
    assert await late.hold_seats("gpu", 1, used=0, limit=1, lasts_s=10) == 1
    assert await early.hold_seats("gpu", 1, used=0, limit=1, lasts_s=10) == 0

    for gateway in (early, late):
        await gateway.aclose()


class Rule:
    """What `domain.admission.seats` says, for claims that are never over."""

    def __init__(self) -> None:
        self.claims: dict[SeatStore, SeatClaim] = {}

    def hold_seats(self, worker: SeatStore, asked: SeatsAsked) -> int:
        own = self.claims.pop(worker, NO_CLAIM)
        division = divided(asked, own, tuple(self.claims.values()))
        self.claims[worker] = division.claim
        return division.granted


async def test_every_store_divides_by_the_same_rule(stores: Stores) -> None:
    workers, rule, dice = [stores.worker() for _ in range(4)], Rule(), Random(7)  # noqa: S311  any will do
    used = dict.fromkeys(workers, 0)
    turned_at = time.monotonic()
    for step in range(400):
        limit = 1 + step // 60
        worker = dice.choice(workers)
        used[worker] = min(used[worker], dice.randrange(4))
        wanted = max(used[worker], dice.choice((0, 1, 1, 2, 3, 9)))
        asked = SeatsAsked(wanted=wanted, used=used[worker], limit=limit, now=stores.clock.time())

        found = await worker.hold_seats("gpu", wanted, used=used[worker], limit=limit, lasts_s=9e6)

        assert found == rule.hold_seats(worker, asked), (step, asked, rule.claims)
        used[worker] = max(used[worker], found)
        # A server goes by a clock of its own. Where it comes near a turn by itself, all have one.
        passes_s = dice.choice((0.0, TURN_S)) if time.monotonic() - turned_at < TURN_S / 5 else TURN_S
        await stores.wait(passes_s)
        turned_at = time.monotonic() if passes_s else turned_at
