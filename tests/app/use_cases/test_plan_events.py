"""Of a chain that refusals emptied, one event tells the thing that would most likely mend it."""

from itertools import combinations

import pytest

from app.use_cases.plan_events import blocked, refusals
from domain.routing.gates import BarReason, Barred
from domain.routing.targets import Target

BLOCKS = {
    BarReason.NOT_PERMITTED: "chain-access-blocked",
    BarReason.MEMORY_PRESSURE: "chain-memory-pressure-blocked",
    BarReason.BUDGET: "chain-budget-exceeded",
    BarReason.PAID: "chain-paid-gate-blocked",
    BarReason.RATE_LIMITED: "chain-cooling-blocked",
    BarReason.NO_VISION: "chain-capability-blocked",
    BarReason.CONTEXT_WINDOW: "chain-context-window-blocked",
}
"""In the order in which they are told: money does not help who is kept out, nor patience who has none."""


def told(*reasons: BarReason) -> list[tuple[str, tuple[str, ...]]]:
    barred = [Barred(Target(reason.value, "m"), reason, retry_after_s=5.0) for reason in reasons]
    events = blocked(barred, profile="p", request_id="r")
    return [(event.name, event.blocked_providers) for event in events]  # type: ignore[union-attr]


@pytest.mark.parametrize(("first", "second"), tuple(combinations(BLOCKS, 2)))
def test_of_two_causes_the_one_that_stands_before_is_told_alone(first: BarReason, second: BarReason) -> None:
    assert told(second, first) == [(BLOCKS[first], (first.value,))]


@pytest.mark.parametrize("reason", [BarReason.MISSING_CREDENTIAL, BarReason.PLAN_USED_UP])
def test_what_has_no_event_of_a_chain_leaves_the_word_to_the_rest(reason: BarReason) -> None:
    assert told(reason) == []
    assert told(reason, BarReason.PAID) == [("chain-paid-gate-blocked", ("paid",))]


@pytest.mark.parametrize("reason", BarReason)
def test_every_refusal_is_told_by_one_event_of_its_provider(reason: BarReason) -> None:
    barred = Barred(Target("one", "m"), reason, retry_after_s=5.0)

    (event,) = refusals([barred], profile="p", request_id="r")

    assert (event.provider, event.profile) == ("one", "p")  # type: ignore[union-attr]
    assert event.name.startswith("skip-")
