"""Takes from an adapter only what it promised: each batch is checked once, as it comes."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import MappingProxyType

from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
    WeighedText,
    Wire,
)
from domain.failures import FailureKind, UpstreamFailure

_WORDS: Mapping[type, tuple[str, ...]] = MappingProxyType(
    {
        ReplyStarted: ("id", "model"),
        TextDelta: ("text",),
        WeighedText: ("text",),
        ThinkingDelta: ("text",),
        ThinkingSigned: ("signature",),
        RedactedThinking: ("data",),
        RefusalDelta: ("text",),
        ToolCallStarted: ("id", "name"),
        ToolCallDelta: ("arguments",),
        PartEnded: (),
        UsageReported: (),
        Finished: ("reason",),
        Foreign: ("dialect",),
    }
)
"""Every event of a reply, and which of its fields are words."""


class CheckedBatches(AsyncIterator[Batch]):
    """
    The batches of an adapter that may be anybody's.

    Iteration raises what the adapter raises, and `UpstreamFailure` for what is no batch, no event, or part of
    a tool call that never began.
    """

    def __init__(self, batches: AsyncGenerator[Batch, None]) -> None:
        self._batches = batches
        self._calls: set[tuple[int, int]] = set()

    def __repr__(self) -> str:
        return f"<CheckedBatches of {self._batches!r}>"

    async def __anext__(self) -> Batch:
        batch = await anext(self._batches)
        if not _is_batch(batch):
            raise _at_fault("no batch of events", batch)
        for event in batch.events:
            if type(event) is not TextDelta or type(event.text) is not str:  # what nearly every event is
                self._check(event)
        return batch

    async def aclose(self) -> None:
        await self._batches.aclose()

    def _check(self, event: ReplyEvent) -> None:
        if not _is_event(event):
            raise _at_fault("no sound event", event)
        if isinstance(event, ToolCallStarted):
            self._calls.add((event.choice, event.call))
        elif isinstance(event, ToolCallDelta | PartEnded) and not self._has_begun(event):
            raise UpstreamFailure(
                FailureKind.GARBLED, f"the answer makes no sense: tool call {event.call} never began"
            )

    def _has_begun(self, event: ToolCallDelta | PartEnded) -> bool:
        return event.call is None or (event.choice, event.call) in self._calls


def _at_fault(what: str, given: object) -> UpstreamFailure:
    words = f"the adapter gave {what}, but a {type(given).__name__}"
    return UpstreamFailure(FailureKind.ADAPTER_FAULT, words)


def _is_batch(batch: object) -> bool:
    if not isinstance(batch, Batch) or not isinstance(batch.events, tuple):
        return False
    return batch.wire is None or isinstance(batch.wire, Wire)


def _is_event(event: object) -> bool:
    words = _WORDS.get(type(event))
    if words is None:
        return False
    for name in words:  # noqa: SIM110  this runs for every word of every answer
        if not isinstance(getattr(event, name), str):
            return False
    return True
