"""Answers as they are made: held back, kept alive, and honest about their end."""

import asyncio
import itertools
import json
import time

import pytest

from adapters.inbound.http.conversation import InboundLimits
from domain.conversation.reply import Batch, Finished, ReplyStarted, StopReason, TextDelta, Wire
from domain.events import InternalFault, Outcome
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.requests import ReplyBrokenOff
from domain.routing.targets import Timeouts
from tests.adapters.inbound.gateway import (
    ANSWER,
    BEGINNING,
    CHAT,
    END,
    MESSAGES,
    MIDDLE,
    RESPONSES,
    Answered,
    Client,
    chat,
    gateway,
    post,
)
from tests.fakes.scripted_provider import Act, Pause, Silence

BOTH = pytest.mark.parametrize("path", [CHAT, MESSAGES])
IMPATIENT = InboundLimits(stream_hold_s=0.02, ping_interval_s=0.1)
UNREACHABLE = UpstreamFailure(FailureKind.UNREACHABLE, "connection refused")


def comments_only(before_commit: bytes, path: str) -> bool:
    """Whether a stream carries nothing but what its dialect allows before an answer."""
    frames = [frame for frame in before_commit.split(b"\n\n") if frame]
    if path == CHAT:
        return all(frame.startswith(b":") for frame in frames)
    return all(frame.startswith(b"event: ping\n") for frame in frames)


def data_of(answered: Answered) -> list[bytes]:
    lines = answered.body.split(b"\n")
    return [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]


async def test_a_chat_stream_ends_with_done() -> None:
    answered = await post(gateway(), CHAT, chat(stream=True))

    *chunks, last = data_of(answered)
    assert last == b"[DONE]"
    words = [json.loads(chunk)["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(words) == "Hello, world"
    assert answered.is_complete


async def test_a_messages_stream_ends_with_message_stop() -> None:
    answered = await post(gateway(), MESSAGES, chat(stream=True))

    names = [json.loads(data)["type"] for data in data_of(answered)]
    assert (names[0], names[-1]) == ("message_start", "message_stop")


@BOTH
async def test_a_stream_says_what_it_is_and_how_it_came_about(path: str) -> None:
    answered = await post(gateway(local=[[UNREACHABLE]]), path, chat(stream=True))

    assert answered.status == 200
    assert answered.headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        "x-request-id": "id-1",
        "x-coderouter-profile": "default",
        "x-coderouter-rule": "default-profile",
        "x-coderouter-provider": "cloud",
        "x-coderouter-model": "qwen3-8b",
        "x-coderouter-attempts": "2",
        "x-coderouter-fallback-reason": "unreachable",
    }


async def test_what_arrives_together_is_written_at_once() -> None:
    answered = await post(gateway(), CHAT, chat(stream=True))

    assert len(answered.chunks) == 4  # three batches, and the end


async def test_an_upstream_of_the_same_dialect_is_passed_on_byte_for_byte() -> None:
    frames = b'data: {"id":"c","model":"gpt-9","odd":1,"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    begin = Batch((ReplyStarted("c", "gpt-9"), TextDelta("Hi")), Wire("openai_chat", frames))
    end = b'data: {"id":"c","model":"gpt-9","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    script: list[Act] = [begin, Batch((Finished(StopReason.END_TURN),), Wire("openai_chat", end))]

    answered = await post(gateway(local=[script]), CHAT, chat(stream=True))

    assert answered.body == frames + end + b"data: [DONE]\n\n"


@BOTH
async def test_a_chain_that_fails_within_the_hold_back_has_a_real_status(path: str) -> None:
    slow_failure: list[Act] = [Pause(0.05), UNREACHABLE]
    house = gateway(local=[slow_failure], cloud=[[UNREACHABLE]])

    answered = await post(house, path, chat(stream=True))

    assert answered.status == 502
    assert answered.headers["content-type"] == "application/json"
    assert answered.headers["x-should-retry"] == "true"
    assert answered.headers["x-coderouter-attempts"] == "2"
    assert house.completed.outcome is Outcome.FAILED


@BOTH
async def test_a_stream_held_too_long_begins_with_pings_and_can_still_fall_back(path: str) -> None:
    house = gateway(local=[[Pause(0.5), UNREACHABLE]], limits=IMPATIENT)
    client = Client(house.app, path, chat(stream=True))

    async with client.running() as running:
        await client.messages(3)
        early = client.answered.body
        answered = await running

    assert comments_only(early, path)
    assert answered.status == 200
    assert answered.headers["x-coderouter-profile"] == "default"
    assert "x-coderouter-provider" not in answered.headers
    assert b"Hello" in answered.body
    assert answered.is_complete
    assert (house.completed.provider, house.completed.attempts) == ("cloud", 2)


@BOTH
async def test_a_chain_that_fails_after_the_head_went_out_says_so_in_the_stream(path: str) -> None:
    house = gateway(local=[[Pause(0.3), UNREACHABLE]], cloud=[[UNREACHABLE]], limits=IMPATIENT)

    answered = await post(house, path, chat(stream=True))

    assert answered.status == 200
    error = json.loads(data_of(answered)[-1])["error"]
    assert "connection refused" in error["message"]
    assert error["type"] == ("server_error" if path == CHAT else "api_error")
    assert b"[DONE]" not in answered.body
    assert b"message_stop" not in answered.body
    assert answered.is_complete
    assert (house.completed.outcome, house.completed.status) == (Outcome.FAILED, 200)


@BOTH
async def test_a_stream_that_breaks_off_ends_with_an_error_and_no_terminator(path: str) -> None:
    broken = UpstreamFailure(FailureKind.BROKEN_OFF, "connection reset")
    house = gateway(local=[[BEGINNING, MIDDLE, broken]])

    answered = await post(house, path, chat(stream=True))

    assert b"world" in answered.body
    assert "connection reset" in json.loads(data_of(answered)[-1])["error"]["message"]
    assert b"[DONE]" not in answered.body
    assert b"message_stop" not in answered.body
    assert answered.is_complete
    assert house.completed.outcome is Outcome.BROKEN_OFF
    assert house.providers["local"].all_ended
    assert len(house.sink.of(ReplyBrokenOff)) == 1


@BOTH
async def test_an_upstream_that_stops_without_an_end_is_no_success(path: str) -> None:
    answered = await post(gateway(local=[[BEGINNING]]), path, chat(stream=True))

    assert b"error" in answered.body
    assert b"[DONE]" not in answered.body
    assert b"message_stop" not in answered.body


@BOTH
async def test_an_upstream_that_falls_silent_is_told_in_the_stream(path: str) -> None:
    house = gateway(local=[[BEGINNING, Silence()]], timeouts=Timeouts(idle_s=0.1))

    answered = await post(house, path, chat(stream=True))

    assert "silent for 0.1 s" in json.loads(data_of(answered)[-1])["error"]["message"]
    assert house.providers["local"].all_ended


@BOTH
async def test_no_stream_is_silent_longer_than_the_interval(path: str) -> None:
    limits = InboundLimits(stream_hold_s=0.1, ping_interval_s=0.3)
    script: list[Act] = [Pause(1.0), BEGINNING, Pause(0.7), MIDDLE, Pause(0.05), MIDDLE, Pause(0.7), END]
    house = gateway(local=[script], limits=limits)
    began_at = asyncio.get_running_loop().time()

    answered = await post(house, path, chat(stream=True))

    times = [began_at, *answered.sent_at]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) < 5 * 0.3
    pings = answered.body.count(b": ping" if path == CHAT else b"event: ping")
    assert 5 <= pings <= 12
    assert house.completed.outcome is Outcome.ANSWERED


async def test_a_busy_stream_carries_no_pings() -> None:
    words: list[Act] = [Pause(0.05), MIDDLE]
    script = [BEGINNING, *words * 10, END]
    limits = InboundLimits(stream_hold_s=5, ping_interval_s=2)

    answered = await post(gateway(local=[script], limits=limits), CHAT, chat(stream=True))

    assert b": ping" not in answered.body


async def test_the_first_ping_keeps_the_interval_even_if_the_hold_back_is_longer() -> None:
    house = gateway(
        local=[[Pause(0.5), *ANSWER]], limits=InboundLimits(stream_hold_s=30, ping_interval_s=0.1)
    )

    answered = await post(house, CHAT, chat(stream=True))

    assert answered.body.startswith(b": ping\n\n")


LATE = InboundLimits(stream_hold_s=0.01, ping_interval_s=0.3)


async def lagging(path: str, script: list[Act], after_messages: int) -> Answered:
    """The answer of a gateway whose loop stands still while a ping falls due, and the upstream goes on."""
    house = gateway(local=[script], limits=LATE)
    client = Client(house.app, path, chat(stream=True, input="hi"))
    async with client.running() as running:
        await client.messages(after_messages)
        await asyncio.sleep(0.05)
        time.sleep(0.6)  # noqa: ASYNC251  it is the lag
        answered = await running
    assert house.completed.outcome is Outcome.ANSWERED
    return answered


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_a_ping_that_is_due_just_as_the_stream_ends_does_not_cost_its_end(path: str) -> None:
    answered = await lagging(path, [BEGINNING, END, Pause(0.2)], after_messages=3)

    last = {CHAT: b"[DONE]", MESSAGES: b"message_stop", RESPONSES: b"response.completed"}[path]
    assert last in answered.chunks[-1]
    assert answered.is_complete


async def test_a_ping_that_is_due_just_as_words_come_is_counted_in_the_order_it_is_sent() -> None:
    answered = await lagging(RESPONSES, [BEGINNING, Pause(0.2), MIDDLE, END], after_messages=2)

    numbers = [json.loads(data)["sequence_number"] for data in data_of(answered)]
    assert numbers == list(range(len(numbers)))


async def test_a_slow_client_never_gets_two_things_at_once() -> None:
    words: list[Act] = [MIDDLE, Pause(0.03)]
    limits = InboundLimits(stream_hold_s=0.01, ping_interval_s=0.02)
    house = gateway(local=[[Pause(0.05), BEGINNING, *words * 5, END]], limits=limits)
    client = Client(house.app, CHAT, chat(stream=True), takes_s=0.03)

    answered = await client.run()

    assert client.most_at_once == 1
    assert answered.body.endswith(b"data: [DONE]\n\n")


@BOTH
async def test_a_bug_of_ours_in_the_midst_of_a_stream_is_an_error_there(path: str) -> None:
    unwritable: list[Act] = [BEGINNING, Batch((TextDelta("\ud800"),)), END]
    house = gateway(local=[unwritable])

    answered = await post(house, path, chat(stream=True))

    assert "internal error" in json.loads(data_of(answered)[-1])["error"]["message"]
    assert b"[DONE]" not in answered.body
    assert b"message_stop" not in answered.body
    assert len(house.sink.of(InternalFault)) == 1
    assert house.sink.of(ReplyBrokenOff) == []
    assert house.completed.outcome is Outcome.FAILED
    assert house.providers["local"].all_ended


async def test_usage_of_a_stream_reaches_the_completed_event() -> None:
    house = gateway()

    await post(house, CHAT, chat(stream=True))

    assert house.completed.stream
    assert (house.completed.input_tokens, house.completed.output_tokens) == (7, 3)


async def test_a_stream_tells_how_long_its_first_words_took() -> None:
    house = gateway(local=[[Pause(0.2), *ANSWER]])
    client = Client(house.app, CHAT, chat(stream=True))

    async with client.running() as running:
        await asyncio.sleep(0.05)
        house.clock.advance(1.5)
        await running

    assert house.completed.ttft_ms == 1500.0
