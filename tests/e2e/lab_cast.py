"""
Adapters as somebody might write them, most of them badly; a configuration names them by their path.

The options say when it happens: before the answer, or in its midst.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

from adapters.outbound.kit import ProviderKit
from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import EmbeddingCall, Embeddings, ProviderCall
from domain.routing.targets import ProviderSpec

USAGE = Usage(input_tokens=19, output_tokens=7)


class Sound:
    """Answers as it should, embeds and counts."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        self._spec = spec

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield Batch((ReplyStarted(model="lab-7"),))
        for word in ("hello", " world"):
            yield Batch((TextDelta(word),))
        for tool in call.request.conversation.tools:
            yield Batch((TextDelta(f" with {tool}"),))
        yield Batch((Finished("end_turn"), UsageReported(USAGE)))

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        body = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"lab-7"}'
        return Embeddings(body=body, model="lab-7", usage=Usage(input_tokens=3))

    async def count_tokens(self, call: ProviderCall) -> int:
        return 42


class Nasty(Sound):
    """Misbehaves as its options say."""

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        if self._spec.options.get("begun"):
            yield Batch((TextDelta("hello"),))
        async with contextlib.aclosing(self._misbehaves(call)) as batches:
            async for batch in batches:
                yield batch

    async def _misbehaves(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        way = str(self._spec.options["way"])
        if way in ERRORS:
            raise ERRORS[way]
        if way in ACTS:
            async with contextlib.aclosing(ACTS[way](call)) as batches:
                async for batch in batches:
                    yield batch
        else:
            yield cast("Batch", GARBAGE[way])
        yield Batch(())


ERRORS: dict[str, BaseException] = {
    "key-error": KeyError("choices"),
    "exits": SystemExit(3),
    "interrupts": KeyboardInterrupt(),
    "wild": BaseException("wild"),
    "cancels": asyncio.CancelledError(),
    "odd-kind": UpstreamFailure(cast("Any", "no-such-kind"), "odd"),
    "odd-status": UpstreamFailure(FailureKind.OVERLOADED, "odd", status=cast("Any", "503")),
}


async def cancels_itself(call: ProviderCall) -> AsyncGenerator[Batch, None]:
    cast("asyncio.Task[None]", asyncio.current_task()).cancel()
    await asyncio.sleep(1)
    yield Batch(())


async def hangs(call: ProviderCall) -> AsyncGenerator[Batch, None]:
    await asyncio.Event().wait()
    yield Batch(())


async def ignores_cancellation(call: ProviderCall) -> AsyncGenerator[Batch, None]:
    for _ in range(1_000_000):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
    yield Batch(())


async def blocks_closing(call: ProviderCall) -> AsyncGenerator[Batch, None]:
    try:
        yield cast("Batch", None)
    finally:
        await asyncio.sleep(3600)


async def ends(call: ProviderCall) -> AsyncGenerator[Batch, None]:
    for batch in list[Batch]():
        yield batch


async def mutates(call: ProviderCall) -> AsyncGenerator[Batch, None]:
    tool = cast("Any", call.request.conversation.tools[0])
    tool.parameters.clear()
    yield cast("Batch", None)


async def goes_on(call: ProviderCall) -> AsyncGenerator[Batch, None]:
    for number in range(5):
        yield Batch((Finished("end_turn"), TextDelta(str(number))))


ACTS: dict[str, Callable[[ProviderCall], AsyncGenerator[Batch, None]]] = {
    "cancels-itself": cancels_itself,
    "hangs": hangs,
    "ignores-cancellation": ignores_cancellation,
    "blocks-closing": blocks_closing,
    "ends": ends,
    "mutates": mutates,
    "goes-on": goes_on,
}


def _event(event: object) -> Batch:
    return Batch((cast("ReplyEvent", event),))


GARBAGE: dict[str, object] = {
    "none": None,
    "text": "hello",
    "event": TextDelta("hello"),
    "list": Batch(cast("Any", [TextDelta("hello")])),
    "half-a-pair": _event(TextDelta("\ud83d")),
    "no-text": _event(TextDelta(cast("Any", None))),
    "no-number": _event(TextDelta("hello", choice=cast("Any", "0"))),
    "negative": _event(UsageReported(Usage(input_tokens=-5))),
    "huge": _event(UsageReported(Usage(input_tokens=10**40))),
    "no-usage": _event(UsageReported(cast("Any", {"input_tokens": 1}))),
    "no-call": _event(ToolCallDelta(7, "{")),
    "odd-call": _event(ToolCallStarted(0, cast("Any", None), cast("Any", 7))),
    "odd-part": _event(PartEnded(call=99)),
}


class Dumb:
    """Has no idea of generators."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        self._spec = spec

    async def converse(self, call: ProviderCall) -> None:
        """Gives a coroutine."""
