"""Whoever administers the gateway sees what plans have left before anybody is refused."""

import json

from litestar import Litestar

from adapters.inbound.http.admin_quotas import quota_routes
from app.use_cases.quotas import Quotas
from domain.admission.quota import Per, Quota, Unit
from infrastructure.state.memory import MemoryStore
from tests.adapters.inbound.gateway import Client
from tests.fakes.fixed_clock import FixedClock

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
PLAN = (
    Quota(unit=Unit.REQUESTS, allowed=50, per=Per.DAY),
    Quota(unit=Unit.TOKENS, allowed=9000, per=Per.MONTH),
)


async def told(**plans: tuple[Quota, ...]) -> object:
    clock = FixedClock(time_s=NOON)
    store = MemoryStore(clock)
    await store.count("quota:free:requests:day:2027-01-15", 50, lasts_s=86_400.0)
    quotas = Quotas(plans, store, clock, fresh_name=lambda: "batch")
    await quotas.share()
    app = Litestar(quota_routes(quotas), openapi_config=None)
    answered = await Client(app, "/admin/quotas", method="GET").run()
    assert answered.status == 200
    return json.loads(answered.body)


async def test_every_line_of_every_plan_is_told() -> None:
    used_up = {
        "provider": "free",
        "unit": "requests",
        "period": "day",
        "zone": "UTC",
        "allowed": 50,
        "used": 50,
        "left": 0,
        "resets_at": "2027-01-16T00:00:00Z",
        "left_alone": True,
    }
    untouched = {
        "provider": "free",
        "unit": "tokens",
        "period": "month",
        "zone": "UTC",
        "allowed": 9000,
        "used": 0,
        "left": 9000,
        "resets_at": "2027-02-01T00:00:00Z",
        "left_alone": False,
    }

    assert await told(free=PLAN) == {"quotas": [used_up, untouched]}


async def test_without_a_plan_there_is_nothing_to_tell() -> None:
    assert await told() == {"quotas": []}
