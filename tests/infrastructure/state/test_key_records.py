"""Keys come out of the state as they were put in."""

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from domain.access.keys import Key, Scope, UnreadableKey
from domain.access.permissions import Permissions
from domain.admission.limits import Limits
from domain.budget.accounts import Budget, BudgetMode
from domain.budget.money import from_usd
from infrastructure.state.key_records import KeyRecords
from infrastructure.state.memory import MemoryStore
from tests.fakes.fixed_clock import FixedClock
from tests.no_zones import LACKED, no_zones

PLAIN = Key(id="k1", member="alice", digest="d", scopes=frozenset({Scope.INFERENCE}))
FULL = Key(
    id="k2",
    member="bob",
    digest="e",
    scopes=frozenset(Scope),
    narrowing=Permissions(profiles=frozenset({"b", "a"}), providers=frozenset(), paid=False, lan_only=True),
    budget=Budget(
        monthly=from_usd(5), daily=from_usd(0.1), mode=BudgetMode.HARD, zone=ZoneInfo("Asia/Tokyo")
    ),
    limits=Limits(requests_per_minute=3, tokens_per_minute=400, concurrent=2),
    root="k0",
    created_at=1.5,
    expires_at=9.0,
    revoked_at=3.0,
)
ABROAD = replace(FULL, budget=Budget(daily=from_usd(1), zone=ZoneInfo(LACKED)))


@pytest.mark.parametrize("key", [PLAIN, FULL], ids=["plain", "full"])
async def test_a_key_is_what_it_was(key: Key) -> None:
    records = KeyRecords(MemoryStore(FixedClock()))

    await records.put(key)

    assert await records.keys() == (key,)


async def test_a_budget_by_the_clock_of_the_world_stays_one() -> None:
    records = KeyRecords(MemoryStore(FixedClock()))
    await records.put(
        Key(id="k", member="m", digest="d", scopes=frozenset(), budget=Budget(daily=from_usd(1)))
    )

    (key,) = await records.keys()

    assert isinstance(key, Key)
    assert key.budget is not None
    assert key.budget.zone is UTC


@pytest.mark.parametrize("zone", ['"Nowhere/Town"', "7", "null"])
async def test_a_zone_that_is_none_makes_a_key_unreadable_and_not_unbounded(zone: str) -> None:
    store = MemoryStore(FixedClock())
    text = f'{{"id":"k","member":"m","digest":"d","scopes":[],"budget":{{"monthly":1,"zone":{zone}}}}}'
    await store.put("keys", "k", text)

    (key,) = await KeyRecords(store).keys()

    assert isinstance(key, UnreadableKey)
    assert key.remains == Key(id="k", member="m", digest="d", scopes=frozenset())


async def test_a_key_of_a_zone_that_this_machine_lacks_shuts_no_other() -> None:
    records = KeyRecords(MemoryStore(FixedClock()))
    await records.put(PLAIN)
    await records.put(replace(ABROAD, revoked_at=None))

    with no_zones():
        plain, full = await records.keys()

    assert plain == PLAIN
    assert isinstance(full, UnreadableKey)
    assert LACKED in full.reason
    assert full.remains == Key(
        id="k2", member="bob", digest="e", scopes=frozenset(), root="k0", created_at=1.5, expires_at=9.0
    )
    assert all(isinstance(key, Key) for key in await records.keys())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"id":"k"}', '{"member":7}', "[" * 100_000, '{"a":' * 100_000]
)
async def test_what_is_no_key_at_all_shuts_no_other_either(text: str) -> None:
    store = MemoryStore(FixedClock())
    records = KeyRecords(store)
    await records.put(PLAIN)
    await store.put("keys", "spoilt", text)

    plain, spoilt = sorted(await records.keys(), key=lambda key: key.id)

    assert plain == PLAIN
    assert isinstance(spoilt, UnreadableKey)
    assert spoilt.remains == Key(id="spoilt", member="", digest="", scopes=frozenset())


async def test_of_a_key_that_was_revoked_nothing_has_to_be_understood() -> None:
    records = KeyRecords(MemoryStore(FixedClock()))
    await records.put(ABROAD)

    with no_zones():
        (key,) = await records.keys()

    assert isinstance(key, Key)
    assert (key.id, key.scopes, key.revoked_at) == ("k2", frozenset(), 3.0)
