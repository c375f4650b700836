"""A client that leaves stops, at any moment, the work that nobody waits for; and that is no error."""

import asyncio
from collections.abc import Callable

import pytest

from adapters.inbound.http.conversation import InboundLimits
from domain.conversation.reply import Batch, Finished, StopReason, Usage, UsageReported
from domain.events import Event, InternalFault, Outcome
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.level import Level
from domain.inventory.requests import ReplyBrokenOff
from tests.adapters.inbound.gateway import (
    BEGINNING,
    CHAT,
    END,
    MESSAGES,
    MIDDLE,
    Client,
    Gateway,
    chat,
    gateway,
)
from tests.fakes.scripted_provider import Pause, Silence

BOTH = pytest.mark.parametrize("path", [CHAT, MESSAGES])
LEFT_UNANSWERED = 499


def errors(house: Gateway) -> list[Event]:
    return [event for event in house.sink.events if event.level is Level.ERROR]


async def asked(house: Gateway) -> None:
    """Until the upstream has been asked."""
    async with asyncio.timeout(10):
        await house.providers["local"].asked.wait()


@BOTH
@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_before_the_first_word_closes_the_upstream(path: str, stream: bool) -> None:
    house = gateway(local=[[Silence()]])
    client = Client(house.app, path, chat(stream=stream))

    async with client.running() as running:
        await asked(house)
        client.leave()
        answered = await running

    assert house.providers["local"].all_ended
    assert answered.messages == []
    assert house.completed.outcome is Outcome.CLIENT_LEFT
    assert house.completed.status == LEFT_UNANSWERED
    assert house.providers["cloud"].calls == []
    assert errors(house) == []


@BOTH
async def test_leaving_in_the_midst_of_a_stream_closes_the_upstream(path: str) -> None:
    house = gateway(local=[[BEGINNING, MIDDLE, Silence()]])
    client = Client(house.app, path, chat(stream=True))

    async with client.running() as running:
        await client.messages(3)
        client.leave()
        answered = await running

    assert house.providers["local"].all_ended
    assert not answered.is_complete
    assert (house.completed.outcome, house.completed.status) == (Outcome.CLIENT_LEFT, 200)
    assert [event.reason for event in house.sink.of(ReplyBrokenOff)] == ["the client left"]
    assert errors(house) == []


@BOTH
async def test_leaving_in_the_midst_of_a_whole_answer_closes_the_upstream(path: str) -> None:
    house = gateway(local=[[BEGINNING, Silence()]])
    client = Client(house.app, path, chat())

    async with client.running() as running:
        await asked(house)
        await asyncio.sleep(0.02)
        client.leave()
        answered = await running

    assert house.providers["local"].all_ended
    assert answered.messages == []
    assert house.completed.outcome is Outcome.CLIENT_LEFT
    assert house.completed.provider == "local"
    assert errors(house) == []


async def test_leaving_while_the_stream_is_kept_alive_closes_the_upstream() -> None:
    limits = InboundLimits(stream_hold_s=0.01, ping_interval_s=0.05)
    house = gateway(local=[[Silence()]], limits=limits)
    client = Client(house.app, CHAT, chat(stream=True))

    async with client.running() as running:
        await client.messages(4)
        client.leave()
        await running

    assert house.providers["local"].all_ended
    assert (house.completed.outcome, house.completed.status) == (Outcome.CLIENT_LEFT, 200)


async def test_leaving_between_two_attempts_ends_the_walk() -> None:
    refused = UpstreamFailure(FailureKind.UNREACHABLE, "refused")
    house = gateway(local=[[refused]], cloud=[[Silence()]])
    client = Client(house.app, CHAT, chat())

    async with client.running() as running:
        await house.providers["cloud"].asked.wait()
        client.leave()
        await running

    assert house.providers["cloud"].all_ended
    assert house.completed.outcome is Outcome.CLIENT_LEFT


async def test_leaving_in_the_midst_of_the_body_asks_nobody() -> None:
    house = gateway()
    client = Client(house.app, CHAT, pieces=[b'{"messages":', b"..."])
    client.leave()
    client._pieces = []

    await client.run()

    assert house.providers["local"].calls == []
    assert house.completed.outcome is Outcome.CLIENT_LEFT
    assert house.completed.status == LEFT_UNANSWERED


@BOTH
async def test_a_connection_that_takes_no_more_bytes_is_a_client_that_left(path: str) -> None:
    house = gateway(local=[[BEGINNING, Pause(0.05), MIDDLE, Silence()]])
    client = Client(house.app, path, chat(stream=True))

    async with client.running() as running:
        await client.messages(2)
        client.hang_up()
        await running

    assert house.providers["local"].all_ended
    assert house.completed.outcome is Outcome.CLIENT_LEFT
    assert house.sink.of(InternalFault) == []


STOPPED = Batch((Finished(StopReason.END_TURN),))
COUNTED = Batch((UsageReported(Usage(input_tokens=7, output_tokens=3)),))


@pytest.mark.parametrize("left", [Client.leave, Client.hang_up], ids=["leaves", "takes no more"])
async def test_what_the_answer_took_is_heard_though_the_client_left_at_its_finish(
    left: Callable[[Client], None],
) -> None:
    house = gateway(local=[[BEGINNING, Pause(0.05), STOPPED, Pause(0.1), COUNTED, Silence()]])
    client = Client(house.app, CHAT, chat(stream=True))

    async with client.running() as running:
        await client.messages(2 if left is Client.hang_up else 3)
        left(client)
        await asyncio.sleep(0.1)
        client.leave()  # a server tells it, if late, of a connection that took no more
        await running

    assert house.providers["local"].all_ended
    assert house.completed.outcome is Outcome.CLIENT_LEFT
    assert (house.completed.input_tokens, house.completed.output_tokens) == (7, 3)
    assert errors(house) == []


async def test_a_ping_that_nobody_takes_ends_nothing_by_itself() -> None:
    limits = InboundLimits(stream_hold_s=0.01, ping_interval_s=0.02)
    house = gateway(local=[[Silence()]], limits=limits)
    client = Client(house.app, CHAT, chat(stream=True))

    async with client.running() as running:
        await client.messages(3)
        client.hang_up()
        await asyncio.sleep(0.1)
        assert not running.done()
        client.leave()
        await running

    assert house.completed.outcome is Outcome.CLIENT_LEFT
    assert errors(house) == []


@pytest.mark.parametrize("stream", [True, False])
async def test_a_disconnect_that_follows_the_last_byte_is_no_client_that_left(stream: bool) -> None:
    house = gateway()
    client = Client(house.app, CHAT, chat(stream=stream))

    async with client.running() as running:
        await client.complete()
        client.leave()
        await running

    assert house.completed.outcome is Outcome.ANSWERED


@BOTH
async def test_the_upstream_is_closed_exactly_when_the_request_ends(path: str) -> None:
    house = gateway(local=[[BEGINNING, Pause(0.01), END]])

    await Client(house.app, path, chat(stream=True)).run()

    assert house.providers["local"].all_ended
    assert len(house.providers["local"].calls) == 1
