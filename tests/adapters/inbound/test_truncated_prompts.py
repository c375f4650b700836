"""Whoever cuts a prompt to its window without a word is found out."""

from collections.abc import Iterable

import pytest

from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyStarted,
    StopReason,
    TextDelta,
    Usage,
    UsageReported,
)
from domain.inventory.tokens import ContextTruncationSuspected
from tests.adapters.inbound.gateway import CHAT, Gateway, gateway, post

LONG = "The quick brown fox jumps over the lazy dog. " * 1000


def answering(usage: Usage) -> Iterable[Batch]:
    start = Batch((ReplyStarted("abc", "qwen3:8b"), TextDelta("Hello")))
    return (start, Batch((Finished(StopReason.END_TURN), UsageReported(usage))))


async def asked(prompt: object, usage: Usage, *, stream: bool = False) -> Gateway:
    house = gateway(local=(answering(usage),))
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    assert (await post(house, CHAT, body)).status == 200
    return house


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_that_was_cut_is_told_of(stream: bool) -> None:
    house = await asked(LONG, Usage(input_tokens=4096, output_tokens=3), stream=stream)

    (event,) = house.sink.of(ContextTruncationSuspected)
    assert (event.provider, event.model, event.prompt_tokens) == ("local", "qwen3:8b", 4096)
    assert event.estimated_tokens == pytest.approx(10_000, rel=0.15)


async def test_what_came_from_a_cache_was_read_too() -> None:
    house = await asked(LONG, Usage(input_tokens=96, cache_read_tokens=4000, output_tokens=3))

    assert len(house.sink.of(ContextTruncationSuspected)) == 1


@pytest.mark.parametrize(
    ("prompt", "counted"),
    [(LONG, 10_003), ("short", 4096), (LONG, 8000), ([{"type": "odd"}], 4096), (LONG, None)],
)
async def test_nothing_is_told_where_nothing_is_wrong(prompt: object, counted: int | None) -> None:
    house = await asked(prompt, Usage(input_tokens=counted, output_tokens=3))

    assert house.sink.of(ContextTruncationSuspected) == []
