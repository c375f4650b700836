"""For how long a provider is left alone."""

from math import inf, nan

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.failures import CONSEQUENCES, CooldownRule, FailureKind, QuotaScope, UpstreamFailure
from domain.health.cooldown import QUOTA, RATE_LIMIT, REASONS, Cooldown, CooldownReason, cooled
from domain.health.records import UNKNOWN, ProviderRecord


def failed(
    kind: FailureKind, *, retry_after_s: float | None = None, resets_in_s: float | None = None
) -> UpstreamFailure:
    return UpstreamFailure(kind, "no", retry_after_s=retry_after_s, resets_in_s=resets_in_s)


def pause(failure: UpstreamFailure, before: Cooldown | None = None, *, now: float = 0.0) -> Cooldown | None:
    before = before or Cooldown(reason=REASONS[failure.aftermath.cooldown])
    return cooled(before, failure, now=now, memory_cooldown_s=120.0)


def seconds(failure: UpstreamFailure) -> float:
    given = pause(failure)
    return given.seconds_left(0.0) if given else 0.0


def test_every_rule_that_pauses_has_a_reason() -> None:
    assert set(REASONS) == set(CooldownRule) - {CooldownRule.NONE}


@pytest.mark.parametrize(
    ("failure", "expected_s"),
    [
        (failed(FailureKind.RATE_LIMITED), 5.0),
        (failed(FailureKind.RATE_LIMITED, retry_after_s=2.0), 2.0),
        (failed(FailureKind.RATE_LIMITED, retry_after_s=0.0), 5.0),
        (failed(FailureKind.RATE_LIMITED, resets_in_s=40.0), 40.0),
        (failed(FailureKind.RATE_LIMITED, retry_after_s=50.0, resets_in_s=40.0), 50.0),
        (failed(FailureKind.QUOTA), 3_600.0),
        (failed(FailureKind.QUOTA, retry_after_s=34.0), 3_600.0),
        (failed(FailureKind.QUOTA, retry_after_s=7_200.0), 7_200.0),
        (failed(FailureKind.QUOTA, resets_in_s=600.0), 600.0),
        (failed(FailureKind.QUOTA, resets_in_s=600.0, retry_after_s=700.0), 700.0),
        (failed(FailureKind.CREDENTIALS), 60.0),
        (failed(FailureKind.MODEL_MISSING), 60.0),
        (failed(FailureKind.OVERLOADED), 0.0),
        (failed(FailureKind.OVERLOADED, retry_after_s=9.0), 9.0),
        (failed(FailureKind.OUT_OF_MEMORY), 120.0),
    ],
)
def test_how_long_each_failure_keeps_a_provider_from_being_asked(
    failure: UpstreamFailure, expected_s: float
) -> None:
    assert seconds(failure) == expected_s


@pytest.mark.parametrize("nonsense", [inf, nan, -5.0])
def test_no_adapter_can_keep_a_provider_away_for_ever(nonsense: float) -> None:
    assert 5.0 <= seconds(failed(FailureKind.RATE_LIMITED, retry_after_s=nonsense)) <= 30 * 86_400.0


@pytest.mark.parametrize(
    ("kind", "expected_s"),
    [
        (FailureKind.RATE_LIMITED, [5, 10, 20, 40, 80, 160, 300, 300]),
        (FailureKind.QUOTA, [3_600, 7_200, 14_400, 28_800, 57_600, 86_400, 86_400]),
    ],
)
def test_a_guessed_pause_doubles_from_failure_to_failure(kind: FailureKind, expected_s: list[float]) -> None:
    now, before = 0.0, None
    for expected in expected_s:
        before = pause(failed(kind), before, now=now)
        assert before is not None
        assert before.seconds_left(now) == expected
        now = before.until


def test_the_later_deadline_wins() -> None:
    long = pause(failed(FailureKind.RATE_LIMITED, retry_after_s=60.0), now=0.0)
    short = pause(failed(FailureKind.RATE_LIMITED, retry_after_s=1.0), long, now=10.0)

    assert short is not None
    assert short.until == 60.0


def test_attempts_that_come_back_together_double_nothing() -> None:
    first = pause(failed(FailureKind.RATE_LIMITED), now=0.0)
    second = pause(failed(FailureKind.RATE_LIMITED), first, now=0.1)

    assert second == first


def test_a_success_after_a_pause_begins_anew() -> None:
    first = pause(failed(FailureKind.RATE_LIMITED), now=0.0)
    assert first is not None
    record = ProviderRecord(cooldowns=(first,))
    assert record.forgiving(4.9) is record
    assert record.forgiving(5.0) == UNKNOWN


def test_a_pause_is_over_at_its_deadline() -> None:
    given = Cooldown(reason=CooldownReason.QUOTA, until=10.0, scope=QuotaScope.DAY)

    assert given.holds(9.999)
    assert not given.holds(10.0)
    assert given.seconds_left(12.0) == 0.0


def test_memory_that_runs_out_in_the_midst_of_an_answer_pauses_as_well() -> None:
    broken = UpstreamFailure(FailureKind.BROKEN_OFF, "oom", because=FailureKind.OUT_OF_MEMORY)

    assert seconds(broken) == 120.0


_PAUSING = [kind for kind in FailureKind if CONSEQUENCES[kind].cooldown is not CooldownRule.NONE]
_TOLD = st.none() | st.floats(0.0, 400.0)


class PausesInEveryOrder(RuleBasedStateMachine):
    """One kind of failure after another, told of a deadline or not, beside a list of what was told."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.pauses: dict[CooldownReason, Cooldown] = {}
        self.floors: list[tuple[CooldownReason, float]] = []
        self.guessed: dict[CooldownReason, int] = {}

    @rule(seconds=st.floats(0.0, 1000.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(kind=st.sampled_from(_PAUSING), retry_after_s=_TOLD, resets_in_s=_TOLD)
    def an_attempt_fails(
        self, kind: FailureKind, retry_after_s: float | None, resets_in_s: float | None
    ) -> None:
        failure = failed(kind, retry_after_s=retry_after_s, resets_in_s=resets_in_s)
        reason = REASONS[failure.aftermath.cooldown]
        before = self.pauses.get(reason)
        after = pause(failure, before, now=self.now)
        self._check(reason, before, after)
        if after is not None:
            self.pauses[reason] = after
        if retry_after_s:
            self.floors.append((reason, self.now + retry_after_s))

    def _check(self, reason: CooldownReason, before: Cooldown | None, after: Cooldown | None) -> None:
        if before is not None and before.holds(self.now):
            assert after is not None
            assert after.until >= before.until
        known = self.guessed.get(reason, 0)
        # A wait too short to be told from none begins no pause, and those before it stay as they were.
        number = after.untold if after else known
        if number > known:
            assert number == known + 1
            assert after is not None
            doubling = {CooldownReason.RATE_LIMITED: RATE_LIMIT, CooldownReason.QUOTA: QUOTA}[reason]
            assert after.seconds_left(self.now) >= doubling.nth(number) - 1e-6
        self.guessed[reason] = number

    @rule()
    def an_attempt_succeeds(self) -> None:
        left = ProviderRecord(cooldowns=tuple(self.pauses.values())).forgiving(self.now)
        self.pauses = {one.reason: one for one in left.cooldowns}
        self.guessed = {reason: one.untold for reason, one in self.pauses.items()}

    @invariant()
    def nobody_is_asked_before_the_moment_it_named(self) -> None:
        for reason, floor in self.floors:
            if self.now < floor:
                assert self.pauses[reason].until >= floor

    @invariant()
    def no_guess_is_longer_than_a_day(self) -> None:
        longest = max((one.seconds_left(self.now) for one in self.pauses.values()), default=0.0)
        assert longest <= 86_400.0


TestPausesInEveryOrder = PausesInEveryOrder.TestCase
TestPausesInEveryOrder.settings = settings(max_examples=100, stateful_step_count=40)
