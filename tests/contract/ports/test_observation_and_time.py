"""Sinks and clocks keep their promises, the fakes as well as what is shipped."""

import io
from collections.abc import Callable
from types import MappingProxyType

import pytest

from domain.events import Stopped
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from infrastructure.clock import SystemClock
from infrastructure.events.event_log import EventLog
from infrastructure.events.fan_out import FanOut
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink


class Faulty:
    """What a sink must never be; `FanOut` has to bear it."""

    def emit(self, event: object) -> None:
        raise RuntimeError(repr(event))


def closed_log() -> EventSink:
    stream = io.BytesIO()
    log = EventLog(stream, level="info", as_json=True)
    log.close()
    stream.close()
    return log


SINKS: MappingProxyType[str, Callable[[], EventSink]] = MappingProxyType(
    {
        "the fake": RecordingSink,
        "a log": lambda: EventLog(io.BytesIO(), level="info", as_json=True),
        "a log that is closed": closed_log,
        "a fan-out with a faulty sink": lambda: FanOut(Faulty(), RecordingSink()),
        "a fan-out of nothing": FanOut,
    }
)


@pytest.mark.parametrize("sink", SINKS)
def test_a_sink_never_raises(sink: str) -> None:
    observed = SINKS[sink]()

    for _ in range(3):
        observed.emit(Stopped())


@pytest.mark.parametrize("clock", [SystemClock(), FixedClock()], ids=["the machine", "the fake"])
def test_a_clock_never_goes_back_and_knows_this_century(clock: Clock) -> None:
    readings = [clock.monotonic() for _ in range(100)]

    assert readings == sorted(readings)
    assert clock.time() > 1_700_000_000
