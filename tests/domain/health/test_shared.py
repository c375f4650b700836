"""What processes tell each other of a provider comes to the same, whoever tells it first and how often."""

from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from domain.failures import FailureKind, QuotaScope, UpstreamFailure
from domain.health.cooldown import CooldownReason
from domain.health.machine import HealthState
from domain.health.policy import BackendHealthAction, HealthPolicy, MemoryPressureAction
from domain.health.records import UNKNOWN, OwnRecords, ProviderRecord
from domain.health.roster import Ended, Roster, Viewpoint
from domain.health.shared import NOTHING_HEARD, Closed, Failing, Paused, SharedFacts

EARLY = st.integers(0, 6).map(float)
"""Few moments, so that they often are the same."""

REASONS = st.tuples(st.sampled_from([reason.value for reason in CooldownReason]), st.sampled_from(["", "m"]))
FACTS = st.builds(
    SharedFacts,
    epoch=st.sampled_from([0.0, 3.0]),
    healed_at=EARLY,
    forgiven_at=EARLY,
    degraded_at=EARLY,
    unhealthy_at=EARLY,
    failing=st.builds(Failing, EARLY, st.integers(0, 3), EARLY),
    closed=st.builds(Closed, EARLY, EARLY),
    pauses=st.dictionaries(
        REASONS, st.builds(Paused, EARLY, st.integers(0, 2), st.sampled_from(["", "day"])), max_size=3
    ),
).map(
    lambda facts: facts.joined(NOTHING_HEARD) if facts.epoch == 0.0 else facts.joined(SharedFacts(epoch=3.0))
)


@given(FACTS, FACTS, FACTS)
def test_facts_may_be_joined_in_any_order(one: SharedFacts, two: SharedFacts, three: SharedFacts) -> None:
    assert one.joined(two) == two.joined(one)
    assert one.joined(two).joined(three) == one.joined(two.joined(three))


@given(FACTS, FACTS)
def test_facts_may_be_joined_again_and_again(one: SharedFacts, two: SharedFacts) -> None:
    joined = one.joined(two)

    assert joined.joined(one) == joined.joined(two) == joined.joined(joined) == joined


@given(FACTS, FACTS)
def test_of_two_pauses_the_later_holds_unless_a_success_came_after_it(
    one: SharedFacts, two: SharedFacts
) -> None:
    joined = one.joined(two)

    for facts in (one, two):
        for key, paused in facts.pauses.items():
            if facts.epoch == joined.epoch and paused.until > joined.forgiven_at:
                assert joined.pauses[key].until >= paused.until


POLICY = HealthPolicy(
    action=BackendHealthAction.DEMOTE, threshold=2, memory_action=MemoryPressureAction.SKIP, half_open_s=15.0
)
VIEW = Viewpoint(profile="default", policy=POLICY)
ENDINGS = st.one_of(
    st.none(),
    st.builds(
        UpstreamFailure,
        st.sampled_from([kind for kind in FailureKind if kind is not FailureKind.BROKEN_OFF]),
        st.just("no"),
        retry_after_s=st.sampled_from([None, 5.0, 600.0]),
        scope=st.just(QuotaScope.DAY),
    ),
)


@given(st.lists(st.tuples(st.one_of(ENDINGS, st.just("trial")), st.floats(0.0, 400.0)), max_size=30))
def test_the_facts_of_one_process_retell_its_own_record(
    steps: list[tuple[UpstreamFailure | str | None, float]],
) -> None:
    records, facts, now, shift = OwnRecords(), NOTHING_HEARD, 1000.0, 1000.0 - 1_800_000_000.0
    roster = Roster(records)
    for ending, seconds in steps:
        now += seconds
        before = records.of("p")
        if isinstance(ending, str):
            roster.begin_trial("p", POLICY, now)
        else:
            roster.record(Ended(provider="p", model="m", failure=ending), VIEW, now)
        facts = facts.after(before, records.of("p"), now - shift, shift)

        assert_same(facts.record(shift), records.of("p"), now)


def assert_same(told: ProviderRecord, record: ProviderRecord, now: float) -> None:
    assert (told.health.state, told.health.failures) == (record.health.state, record.health.failures)
    assert isclose(told.health.closed_until, record.health.closed_until, abs_tol=1e-3)
    assert told.health.is_trial_due(now + 0.01) == record.health.is_trial_due(now + 0.01)
    assert len(told.cooldowns) == len(record.cooldowns)
    for cooldown in record.cooldowns:
        retold = told.cooldown(cooldown.reason, cooldown.model)
        assert retold is not None
        assert (retold.untold, retold.scope) == (cooldown.untold, cooldown.scope)
        assert isclose(retold.until, cooldown.until, abs_tol=1e-3)


def test_a_reset_is_stronger_than_all_that_was_said_before_it() -> None:
    held = SharedFacts(unhealthy_at=50.0, pauses={("quota", ""): Paused(9_999.0, 1, "day")})
    reset = held.reset(60.0)

    assert reset.joined(held) == reset
    assert reset.record(0.0) == UNKNOWN


def test_what_happens_after_a_reset_counts_on_a_slow_clock_too() -> None:
    reset = NOTHING_HEARD.reset(1_000.0)
    failed = ProviderRecord(health=UNKNOWN.health.failed(1, now=0.0, half_open_s=15.0))

    facts = reset.after(UNKNOWN, failed, 900.0, 0.0)

    assert facts.joined(reset).state is HealthState.DEGRADED


def test_a_row_of_failures_that_a_success_elsewhere_broke_is_a_new_row() -> None:
    here = SharedFacts(degraded_at=10.0, failing=Failing(30.0, 4, 10.0))
    elsewhere = SharedFacts(healed_at=20.0)

    joined = here.joined(elsewhere)

    assert (joined.state, joined.failures) == (HealthState.HEALTHY, 1)
