"""The usage log adds up what requests used."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.budget.money import NanoUsd
from domain.budget.usage import UsageGroup, UsageQuery, UsageRow, UsageTotal
from tests.contract.ports.stores import Stores

MIDNIGHT = datetime(2026, 7, 31, tzinfo=UTC).timestamp()
ROW = UsageRow(
    id="1",
    at=MIDNIGHT + 60,
    request_id="r1",
    member="anna",
    key_id="k1",
    profile="home",
    provider="cloud",
    model="sonnet",
    dialect="openai_chat",
    stream=True,
    outcome="answered",
    status=200,
    attempts=1,
    input_tokens=100,
    output_tokens=10,
    cache_read_tokens=5,
    cache_creation_tokens=1,
    cost=NanoUsd(7_000_000_000_000),
    savings=NanoUsd(3),
    estimated=False,
    duration_ms=12.5,
    ttft_ms=None,
)
ALL = UsageQuery(since=0.0, until=MIDNIGHT * 2)


async def test_what_another_provider_may_charge_counts_for_no_request(stores: Stores) -> None:
    store = stores.worker()
    await store.log_usage([ROW, replace(ROW, id="2", provider="broken", requests=0, cost=NanoUsd(5))])

    by_provider = await store.usage(replace(ALL, by=(UsageGroup.PROVIDER,)))

    assert [(one.group, one.requests, one.answered) for one in by_provider] == [
        (("broken",), 0, 0),
        (("cloud",), 1, 1),
    ]
    assert by_provider[0].cost == 5


async def test_what_is_set_aside_is_added_up(stores: Stores) -> None:
    store = stores.worker()
    await store.log_usage([replace(ROW, id=str(each), set_aside=NanoUsd(each)) for each in (1, 2)])

    (whole,) = await store.usage(ALL)

    assert (whole.cost, whole.set_aside) == (2 * ROW.cost, 3)


async def test_sums_are_made_by_what_is_asked_for(stores: Stores) -> None:
    store, reader = stores.worker(), stores.worker()
    await store.log_usage(
        [
            ROW,
            replace(ROW, id="2", outcome="client-left", estimated=True, cost=NanoUsd(2), ttft_ms=1.5),
            replace(ROW, id="3", member="", provider="local", cost=NanoUsd(0), savings=NanoUsd(0)),
        ]
    )

    (total,) = await reader.usage(ALL)
    by_member = await reader.usage(replace(ALL, by=(UsageGroup.MEMBER, UsageGroup.PROVIDER)))

    assert total == UsageTotal(
        requests=3,
        answered=2,
        input_tokens=300,
        output_tokens=30,
        cache_read_tokens=15,
        cache_creation_tokens=3,
        cost=NanoUsd(7_000_000_000_002),
        savings=NanoUsd(6),
        estimated_cost=NanoUsd(2),
    )
    assert [(one.group, one.requests) for one in by_member] == [(("", "local"), 1), (("anna", "cloud"), 2)]


async def test_days_are_those_of_a_zone(stores: Stores) -> None:
    store = stores.worker()
    times = (MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 20_000, MIDNIGHT + 80_000)
    await store.log_usage([replace(ROW, id=str(at), at=at) for at in times])

    found = {
        zone: [
            (one.group[0], one.requests)
            for one in await store.usage(replace(ALL, by=(UsageGroup.DAY,), zone=ZoneInfo(zone)))
        ]
        for zone in ("UTC", "Asia/Kathmandu")
    }

    assert found == {
        "UTC": [("2026-07-30", 1), ("2026-07-31", 3)],
        "Asia/Kathmandu": [("2026-07-31", 3), ("2026-08-01", 1)],
    }


async def test_only_what_was_over_in_the_time_asked_for_counts(stores: Stores) -> None:
    store = stores.worker()
    await store.log_usage([replace(ROW, id=str(at), at=at) for at in (10.0, 20.0, 30.0)])

    assert [one.requests for one in await store.usage(UsageQuery(since=10.0, until=30.0))] == [2]
    assert await store.usage(UsageQuery(since=30.5, until=40.0)) == ()


async def test_a_row_that_is_logged_again_counts_once(stores: Stores) -> None:
    store = stores.worker()
    await store.log_usage([ROW, replace(ROW, id="2")])
    await store.log_usage([ROW])
    await store.log_usage([])

    assert [one.requests for one in await store.usage(ALL)] == [2]


async def test_old_rows_are_forgotten(stores: Stores) -> None:
    store = stores.worker()
    await store.log_usage([replace(ROW, id=str(at), at=float(at)) for at in range(6000)])

    await store.forget_usage(5990.0)

    assert [one.requests for one in await store.usage(ALL)] == [10]
