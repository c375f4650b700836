"""Over every store: what one process learns of a provider others know at their next look."""

import pytest

from app.use_cases.health_sharing import HealthSharing
from domain.failures import FailureKind
from tests.app.use_cases.sharing_health import POLICY, Gateway, same_time
from tests.contract.ports.stores import Stores


@pytest.fixture
def gateways(stores: Stores) -> tuple[Gateway, Gateway]:
    one = Gateway(stores.worker(), stores.clock)
    return one, Gateway(stores.worker(), same_time(stores.clock, 77.0))


async def look(*sharings: HealthSharing) -> None:
    for sharing in sharings:
        await sharing.share()


async def test_a_pause_that_one_was_told_of_holds_for_all(gateways: tuple[Gateway, Gateway]) -> None:
    one, two = gateways
    await look(one.sharing, two.sharing)
    one.failed(FailureKind.RATE_LIMITED, retry_after_s=120.0)

    await look(one.sharing, two.sharing)

    assert two.paused_for_s() == 120.0
    assert two.paused_for_s("local") == 0.0


async def test_of_two_pauses_the_later_holds_for_both(gateways: tuple[Gateway, Gateway]) -> None:
    one, two = gateways
    one.failed(FailureKind.RATE_LIMITED, retry_after_s=120.0)
    two.failed(FailureKind.RATE_LIMITED, retry_after_s=300.0)

    await look(one.sharing, two.sharing, one.sharing)

    assert (one.paused_for_s(), two.paused_for_s()) == (300.0, 300.0)


async def test_pauses_for_different_reasons_are_both_kept(gateways: tuple[Gateway, Gateway]) -> None:
    one, two = gateways
    one.failed(FailureKind.RATE_LIMITED, retry_after_s=120.0)
    two.failed(FailureKind.CREDENTIALS)

    await look(one.sharing, two.sharing, one.sharing)

    for gateway in gateways:
        assert {one.reason for one in gateway.records.of("cloud").cooldowns} == {
            "rate-limited",
            "misconfigured",
        }


async def test_a_provider_that_one_has_seen_fail_is_unhealthy_for_all_until_one_sees_it_well(
    gateways: tuple[Gateway, Gateway],
) -> None:
    one, two = gateways
    for _ in range(4):
        one.failed(FailureKind.UNREACHABLE)
    await look(one.sharing, two.sharing)
    assert two.state() == "unhealthy"

    two.answered()
    await look(two.sharing, one.sharing)

    assert (one.state(), two.state()) == ("healthy", "healthy")


async def test_the_trial_of_an_unhealthy_provider_is_one_for_all(gateways: tuple[Gateway, Gateway]) -> None:
    one, two = gateways
    for _ in range(4):
        one.failed(FailureKind.UNREACHABLE)
    await look(one.sharing, two.sharing)
    for gateway in gateways:
        gateway.clock.advance(20.0)
    assert one.roster.begin_trial("cloud", POLICY, one.clock.monotonic()) == 15.0

    await look(one.sharing, two.sharing)

    assert two.roster.begin_trial("cloud", POLICY, two.clock.monotonic()) is None


async def test_a_reset_clears_everywhere_whatever_others_still_say(gateways: tuple[Gateway, Gateway]) -> None:
    one, two = gateways
    two.failed(FailureKind.QUOTA)
    await look(two.sharing, one.sharing)
    two.failed(FailureKind.CREDENTIALS)
    one.roster.forget("cloud", one.clock.monotonic())

    await look(one.sharing, two.sharing, one.sharing)

    assert (one.paused_for_s(), two.paused_for_s()) == (0.0, 0.0)
    assert (one.resets, two.resets) == ([], ["cloud"])


async def test_a_restart_forgets_no_pause(stores: Stores) -> None:
    before = Gateway(stores.worker(), stores.clock)
    before.failed(FailureKind.QUOTA)
    await look(before.sharing)
    stores.clock.advance(600.0)

    after = Gateway(stores.worker(), same_time(stores.clock, 3.0))
    await look(after.sharing)

    assert after.paused_for_s() == 3_000.0


async def test_a_pause_is_remembered_for_as_long_as_it_lasts(stores: Stores) -> None:
    worker = stores.worker()
    before = Gateway(worker, stores.clock)
    before.failed(FailureKind.RATE_LIMITED, retry_after_s=20 * 86_400.0)
    await look(before.sharing)
    stores.clock.advance(19 * 86_400.0)
    await worker.mourn()

    after = Gateway(stores.worker(), same_time(stores.clock, 3.0))
    await look(after.sharing)

    assert after.paused_for_s() == 86_400.0


async def test_another_configuration_of_a_provider_begins_anew(stores: Stores) -> None:
    before = Gateway(stores.worker(), stores.clock)
    before.failed(FailureKind.QUOTA)
    await look(before.sharing)

    after = Gateway(stores.worker(), stores.clock, configuration="with another key")
    await look(after.sharing)

    assert after.paused_for_s() == 0.0
