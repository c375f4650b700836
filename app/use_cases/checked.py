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
from domain.conversation.telling import Telling
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

    Iteration raises what the adapter raises, and `UpstreamFailure` for what is no batch, no event, or comes
    out of order: encoders rely on it, and an upstream that speaks nonsense is not a fault of theirs.
    """

    def __init__(self, batches: AsyncGenerator[Batch, None]) -> None:
        self._batches = batches
        self._telling = Telling()

    def __repr__(self) -> str:
        return f"<CheckedBatches of {self._batches!r}>"

    async def __anext__(self) -> Batch:
        batch = await anext(self._batches)
        if not _is_batch(batch):
            raise _at_fault("no batch of events", batch)
        for event in batch.events:
            plain = type(event) is TextDelta and type(event.text) is str  # what nearly every event is
            if not plain or not self._telling.takes_text:
                self._check(event)
        return batch

    async def aclose(self) -> None:
        await self._batches.aclose()

    def _check(self, event: ReplyEvent) -> None:
        if not _is_event(event):
            raise _at_fault("no sound event", event)
        if fault := self._telling.disorder_of(event):
            raise UpstreamFailure(FailureKind.GARBLED, f"the answer makes no sense: {fault}")


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
