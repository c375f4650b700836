"""A server that stops cancels what is left; whoever waits for an answer is told so, in its dialect."""

import asyncio

import pytest

from adapters.inbound.http.conversation import InboundLimits
from domain.events import InternalFault, Outcome
from domain.inventory.requests import ReplyBrokenOff
from infrastructure.in_flight import InFlight
from tests.adapters.inbound.gateway import (
    BEGINNING,
    CHAT,
    MESSAGES,
    RESPONSES,
    Client,
    Gateway,
    chat,
    gateway,
)
from tests.fakes.scripted_provider import Silence

EACH = pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])


def error_type(path: str) -> str:
    return "overloaded_error" if path == MESSAGES else "server_error"


async def asked(house: Gateway) -> None:
    """Until the upstream has been asked, and the gateway waits for it."""
    async with asyncio.timeout(10):
        await house.providers["local"].asked.wait()
    await asyncio.sleep(0.02)


def body(*, stream: bool) -> dict[str, object]:
    return chat(stream=stream, input="hi")


@EACH
@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_has_heard_nothing_is_told_in_an_envelope(path: str, stream: bool) -> None:
    house = gateway(local=[[Silence()]])
    in_flight = InFlight(house.app)
    client = Client(in_flight, path, body(stream=stream))

    async with client.running() as running:
        await asked(house)
        await in_flight.end()
        answered = await running

    assert answered.status == 503
    assert answered.json["error"]["type"] == error_type(path)
    assert answered.headers["x-should-retry"] == "true"
    assert answered.headers["retry-after"] == "1"
    assert house.providers["local"].all_ended
    assert house.completed.outcome is Outcome.BROKEN_OFF


@EACH
async def test_a_whole_answer_in_the_making_is_told_in_an_envelope(path: str) -> None:
    house = gateway(local=[[BEGINNING, Silence()]])
    in_flight = InFlight(house.app)
    client = Client(in_flight, path, body(stream=False))

    async with client.running() as running:
        await asked(house)
        await in_flight.end()
        answered = await running

    assert answered.status == 503
    assert answered.json["error"]["type"] == error_type(path)
    assert house.providers["local"].all_ended
    assert house.completed.outcome is Outcome.BROKEN_OFF
    assert [event.reason for event in house.sink.of(ReplyBrokenOff)] == []


@EACH
async def test_a_stream_that_has_begun_ends_with_an_error_and_no_terminator(path: str) -> None:
    house = gateway(local=[[BEGINNING, Silence()]])
    in_flight = InFlight(house.app)
    client = Client(in_flight, path, body(stream=True))

    async with client.running() as running:
        await client.messages(2)
        await asyncio.sleep(0.02)
        await in_flight.end()
        answered = await running

    assert answered.is_complete
    assert b"the gateway is shutting down" in answered.chunks[-1]
    assert all(end not in answered.body for end in (b"[DONE]", b"message_stop", b"response.completed"))
    assert house.providers["local"].all_ended
    assert (house.completed.outcome, house.completed.status) == (Outcome.BROKEN_OFF, 200)
    assert house.sink.of(ReplyBrokenOff) == []
    assert house.sink.of(InternalFault) == []


async def test_a_stream_that_was_but_kept_alive_ends_with_an_error() -> None:
    limits = InboundLimits(stream_hold_s=0.01, ping_interval_s=0.05)
    house = gateway(local=[[Silence()]], limits=limits)
    in_flight = InFlight(house.app)
    client = Client(in_flight, CHAT, body(stream=True))

    async with client.running() as running:
        await client.messages(3)
        await in_flight.end()
        answered = await running

    assert answered.is_complete
    assert b"the gateway is shutting down" in answered.chunks[-1]


async def test_a_client_that_is_still_asking_is_told_too() -> None:
    house = gateway()
    in_flight = InFlight(house.app)
    client = Client(in_flight, CHAT, pieces=[])

    async with client.running() as running:
        await asyncio.sleep(0.02)
        await in_flight.end()
        answered = await running

    assert answered.status == 503
    assert house.completed.outcome is Outcome.BROKEN_OFF


async def test_a_client_that_does_not_listen_is_not_waited_for_long() -> None:
    house = gateway(local=[[BEGINNING, Silence()]])
    in_flight = InFlight(house.app)
    client = Client(in_flight, CHAT, body(stream=True), takes_s=60)

    async with client.running() as running:
        await client.messages(1)
        async with asyncio.timeout(8):
            await in_flight.end()
        assert running.done()

    assert house.completed.outcome is Outcome.BROKEN_OFF
    assert house.providers["local"].all_ended
