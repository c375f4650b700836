"""What is known of all providers together, and what follows from it."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from domain.failures import CONSEQUENCES, CooldownRule, FailureKind, HealthEffect, UpstreamFailure
from domain.health.changes import Change, CooledDown, Forgotten, HealthChanged, MemoryPressure
from domain.health.cooldown import CooldownReason
from domain.health.machine import HealthState
from domain.health.policy import (
    AdaptivePolicy,
    BackendHealthAction,
    HealthPolicy,
    MemoryPressureAction,
)
from domain.health.records import OwnRecords
from domain.health.roster import Ended, Roster, Viewpoint
from domain.health.standing import Standing

LOCAL, CLOUD, WELL = ("local", "qwen3"), ("cloud", "sonnet"), ("well", "known")

WATCHING = HealthPolicy()
STRICT = HealthPolicy(
    memory_action=MemoryPressureAction.SKIP,
    action=BackendHealthAction.DEMOTE,
    adaptive=AdaptivePolicy(enabled=True),
)
BLIND = HealthPolicy(memory_action=MemoryPressureAction.OFF, action=BackendHealthAction.OFF)


class House:
    """A roster with a clock and one policy."""

    def __init__(self, policy: HealthPolicy = STRICT) -> None:
        self.roster = Roster(OwnRecords())
        self.policy = policy
        self.now = 1000.0

    def failed(
        self,
        kind: FailureKind = FailureKind.UNREACHABLE,
        *,
        name: tuple[str, str] = LOCAL,
        times: int = 1,
        policy: HealthPolicy | None = None,
        retry_after_s: float | None = None,
    ) -> list[Change]:
        failure = UpstreamFailure(kind, "no", retry_after_s=retry_after_s)
        ended = Ended(provider=name[0], model=name[1], failure=failure)
        view = Viewpoint(profile="default", policy=policy or self.policy)
        return [change for _ in range(times) for change in self.roster.record(ended, view, self.now)]

    def answered(self, name: tuple[str, str] = LOCAL, *, ttft_s: float = 1.0) -> Sequence[Change]:
        ended = Ended(provider=name[0], model=name[1], ttft_s=ttft_s)
        return self.roster.record(ended, Viewpoint(profile="default", policy=self.policy), self.now)

    def standing(self, name: tuple[str, str] = LOCAL, *, policy: HealthPolicy | None = None) -> Standing:
        """Beside another that is well."""
        view = Viewpoint(profile="default", policy=policy or self.policy)
        return self.roster.standings([name, WELL], view, self.now).get(name, Standing())

    def pause(
        self, name: tuple[str, str] = LOCAL, *, policy: HealthPolicy | None = None
    ) -> CooldownReason | None:
        held = self.roster.bars(*name, policy or self.policy, self.now)
        return held.reason if held else None


def test_an_unhealthy_provider_comes_last_where_the_profile_says_so() -> None:
    house = House()
    house.failed(times=6)

    assert house.standing().unhealthy
    assert not house.standing(policy=WATCHING).unhealthy


def test_each_change_of_state_is_told_once() -> None:
    house = House()
    changes = house.failed(times=9)

    assert [(change.after, change.failures) for change in changes if isinstance(change, HealthChanged)] == [
        (HealthState.DEGRADED, 3),
        (HealthState.UNHEALTHY, 6),
    ]
    assert house.answered() == (
        HealthChanged(before=HealthState.UNHEALTHY, after=HealthState.HEALTHY, failures=0),
    )


def test_a_profile_that_looks_away_holds_nothing_against_anybody() -> None:
    house = House(BLIND)

    assert house.failed(times=20) == []
    assert house.failed(FailureKind.OUT_OF_MEMORY) == []
    assert house.standing(policy=STRICT) == Standing()


@pytest.mark.parametrize(
    "kind", [kind for kind in FailureKind if CONSEQUENCES[kind].health is HealthEffect.SPARED]
)
def test_what_is_not_the_backends_fault_leaves_its_health_and_its_rank_alone(kind: FailureKind) -> None:
    house = House()
    house.failed(kind, times=20)

    assert house.standing() == Standing()


def test_a_due_trial_gives_an_unhealthy_provider_its_place_back_for_one_request() -> None:
    house = House()
    house.failed(times=6)
    house.now += 15.0
    assert house.standing() == Standing(trial_s=15.0, measured=house.standing().measured)

    assert house.roster.begin_trial("local", STRICT, house.now) == 15.0
    assert house.roster.begin_trial("local", STRICT, house.now) is None
    assert house.standing().unhealthy


def test_nobody_is_on_trial_where_nobody_else_is_well() -> None:
    house = House()
    house.failed(times=6)
    house.now += 15.0
    view = Viewpoint(profile="default", policy=STRICT)

    alone = house.roster.standings([LOCAL], view, house.now)[LOCAL]

    assert (alone.unhealthy, alone.trial_s) == (True, None)


def test_whoever_can_be_probed_is_tried_by_probes_alone() -> None:
    house = House()
    house.roster = Roster(OwnRecords(), probed={"local"})
    house.failed(times=6)
    house.now += 15.0

    assert house.standing().unhealthy
    assert house.roster.is_trial_due("local", house.now)


def test_a_slow_provider_is_given_the_time_it_is_known_to_need() -> None:
    house = House()
    house.answered(ttft_s=40.0)
    house.failed(times=6)
    house.now += 15.0

    assert house.roster.begin_trial("local", STRICT, house.now) == 80.0
    house.now += 79.9
    assert house.roster.begin_trial("local", STRICT, house.now) is None


def test_there_is_no_trial_of_a_provider_that_is_well() -> None:
    house = House()
    house.failed(times=5)
    house.now += 1e6

    assert house.roster.begin_trial("local", STRICT, house.now) is None


def test_a_pause_bars_the_provider_until_it_is_over() -> None:
    house = House()
    (told,) = house.failed(FailureKind.RATE_LIMITED, retry_after_s=30.0)

    assert isinstance(told, CooledDown)
    assert (told.cooldown.model, told.cooldown.until) == ("", 1030.0)
    assert house.pause() is CooldownReason.RATE_LIMITED
    assert house.pause(("local", "another")) is CooldownReason.RATE_LIMITED
    assert house.pause(CLOUD) is None
    house.now = 1030.0
    assert house.pause() is None


@pytest.mark.parametrize(
    "kind", [kind for kind in FailureKind if CONSEQUENCES[kind].cooldown is CooldownRule.NONE]
)
def test_what_another_try_may_mend_pauses_nobody(kind: FailureKind) -> None:
    house = House()
    house.failed(kind, retry_after_s=99.0)

    assert house.pause() is None


def test_a_missing_model_bars_that_model_alone() -> None:
    house = House()
    house.failed(FailureKind.MODEL_MISSING)

    assert house.pause() is CooldownReason.MODEL_MISSING
    assert house.pause(("local", "another")) is None


def test_of_several_pauses_the_longest_is_told() -> None:
    house = House()
    house.failed(FailureKind.RATE_LIMITED, retry_after_s=30.0)
    house.failed(FailureKind.QUOTA)

    assert house.pause() is CooldownReason.QUOTA


def test_concurrent_attempts_tell_of_one_pause() -> None:
    house = House()
    changes: list[Change] = []
    for _ in range(20):
        changes += house.failed(FailureKind.RATE_LIMITED, retry_after_s=30.0)
        house.now += 0.01

    assert len(changes) == 1


def test_a_later_deadline_is_told() -> None:
    house = House()
    house.failed(FailureKind.RATE_LIMITED, retry_after_s=30.0)

    assert len(house.failed(FailureKind.RATE_LIMITED, retry_after_s=90.0)) == 1


def test_the_next_short_pause_is_told_like_the_first() -> None:
    house = House()
    house.failed(FailureKind.RATE_LIMITED, retry_after_s=0.25)
    house.now += 10.0

    assert len(house.failed(FailureKind.RATE_LIMITED, retry_after_s=0.25)) == 1


@pytest.mark.parametrize("action", MemoryPressureAction)
def test_memory_pressure_does_what_the_profile_says(action: MemoryPressureAction) -> None:
    policy = HealthPolicy(memory_action=action, memory_cooldown_s=45.0)
    house = House(policy)
    told = [
        change for change in house.failed(FailureKind.OUT_OF_MEMORY) if isinstance(change, MemoryPressure)
    ]

    expected = [] if action is MemoryPressureAction.OFF else [MemoryPressure(action=action, cooldown_s=45.0)]
    assert told == expected
    assert (house.pause() is not None) == (action is MemoryPressureAction.SKIP)


def test_a_pause_for_memory_binds_only_the_profiles_that_skip() -> None:
    house = House()
    house.failed(FailureKind.OUT_OF_MEMORY)

    assert house.pause() is CooldownReason.MEMORY_PRESSURE
    assert house.pause(policy=WATCHING) is None


def test_a_profile_that_measures_ranks_the_slow_behind_the_quick() -> None:
    house = House()
    for _ in range(3):
        house.answered(LOCAL, ttft_s=9.0)
        house.answered(CLOUD, ttft_s=1.0)

    assert (house.standing(LOCAL).score, house.standing(CLOUD).score) == (1, 0)
    assert house.standing(LOCAL, policy=WATCHING).score == 0


def test_profiles_measure_each_for_itself() -> None:
    house = House()
    house.failed(times=5)
    other = Viewpoint(profile="other", policy=STRICT)

    assert house.standing().score == 2
    assert house.roster.standings([LOCAL], other, house.now) == {}


def test_a_provider_can_be_forgiven_everything() -> None:
    house = House()
    house.failed(times=6)
    house.failed(FailureKind.QUOTA)

    forgotten = house.roster.forget("local", house.now)

    assert forgotten == Forgotten(state=HealthState.UNHEALTHY, cooldowns=(CooldownReason.QUOTA,))
    assert house.pause() is None
    assert house.standing() == Standing()


def test_all_that_is_known_can_be_read() -> None:
    house = House()
    house.failed(times=3)

    assert house.roster.known()["local"].health.state is HealthState.DEGRADED
    assert repr(house.roster) == "<Roster of <OwnRecords of ['local']>>"


class AttemptsThatOverlap(RuleBasedStateMachine):
    """
    Attempts that begin in one order and end in another.

    A second roster is told the same endings one by one, as if no two attempts had ever overlapped.
    """

    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.in_order = House()
        self.asked_at: list[float] = []

    @rule(target=attempts, name=st.sampled_from([LOCAL, CLOUD]), policy=st.sampled_from([WATCHING, STRICT]))
    def an_attempt_begins(
        self, name: tuple[str, str], policy: HealthPolicy
    ) -> tuple[tuple[str, str], HealthPolicy]:
        self.house.roster.standings([name], Viewpoint(profile="default", policy=policy), self.house.now)
        self.house.roster.bars(*name, policy, self.house.now)
        return name, policy

    @rule(
        attempt=consumes(attempts), kind=st.sampled_from(FailureKind), after=st.none() | st.floats(0.1, 99.0)
    )
    def it_fails(
        self, attempt: tuple[tuple[str, str], HealthPolicy], kind: FailureKind, after: float | None
    ) -> None:
        name, policy = attempt
        for house in (self.house, self.in_order):
            house.failed(kind, name=name, policy=policy, retry_after_s=after)

    @rule(attempt=consumes(attempts), ttft_s=st.floats(0.0, 9.0))
    def it_succeeds(self, attempt: tuple[tuple[str, str], HealthPolicy], ttft_s: float) -> None:
        name, _ = attempt
        for house in (self.house, self.in_order):
            house.answered(name, ttft_s=ttft_s)

    @rule(seconds=st.floats(0.0, 20.0))
    def time_passes(self, seconds: float) -> None:
        self.house.now += seconds
        self.in_order.now += seconds

    @rule()
    def somebody_wants_a_trial(self) -> None:
        due = self.house.standing(LOCAL).trial_s
        begun = self.house.roster.begin_trial("local", STRICT, self.house.now)
        assert begun == due
        assert self.in_order.roster.begin_trial("local", STRICT, self.house.now) == due
        if begun is not None:
            assert all(self.house.now - before >= 15.0 for before in self.asked_at)
            self.asked_at.append(self.house.now)

    @invariant()
    def the_state_is_that_of_the_order_of_completion(self) -> None:
        assert dict(self.house.roster.known()) == dict(self.in_order.roster.known())
        for name in (LOCAL, CLOUD):
            assert self.house.standing(name) == self.in_order.standing(name)
            assert self.house.pause(name) is self.in_order.pause(name)

    @invariant()
    def a_provider_is_never_both_last_and_on_trial(self) -> None:
        standing = self.house.standing(LOCAL)
        assert not (standing.unhealthy and standing.trial_s is not None)


TestAttemptsThatOverlap = AttemptsThatOverlap.TestCase
TestAttemptsThatOverlap.settings = settings(max_examples=80, stateful_step_count=40)
