"""What one worker writes down the others read: records and counters."""

import asyncio

from domain.ports.storage import Counted
from tests.contract.ports.stores import Stores


async def test_a_record_is_read_by_every_worker(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.put("keys", "k1", '{"member": "anna"}')
    await one.put("keys", "k1", '{"member": "öl\\u0000"}')
    await two.put("keys", "k2", "")
    await two.put("cooldowns", "k1", "x")

    assert await two.records("keys") == {"k1": '{"member": "öl\\u0000"}', "k2": ""}
    await one.remove("keys", "k1")
    await one.remove("keys", "never there")
    assert await two.records("keys") == {"k2": ""}
    assert await one.records("nothing") == {}


async def test_a_generation_tells_that_something_has_changed(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    seen = [await two.generation("keys")]
    await one.put("keys", "k1", "a")
    seen.append(await two.generation("keys"))
    await one.put("keys", "k1", "a")
    seen.append(await two.generation("keys"))
    await two.remove("keys", "k1")
    seen.append(await one.generation("keys"))
    await one.put("others", "k1", "a")
    await one.remove("keys", "k1")

    assert seen == sorted(set(seen))
    assert seen[0] == 0
    assert await two.generation("keys") == seen[-1]


async def test_a_record_may_be_for_a_time_only(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()
    await one.put("cooldowns", "cloud", "until then", lasts_s=10)
    await one.put("cooldowns", "local", "for ever")
    await one.put("cooldowns", "lan", "short", lasts_s=10)
    await one.put("cooldowns", "lan", "longer")

    stores.clock.advance(11)
    await two.mourn()

    assert await two.records("cooldowns") == {"local": "for ever", "lan": "longer"}


async def test_a_counter_adds_up_what_all_workers_do(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()

    await asyncio.gather(*(worker.count("anna", 2, lasts_s=60) for worker in (one, two) for _ in range(10)))

    assert await one.counted("anna") == 40
    assert await two.count("anna", -5, lasts_s=60) == Counted(35, taken=True)
    assert await two.counted("nobody") == 0


async def test_a_counter_takes_no_more_than_its_most(stores: Stores) -> None:
    worker = stores.worker()

    found = [await worker.count("anna", 4, lasts_s=60, most=10) for _ in range(3)]

    assert found == [Counted(4, taken=True), Counted(8, taken=True), Counted(8, taken=False)]
    assert await worker.count("anna", 2, lasts_s=60, most=10) == Counted(10, taken=True)
    assert await worker.count("anna", -1, lasts_s=60, most=3) == Counted(9, taken=True)


async def test_a_batch_is_counted_once_by_whomever_it_is_told(stores: Stores) -> None:
    one, two = stores.worker(), stores.worker()

    told = [await worker.count("anna", 4, lasts_s=9_000, batch="b1") for worker in (one, two, one)]

    assert told == [Counted(4, taken=True)] * 3
    assert await two.count("anna", 4, lasts_s=9_000, batch="b2") == Counted(8, taken=True)
    assert await two.count("bob", 4, lasts_s=9_000, batch="b1") == Counted(4, taken=True)
    assert await one.counted("anna") == 8


async def test_a_batch_that_was_too_much_may_be_told_again(stores: Stores) -> None:
    worker = stores.worker()

    assert not (await worker.count("anna", 4, lasts_s=60, most=3, batch="b1")).taken
    assert await worker.count("anna", 4, lasts_s=60, most=5, batch="b1") == Counted(4, taken=True)


async def test_a_counter_begins_anew_when_its_time_is_over(stores: Stores) -> None:
    worker = stores.worker()
    await worker.count("anna", 4, lasts_s=60)
    stores.clock.advance(59)
    await worker.count("anna", 1, lasts_s=60)
    before = await worker.counted("anna")

    stores.clock.advance(2)

    assert (before, await worker.counted("anna")) == (5, 0)
    assert await worker.count("anna", 3, lasts_s=60, most=4) == Counted(3, taken=True)
