"""What is known of providers decides who is asked, and each ending teaches."""

import asyncio
from contextlib import aclosing

import pytest

from domain.events import AttemptFailed
from domain.failures import FailureKind, QuotaScope, UpstreamFailure
from domain.health.machine import HealthState
from domain.health.policy import (
    AdaptivePolicy,
    BackendHealthAction,
    HealthPolicy,
    MemoryPressureAction,
)
from domain.inventory.health import (
    AdaptiveRoutingApplied,
    BackendHealthChanged,
    ChainCoolingBlocked,
    ChainMemoryPressureBlocked,
    CoolingProviderSkipped,
    MemoryPressureDetected,
    MemoryPressureSkipped,
    ProviderCooledDown,
    ProviderMisconfigured,
    TrialBegun,
    UnhealthyProviderDemoted,
)
from domain.routing.targets import Timeouts
from domain.routing.verdict import Cause
from tests.app.use_cases.conversing import ANSWER, HELLO, ROLE, answering, asking
from tests.app.use_cases.watching import Watched
from tests.fakes.scripted_provider import Pause, Script, ScriptedProvider, Silence

STRICT = HealthPolicy(memory_action=MemoryPressureAction.SKIP, action=BackendHealthAction.DEMOTE)
GONE = UpstreamFailure(FailureKind.UNREACHABLE, "connection refused")
NO_MEMORY = UpstreamFailure(FailureKind.OUT_OF_MEMORY, "500: CUDA out of memory", status=500)
KEYLESS = UpstreamFailure(FailureKind.CREDENTIALS, "401: invalid key", status=401)


def limited(after_s: float) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.RATE_LIMITED, "429: slow down", status=429, retry_after_s=after_s)


def plays(*scripts: Script) -> ScriptedProvider:
    return ScriptedProvider(*scripts)


async def test_whoever_asked_to_be_left_alone_is_not_asked_until_then() -> None:
    given = Watched(local=plays((limited(30.0),), ANSWER), cloud=answering())

    assert await given.tried() == ["local", "cloud"]
    (told,) = given.sink.of(ProviderCooledDown)
    assert (told.provider, told.reason, told.cooldown_s) == ("local", "rate-limited", 30.0)
    assert told.until == "2027-01-15T08:00:30Z"
    given.clock.advance(29.5)
    assert await given.tried() == ["cloud"]
    (skipped,) = given.sink.of(CoolingProviderSkipped)
    assert (skipped.provider, skipped.reason, skipped.seconds_until_eligible) == ("local", "rate-limited", 1)
    given.clock.advance(0.5)
    assert await given.tried() == ["local"]


async def test_whoever_has_nothing_left_of_its_plan_is_not_asked_until_it_has() -> None:
    house = Watched(first=answering(), second=answering())
    assert await house.tried() == ["first"]

    house.watch.spent("first", 7200.0, QuotaScope.DAY)
    told = house.sink.of(ProviderCooledDown)
    house.watch.spent("first", 7199.5, None)

    assert [(event.reason, event.scope, event.cooldown_s) for event in told] == [("quota", "day", 7200.0)]
    assert house.sink.of(ProviderCooledDown) == told  # the second time was no news
    (paused,) = house.roster.known()["first"].cooldowns
    assert paused.scope is QuotaScope.DAY
    assert await house.tried() == ["second"]
    house.clock.advance(7200)
    assert await house.tried() == ["first"]


async def test_what_is_back_within_a_minute_is_no_quota() -> None:
    house = Watched(first=answering(), second=answering())

    house.watch.spent("first", 6.0, None)

    assert [event.reason for event in house.sink.of(ProviderCooledDown)] == ["rate-limited"]
    assert await house.tried() == ["second"]
    house.clock.advance(6)
    assert await house.tried() == ["first"]


async def test_a_pause_holds_for_every_profile() -> None:
    given = Watched(local=plays((limited(30.0),), ANSWER), cloud=answering())
    await given.tried()

    assert await given.tried(profile="other") == ["cloud"]


async def test_when_all_are_limited_the_client_hears_when_the_first_is_back() -> None:
    given = Watched(local=plays((limited(30.0),)), cloud=plays((limited(90.0),)))
    await given.tried()
    given.clock.advance(10.0)

    verdict = await given.verdict()

    assert (verdict.cause, verdict.retry_after_s) == (Cause.RATE_LIMITED, 20.0)
    assert "local: not tried (it asked to be left alone" in verdict.message
    assert given.sink.of(ChainCoolingBlocked)[0].blocked_providers == ("local", "cloud")


async def test_a_provider_that_refuses_the_key_is_told_loudly_and_left_alone_for_a_minute() -> None:
    given = Watched(local=plays((KEYLESS,)), cloud=answering())
    await given.tried()

    (told,) = given.sink.of(ProviderMisconfigured)
    assert (told.provider, told.status, told.error) == ("local", 401, "401: invalid key")
    assert await given.tried() == ["cloud"]
    given.clock.advance(60.0)
    assert await given.tried() == ["local", "cloud"]


async def test_a_backend_without_memory_is_skipped_where_the_profile_says_so() -> None:
    given = Watched(STRICT, local=plays((NO_MEMORY,)), cloud=answering())
    await given.tried()

    (told,) = given.sink.of(MemoryPressureDetected)
    assert (told.provider, told.action, told.cooldown_s) == ("local", "skip", 120.0)
    assert await given.tried() == ["cloud"]
    assert given.sink.of(MemoryPressureSkipped)[0].seconds_until_eligible == 120
    assert await given.tried(profile="other") == ["local", "cloud"]


async def test_memory_that_runs_out_in_the_midst_of_an_answer_counts_too() -> None:
    given = Watched(STRICT, local=plays((ROLE, HELLO, NO_MEMORY)))
    await given.tried()

    assert len(given.sink.of(MemoryPressureDetected)) == 1
    assert (await given.verdict()).cause is Cause.OVERLOADED
    assert len(given.sink.of(ChainMemoryPressureBlocked)) == 1


async def test_a_provider_that_always_dies_in_the_midst_of_its_answers_becomes_unhealthy() -> None:
    given = Watched(STRICT, local=plays((ROLE, HELLO)), cloud=answering())
    for _ in range(6):
        assert await given.tried() == ["local"]

    assert [event.new_state for event in given.sink.of(BackendHealthChanged)] == ["unhealthy"]
    assert await given.tried() == ["cloud"]


async def test_success_counts_at_the_end_of_an_answer() -> None:
    given = Watched(local=plays((GONE,), (GONE,), (GONE,), (ROLE, HELLO, Silence())))
    for _ in range(3):
        await given.tried()
    asked = asking()
    async with aclosing(await given.converse.answer(asked, given.converse.plan(asked))):
        assert given.roster.known()["local"].health.state is HealthState.DEGRADED

    assert given.roster.known()["local"].health.failures == 3


async def test_a_client_that_leaves_is_held_against_nobody() -> None:
    given = Watched(local=plays((Silence(),)))
    asked = asking()
    waiting = asyncio.create_task(given.converse.answer(asked, given.converse.plan(asked)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert given.roster.known() == {}


@pytest.mark.parametrize(
    "kind", [FailureKind.REQUEST_FAULT, FailureKind.CONTEXT_OVERFLOW, FailureKind.CLIENT_LEFT]
)
async def test_a_fault_of_the_request_is_held_against_nobody(kind: FailureKind) -> None:
    given = Watched(STRICT, local=plays((UpstreamFailure(kind, "400: no", status=400),)))
    for _ in range(9):
        await given.tried()

    assert given.roster.known() == {}


async def ill(given: Watched) -> Watched:
    """After six requests that the first provider failed."""
    for _ in range(6):
        await given.tried()
    return given


async def test_an_unhealthy_provider_comes_last_and_is_told_where_that_changes_the_order() -> None:
    given = await ill(Watched(STRICT, local=plays((GONE,)), cloud=answering()))

    assert await given.tried() == ["cloud"]
    assert [event.provider for event in given.sink.of(UnhealthyProviderDemoted)] == ["local"]


async def test_an_unhealthy_provider_is_better_than_none() -> None:
    given = await ill(Watched(STRICT, local=plays((GONE,)), cloud=plays(*[ANSWER] * 6, (GONE,))))

    assert await given.tried() == ["cloud", "local"]


async def test_health_is_watched_but_changes_nothing_under_warn() -> None:
    given = await ill(Watched(local=plays((GONE,)), cloud=answering()))

    assert given.roster.known()["local"].health.state is HealthState.UNHEALTHY
    assert await given.tried() == ["local", "cloud"]


async def test_a_recovery_is_noticed_within_an_interval() -> None:
    given = await ill(Watched(STRICT, local=plays(*[(GONE,)] * 6, ANSWER), cloud=answering()))
    given.clock.advance(14.9)
    assert await given.tried() == ["cloud"]
    given.clock.advance(0.1)

    assert await given.tried() == ["local"]
    (trial,) = given.sink.of(TrialBegun)
    assert (trial.provider, trial.ttft_s) == ("local", 15.0)
    assert [event.new_state for event in given.sink.of(BackendHealthChanged)] == ["healthy"]
    assert await given.tried() == ["local"]


async def test_a_trial_that_fails_costs_one_request_in_an_interval() -> None:
    given = await ill(Watched(STRICT, local=plays((GONE,)), cloud=answering()))
    given.clock.advance(15.0)

    assert await given.tried() == ["local", "cloud"]
    assert await given.tried() == ["cloud"]


async def test_of_two_requests_at_once_only_one_makes_the_trial() -> None:
    slow = (Pause(0.05), *ANSWER)
    given = await ill(Watched(STRICT, local=plays(*[(GONE,)] * 6, slow), cloud=answering()))
    given.clock.advance(15.0)
    both = [asking(), asking()]
    plans = [given.converse.plan(asked) for asked in both]

    replies = await asyncio.gather(*map(given.converse.answer, both, plans))

    assert sorted(reply.facts.target.provider for reply in replies) == ["cloud", "local"]
    assert len(given.sink.of(TrialBegun)) == 1
    for reply in replies:
        await reply.aclose()


async def test_whoever_lost_the_trial_may_still_ask_when_nobody_else_answers() -> None:
    given = await ill(
        Watched(STRICT, local=plays(*[(GONE,)] * 6, ANSWER), cloud=plays(*[ANSWER] * 6, (GONE,)))
    )
    given.clock.advance(15.0)
    asked = asking()
    plan = given.converse.plan(asked)
    given.roster.begin_trial("local", STRICT, given.clock.monotonic())

    reply = await given.converse.answer(asked, plan)

    assert [failed.target.provider for failed in reply.facts.failed] == ["cloud"]
    assert reply.facts.target.provider == "local"
    await reply.aclose()


async def test_a_trial_does_not_wait_for_long() -> None:
    policy = HealthPolicy(action=BackendHealthAction.DEMOTE, half_open_s=0.05)
    given = await ill(
        Watched(
            policy,
            local=plays(*[(GONE,)] * 6, (Silence(),)),
            cloud=answering(),
            timeouts=Timeouts(ttft_s=600.0),
        )
    )
    given.clock.advance(15.0)

    assert await given.tried() == ["local", "cloud"]
    (failed,) = given.sink.of(AttemptFailed)
    assert (failed.failure, failed.error) == ("slow", "no content within 0.05 s")


async def test_a_pause_that_begins_while_a_request_waits_for_its_turn_is_kept() -> None:
    given = Watched(local=plays((limited(30.0),), ANSWER), cloud=answering())
    waiting = asking()
    plan = given.converse.plan(waiting)
    await given.tried()

    async with aclosing(await given.converse.answer(waiting, plan)) as reply:
        assert reply.facts.target.provider == "cloud"
    assert [event.provider for event in given.sink.of(CoolingProviderSkipped)] == ["local"]


async def test_measured_speed_changes_the_order_and_tells_why() -> None:
    adaptive = HealthPolicy(adaptive=AdaptivePolicy(enabled=True, least_tried=2))
    given = Watched(adaptive, local=plays((GONE,)), cloud=answering())
    for _ in range(2):
        await given.tried()

    assert await given.tried() == ["cloud"]
    (told,) = given.sink.of(AdaptiveRoutingApplied)
    assert (told.static_order, told.effective_order) == (("local", "cloud"), ("cloud", "local"))
    assert told.stats["local"] == {"median_latency_ms": None, "error_rate": 1.0, "sample_count": 2}


async def test_a_probe_that_finds_somebody_gone_counts_as_a_failure() -> None:
    given = Watched(STRICT, local=answering(), cloud=answering())
    for _ in range(6):
        given.watch.probed("local", GONE)

    assert [event.new_state for event in given.sink.of(BackendHealthChanged)] == ["degraded", "unhealthy"]
    assert {event.request_id for event in given.sink.of(BackendHealthChanged)} == {""}


async def test_a_probe_is_a_trial_and_nothing_more() -> None:
    given = Watched(STRICT, local=answering(), cloud=answering())
    for _ in range(5):
        given.watch.probed("local", GONE)
    given.watch.probed("local", None)
    assert given.roster.known()["local"].health.failures == 5
    given.watch.probed("local", GONE)
    given.watch.probed("local", None)
    assert given.roster.known()["local"].health.state is HealthState.UNHEALTHY
    given.clock.advance(15.0)

    given.watch.probed("local", None)

    assert given.roster.known()["local"].health.state is HealthState.HEALTHY


async def test_a_probe_that_is_refused_shows_that_somebody_is_there() -> None:
    given = Watched(STRICT, local=answering())
    given.watch.probed("local", KEYLESS)
    assert given.roster.known() == {}
    assert given.sink.events == []
    for _ in range(6):
        given.watch.probed("local", GONE)
    given.clock.advance(15.0)

    given.watch.probed("local", KEYLESS)

    assert given.roster.known()["local"].health.state is HealthState.HEALTHY
