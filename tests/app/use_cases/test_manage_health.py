"""People see how providers have done, and can forgive them."""

import pytest

from app.use_cases.manage_health import ManageHealth, UnknownProvider
from domain.failures import FailureKind, QuotaScope, UpstreamFailure
from domain.health.cooldown import CooldownReason
from domain.health.machine import HealthState
from domain.inventory.health import ProviderForgiven
from domain.routing.targets import Target
from tests.app.use_cases.conversing import answering
from tests.app.use_cases.watching import Watched
from tests.fakes.scripted_provider import ScriptedProvider

USED_UP = UpstreamFailure(
    FailureKind.QUOTA, "429: the day is over", status=429, resets_in_s=600.0, scope=QuotaScope.DAY
)


def managed(given: Watched) -> ManageHealth:
    return ManageHealth(given.roster, given.table, given.sink, given.clock, given.windows)


async def test_every_provider_is_reported_with_its_pauses() -> None:
    given = Watched(local=ScriptedProvider((USED_UP,)), cloud=answering())
    await given.tried()
    given.clock.advance(100.0)

    local, cloud = managed(given).report()

    assert (local.provider, local.state, local.failures) == ("local", HealthState.HEALTHY, 0)
    (pause,) = local.pauses
    assert (pause.reason, pause.model, pause.scope) == (CooldownReason.QUOTA, "", "day")
    assert (pause.seconds_left, pause.ends_at) == (500.0, given.clock.time() + 500.0)
    assert (cloud.provider, cloud.pauses) == ("cloud", ())


async def test_a_pause_that_is_over_is_not_reported() -> None:
    given = Watched(local=ScriptedProvider((USED_UP,)), cloud=answering())
    await given.tried()
    given.clock.advance(600.0)

    assert managed(given).report()[0].pauses == ()


async def test_whoever_is_forgiven_is_asked_again_at_once() -> None:
    given = Watched(local=ScriptedProvider((USED_UP,)), cloud=answering())
    given.table.context_windows.learn(Target("local", "local-model"), 4096)
    await given.tried()

    forgiven = managed(given).forgive("local")

    assert forgiven.pauses == ()
    assert given.sink.of(ProviderForgiven) == [
        ProviderForgiven(provider="local", old_state="healthy", cooldowns=("quota",))
    ]
    assert given.table.window_of(Target("local", "local-model")) is None
    assert await given.tried() == ["local", "cloud"]


async def test_everybody_can_be_forgiven_at_once() -> None:
    given = Watched(local=ScriptedProvider((USED_UP,)), cloud=ScriptedProvider((USED_UP,)))
    await given.tried()

    assert [one.provider for one in managed(given).forgive_all()] == ["local", "cloud"]
    assert await given.tried() == ["local", "cloud"]


def test_nobody_unknown_can_be_forgiven() -> None:
    with pytest.raises(UnknownProvider, match="'clod'; known: local, cloud"):
        managed(Watched(local=answering(), cloud=answering())).forgive("clod")
