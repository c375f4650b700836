"""What is remembered of past requests, and how much."""

from domain.events import AttemptStarted, Outcome, RequestCompleted
from domain.inventory.lifetime import Stopped
from infrastructure.events.trace_ring import MOST_EVENTS, TraceRing
from tests.fakes.fixed_clock import FixedClock


def started(request_id: str, provider: str = "local") -> AttemptStarted:
    return AttemptStarted(request_id=request_id, profile="p", provider=provider, model="m", stream=True)


def completed(request_id: str) -> RequestCompleted:
    return RequestCompleted(
        request_id=request_id,
        member="",
        key_id="",
        dialect="openai_chat",
        stream=True,
        outcome=Outcome.ANSWERED,
        status=200,
        profile="p",
        rule="",
        provider="local",
        model="m",
        requested_model="m",
        attempts=1,
        fallback_reason="",
        duration_ms=1.0,
        ttft_ms=None,
        input_tokens=None,
        output_tokens=None,
        cache_read_tokens=None,
        cache_creation_tokens=None,
    )


def test_the_events_of_a_request_are_kept_in_order_with_their_times() -> None:
    clock = FixedClock(time_s=100.0)
    ring = TraceRing(clock)
    ring.emit(started("r1", "first"))
    clock.advance(2)
    ring.emit(started("r2"))
    ring.emit(started("r1", "second"))

    told = ring.trace("r1")
    assert [(one.at, one.event) for one in told] == [
        (100.0, started("r1", "first")),
        (102.0, started("r1", "second")),
    ]


def test_events_of_no_request_are_nobodys_story() -> None:
    ring = TraceRing(FixedClock())
    ring.emit(Stopped())

    assert ring.latest(10) == ()


def test_the_oldest_requests_are_forgotten_first() -> None:
    ring = TraceRing(FixedClock(), most_requests=2)
    for request_id in ("r1", "r2", "r3"):
        ring.emit(started(request_id))

    assert ring.latest(10) == ("r3", "r2")
    assert ring.latest(1) == ("r3",)
    assert ring.trace("r1") == ()


def test_one_request_cannot_fill_the_memory() -> None:
    ring = TraceRing(FixedClock())
    for _ in range(MOST_EVENTS * 3):
        ring.emit(started("r1"))

    assert len(ring.trace("r1")) == MOST_EVENTS


def test_an_id_that_is_used_again_tells_of_its_latest_request_alone() -> None:
    ring = TraceRing(FixedClock(), most_requests=2)
    for event in (started("r1", "first"), completed("r1"), started("r2"), started("r1", "second")):
        ring.emit(event)

    assert [told.event for told in ring.trace("r1")] == [started("r1", "second")]
    assert ring.latest(10) == ("r1", "r2")


def test_how_a_long_story_ended_is_kept() -> None:
    ring = TraceRing(FixedClock())
    for _ in range(MOST_EVENTS * 3):
        ring.emit(started("r1"))
    ring.emit(completed("r1"))

    assert ring.trace("r1")[-1].event == completed("r1")
