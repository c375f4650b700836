"""Sinks and clocks keep their promises, the fakes as well as what is shipped."""

import asyncio
import io
from collections.abc import Callable
from types import MappingProxyType

import pytest

from domain.events import Event, ModeAliasResolved
from domain.inventory.lifetime import Stopped
from domain.ports.observation import EventSink, UnhurriedSink
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


def told(which: str) -> Event:
    return ModeAliasResolved(request_id=which, mode="m", profile="p")


def failing() -> Event:
    raise RuntimeError("no event")


async def turns() -> None:
    """Enough turns of the loop for whatever was put off."""
    for _ in range(20):
        await asyncio.sleep(0)


def unhurried() -> dict[str, tuple[UnhurriedSink, RecordingSink]]:
    fake, behind = RecordingSink(), RecordingSink()
    return {"the fake": (fake, fake), "a fan-out": (FanOut(Faulty(), behind), behind)}


@pytest.mark.parametrize("sink", unhurried())
async def test_an_event_that_takes_a_while_keeps_its_place_and_one_that_fails_is_left_out(sink: str) -> None:
    observed, heard = unhurried()[sink]
    for turn in ("first", "second"):
        observed.emit(told(f"{turn} before"))
        observed.emit_soon(lambda turn=turn: told(f"{turn} slow"))  # type: ignore[misc]
        observed.emit_soon(failing)
        observed.emit(told(f"{turn} after"))
        await turns()

    assert [event.request_id for event in heard.of(ModeAliasResolved)] == [
        f"{turn} {place}" for turn in ("first", "second") for place in ("before", "slow", "after")
    ]


@pytest.mark.parametrize("sink", unhurried())
def test_an_event_that_takes_a_while_is_told_at_once_where_no_loop_turns(sink: str) -> None:
    observed, heard = unhurried()[sink]
    observed.emit_soon(lambda: told("slow"))

    assert [event.request_id for event in heard.of(ModeAliasResolved)] == ["slow"]


async def test_a_fan_out_first_lets_others_have_the_loop() -> None:
    heard = RecordingSink()
    FanOut(heard).emit_soon(lambda: told("slow"))
    await asyncio.sleep(0)
    assert heard.events == []

    await turns()
    assert len(heard.events) == 1


@pytest.mark.parametrize("clock", [SystemClock(), FixedClock()], ids=["the machine", "the fake"])
def test_a_clock_never_goes_back_and_knows_this_century(clock: Clock) -> None:
    readings = [clock.monotonic() for _ in range(100)]

    assert readings == sorted(readings)
    assert clock.time() > 1_700_000_000
