"""What is remembered of past requests, and how much."""

from domain.events import AttemptStarted, Stopped
from infrastructure.events.trace_ring import MOST_EVENTS, TraceRing
from tests.fakes.fixed_clock import FixedClock


def started(request_id: str, provider: str = "local") -> AttemptStarted:
    return AttemptStarted(request_id=request_id, profile="p", provider=provider, model="m", stream=True)


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
