"""How well a provider is, by how its attempts end."""

from itertools import product

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.health.machine import NEVER_ASKED, TRANSITIONS, HealthState, HealthStateMachine, Streak

ORDER = (HealthState.HEALTHY, HealthState.DEGRADED, HealthState.UNHEALTHY)


def after(failures: int, *, threshold: int = 3) -> HealthStateMachine:
    machine = NEVER_ASKED
    for moment in range(failures):
        machine = machine.failed(threshold, now=float(moment), half_open_s=15.0)
    return machine


def test_the_table_has_a_row_for_every_state_and_streak() -> None:
    assert set(TRANSITIONS) == set(product(HealthState, Streak))


def test_a_provider_is_degraded_at_the_threshold_and_unhealthy_at_twice_as_many_failures() -> None:
    states = [after(failures).state for failures in range(8)]

    assert states == [ORDER[0]] * 3 + [ORDER[1]] * 3 + [ORDER[2]] * 2


def test_one_success_heals() -> None:
    healed = after(9).succeeded()

    assert healed == NEVER_ASKED


def test_a_patient_profile_does_not_undo_what_another_has_seen() -> None:
    seen = after(4, threshold=2)

    assert seen.failed(20, now=9.0, half_open_s=15.0).state is HealthState.UNHEALTHY


def test_only_an_unhealthy_provider_is_tried_now_and_then() -> None:
    assert not after(5).is_trial_due(1e9)
    assert not after(6).is_trial_due(5.0 + 14.9)
    assert after(6).is_trial_due(5.0 + 15.0)


def test_one_trial_is_had_by_one() -> None:
    taken = after(6).on_trial(100.0, 30.0)

    assert not taken.is_trial_due(129.9)
    assert taken.is_trial_due(130.0)


def test_a_trial_that_failed_at_once_does_not_put_the_next_one_off() -> None:
    failed = after(6).on_trial(100.0, 300.0).failed(3, now=101.0, half_open_s=15.0)

    assert failed.is_trial_due(116.0)


def test_the_health_of_a_provider_can_be_read() -> None:
    assert "failures=3" in repr(after(3))


class HealthInEveryOrder(RuleBasedStateMachine):
    """Endings and trials in any order, beside a plain list of what happened since the last success."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.machine = NEVER_ASKED
        self.thresholds: list[int] = []
        self.closed_until = 0.0

    @rule(seconds=st.floats(0.0, 40.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(threshold=st.integers(2, 4), half_open_s=st.sampled_from([1.0, 15.0]))
    def an_attempt_fails(self, threshold: int, half_open_s: float) -> None:
        self.machine = self.machine.failed(threshold, now=self.now, half_open_s=half_open_s)
        self.thresholds.append(threshold)
        self.closed_until = self.now + half_open_s

    @rule()
    def an_attempt_succeeds(self) -> None:
        self.machine = self.machine.succeeded()
        self.thresholds = []

    @precondition(lambda self: self.machine.is_trial_due(self.now))
    @rule(lasts_s=st.floats(1.0, 60.0))
    def a_trial_begins(self, lasts_s: float) -> None:
        assert self.machine.state is HealthState.UNHEALTHY
        assert self.now >= self.closed_until
        self.machine = self.machine.on_trial(self.now, lasts_s)
        self.closed_until = self.now + lasts_s

    @invariant()
    def the_state_is_the_worst_that_any_profile_saw_since_the_last_success(self) -> None:
        worst = max(
            (min(2, number // threshold) for number, threshold in enumerate(self.thresholds, start=1)),
            default=0,
        )
        assert self.machine.state is ORDER[worst]
        assert self.machine.failures == len(self.thresholds)

    @invariant()
    def a_recovery_can_be_noticed_as_soon_as_the_interval_is_over(self) -> None:
        unhealthy = self.machine.state is HealthState.UNHEALTHY
        assert self.machine.is_trial_due(self.now) == (unhealthy and self.now >= self.closed_until)


TestHealthInEveryOrder = HealthInEveryOrder.TestCase
TestHealthInEveryOrder.settings = settings(max_examples=100, stateful_step_count=40)
