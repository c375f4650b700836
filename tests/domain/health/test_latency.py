"""Which targets are slower or less reliable than their neighbours."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.health.latency import AdaptiveRanking, Measurable, Sample
from domain.health.policy import AdaptivePolicy

POLICY = AdaptivePolicy(enabled=True)
A, B, C = ("a", "m"), ("b", "m"), ("c", "m")


class Course:
    """A ranking with a clock."""

    def __init__(self, policy: AdaptivePolicy = POLICY) -> None:
        self.ranking = AdaptiveRanking()
        self.policy = policy
        self.now = 0.0

    def answered(self, name: Measurable, *ttfts_s: float) -> None:
        for ttft_s in ttfts_s:
            self.ranking.record(name, Sample(at=self.now, ttft_s=ttft_s), self.policy)

    def failed(self, name: Measurable, times: int) -> None:
        for _ in range(times):
            self.ranking.record(name, Sample(at=self.now, ttft_s=None), self.policy)

    def score(self, name: Measurable) -> int:
        return self.ranking.measured(self.now, self.policy)[name].score


def test_of_two_targets_the_slower_one_is_told() -> None:
    course = Course()
    course.answered(A, 3.0, 3.0, 3.0)
    course.answered(B, 1.0, 1.0, 1.0)

    assert (course.score(A), course.score(B)) == (1, 0)


def test_a_little_slower_is_not_slow() -> None:
    course = Course()
    course.answered(A, 1.4, 1.4, 1.4)
    course.answered(B, 1.0, 1.0, 1.0)

    assert course.score(A) == 0


def test_two_answers_tell_nothing_about_speed() -> None:
    course = Course()
    course.answered(A, 9.0, 9.0)
    course.answered(B, 1.0, 1.0, 1.0)

    assert course.score(A) == 0


def test_one_slow_answer_among_quick_ones_does_not_count() -> None:
    course = Course()
    course.answered(A, 1.0, 60.0, 1.0)
    course.answered(B, 1.0, 1.0, 1.0)

    assert course.score(A) == 0


def test_a_target_with_nobody_to_compare_it_to_is_not_slow() -> None:
    course = Course()
    course.answered(A, 90.0, 90.0, 90.0)

    assert course.score(A) == 0


def test_targets_that_all_answer_at_once_are_not_slow() -> None:
    course = Course()
    course.answered(A, 0.0, 0.0, 0.0)
    course.answered(B, 0.0, 0.0, 0.0)

    assert (course.score(A), course.score(B)) == (0, 0)


def test_a_tenth_of_failures_is_too_many_and_counts_more_than_slowness() -> None:
    course = Course()
    course.failed(A, 1)
    course.answered(A, *[1.0] * 9)
    course.answered(B, 3.0, 3.0, 3.0)

    assert (course.score(A), course.score(B)) == (2, 1)


def test_four_attempts_tell_nothing_about_faults() -> None:
    course = Course()
    course.failed(A, 4)

    assert course.score(A) == 0


def test_a_target_that_is_not_asked_any_more_finds_its_way_back() -> None:
    course = Course()
    course.failed(A, 5)
    assert course.score(A) == 2

    course.now = 60.0

    assert course.score(A) == 0


def test_a_score_that_changed_stays_for_a_while() -> None:
    course = Course()
    course.failed(A, 5)
    course.now = 29.9
    course.answered(A, *[1.0] * 100)
    assert course.score(A) == 2

    course.now = 30.0

    assert course.score(A) == 0


def test_the_constants_are_the_profiles_own() -> None:
    course = Course(AdaptivePolicy(enabled=True, least_tried=2, error_rate=0.6, window_s=5.0, debounce_s=0.0))
    course.failed(A, 1)
    course.answered(A, 1.0)
    assert course.score(A) == 0
    course.failed(A, 1)
    assert course.score(A) == 2

    course.now = 5.0

    assert course.score(A) == 0


def test_a_forgotten_provider_begins_anew() -> None:
    course = Course()
    course.failed(A, 5)
    course.ranking.forget("a")

    assert course.ranking.measured(0.0, POLICY) == {}


def test_the_ranking_can_be_read() -> None:
    course = Course()
    course.failed(A, 5)

    assert repr(course.ranking) == "<AdaptiveRanking {('a', 'm'): 2}>"


@dataclass(frozen=True)
class Seen:
    """A sample as the test remembers it."""

    name: Measurable
    at: float
    ttft_s: float | None


class RankingInEveryOrder(RuleBasedStateMachine):
    """Attempts at three targets, beside a second opinion that works the scores out from the whole story."""

    def __init__(self) -> None:
        super().__init__()
        self.course = Course()
        self.seen: list[Seen] = []
        self.settled: dict[Measurable, int] = {}
        self.changes: dict[Measurable, list[float]] = {A: [], B: [], C: []}

    @rule(seconds=st.floats(0.0, 25.0))
    def time_passes(self, seconds: float) -> None:
        self.course.now += seconds

    @rule(name=st.sampled_from([A, B, C]), ttft_s=st.sampled_from([0.5, 1.0, 2.0]), times=st.integers(1, 4))
    def attempts_succeed(self, name: Measurable, ttft_s: float, times: int) -> None:
        for _ in range(times):
            self._record(name, ttft_s)

    @rule(name=st.sampled_from([A, B, C]), times=st.integers(1, 4))
    def attempts_fail(self, name: Measurable, times: int) -> None:
        for _ in range(times):
            self._record(name, None)

    def _record(self, name: Measurable, ttft_s: float | None) -> None:
        now = self.course.now
        self.course.ranking.record(name, Sample(at=now, ttft_s=ttft_s), POLICY)
        self.seen.append(Seen(name, now, ttft_s))
        for other in {one.name for one in self.seen}:
            recently = [at for at in self.changes[other] if now - at < POLICY.debounce_s]
            score = self._raw(other)
            if not recently and score != self.settled.get(other, 0):
                self.settled[other] = score
                self.changes[other].append(now)

    def _raw(self, name: Measurable) -> int:
        medians = {other: self._median(other) for other in (A, B, C)}
        known = sorted(median for median in medians.values() if median is not None)
        median = medians[name]
        yardstick = known[(len(known) - 1) // 2] if known else None
        slow = (
            median is not None and yardstick is not None and median > yardstick and median >= 1.5 * yardstick
        )
        tried = self._latest(name)
        failed = [one for one in tried if one.ttft_s is None]
        return slow + 2 * (len(tried) >= 5 and len(failed) / len(tried) >= 0.1)

    def _latest(self, name: Measurable) -> list[Seen]:
        now = self.course.now
        latest = [one for one in self.seen if one.name == name][-100:]
        return [one for one in latest if now - one.at < POLICY.window_s]

    def _median(self, name: Measurable) -> float | None:
        timed = sorted(one.ttft_s for one in self._latest(name) if one.ttft_s is not None)
        return timed[(len(timed) - 1) // 2] if len(timed) >= 3 else None

    @invariant()
    def scores_are_those_of_the_second_opinion(self) -> None:
        measured = self.course.ranking.measured(self.course.now, POLICY)
        for name, one in measured.items():
            recently = [at for at in self.changes[name] if self.course.now - at < POLICY.debounce_s]
            assert one.score == (self.settled.get(name, 0) if recently else self._raw(name))
            assert one.samples == len(self._latest(name))

    @invariant()
    def no_target_changes_its_score_twice_within_the_debounce(self) -> None:
        for moments in self.changes.values():
            assert all(later - earlier >= POLICY.debounce_s for earlier, later in pairwise(moments))


TestRankingInEveryOrder = RankingInEveryOrder.TestCase
TestRankingInEveryOrder.settings = settings(max_examples=100, stateful_step_count=40)


def test_looking_changes_nothing() -> None:
    course = Course()
    course.failed(A, 5)
    look = partial(course.ranking.measured, 90.0, POLICY)

    assert look()[A].score == look()[A].score == 0
    assert course.score(A) == 2
