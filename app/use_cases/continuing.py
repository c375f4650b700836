"""
An answer that another target goes on with when it breaks off, where the profile wants that.

Only a turn of nothing but words can be gone on with: nobody can finish another model's call or thoughts, and
an answer that must have a form would have none. The next target is asked for it like for any answer, past all
gates, with its own budget and its own place; what it thinks on the way is not told. The client sees one
stream: one beginning, one end, and the tokens of both.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from app.use_cases.plan import Plan
from app.use_cases.reply import Reply, ReplyFacts, folded
from domain.conversation.built import Built
from domain.conversation.parts import Text
from domain.conversation.reply import (
    Batch,
    Completion,
    Foreign,
    PartEnded,
    RedactedThinking,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    Usage,
    UsageReported,
)
from domain.conversation.request import ChatRequest, Message, Role
from domain.conversation.seam import Seam
from domain.events import Outcome
from domain.failures import UpstreamFailure
from domain.inventory.requests import ReplyContinued
from domain.ports.observation import EventSink
from domain.routing.targets import BrokenStreamAction

GoOn = Callable[[Reply, UpstreamFailure, str], Awaitable[Reply | None]]
"""Given the broken answer, why it broke and what was told of it: an answer that goes on, if anybody can."""

WISH = (
    "Your answer was cut off after these words, which I have. Go on exactly where it stopped: repeat nothing,"
    " and say nothing about the interruption."
)
"""What the next model reads after the words that were told."""

_MOST_KEPT = 256 * 1024
"""Characters of an answer that are kept for going on with it; a longer one is not."""

_UNTOLD = (ReplyStarted, ThinkingDelta, ThinkingSigned, RedactedThinking, Foreign)
"""What of a continuation has no place in an answer that has begun."""


def may_be_continued(plan: Plan) -> bool:
    """Whether its answer may be gone on with, as far as the request tells."""
    if plan.profile.on_broken_stream is not BrokenStreamAction.CONTINUE or plan.facts.choices > 1:
        return False
    sampling = plan.facts.sampling
    return sampling.answer_schema is None and sampling.top_logprobs is None


def gone_on(request: ChatRequest, said: str) -> ChatRequest | None:
    """The request to go on after ``said``; ``None`` when the client had begun the answer itself."""
    content = request.source.conversation()
    if content.messages[-1].role is Role.ASSISTANT:
        return None
    told = Message(role=Role.ASSISTANT, parts=(Text(text=said),))
    wish = Message(role=Role.USER, parts=(Text(text=WISH),))
    return replace(request, source=Built(replace(content, messages=(*content.messages, told, wish))))


class ContinuedReply(AsyncIterator[Batch]):
    """As `Reply`, over the first target's answer and those that go on with it."""

    def __init__(self, first: Reply, go_on: GoOn, sink: EventSink) -> None:
        self._now = first
        self._go_on = go_on
        self._sink = sink
        self._said: list[str] = []
        self._characters = 0
        self._is_plain = True
        self._seam: Seam | None = None
        self._before: Usage | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<ContinuedReply {self._characters} characters, now {self._now!r}>"

    @property
    def facts(self) -> ReplyFacts:
        return self._now.facts

    @property
    def model(self) -> str:
        return self._now.model

    @property
    def was_continued(self) -> bool:
        """Whether more than one target had a part in it."""
        return self._seam is not None

    @property
    def usage(self) -> Usage | None:
        """What all of them have counted so far."""
        return _sum(self._before, self._now.usage)

    @property
    def outcome(self) -> Outcome:
        return self._now.outcome

    @outcome.setter
    def outcome(self, outcome: Outcome) -> None:
        self._now.outcome = outcome

    async def __anext__(self) -> Batch:
        while True:
            try:
                batch = await anext(self._now)
            except UpstreamFailure as failure:
                if not await self._continued(failure):
                    raise
            else:
                told = self._told(batch)
                if told.events or told.wire is not None:
                    return told

    async def whole(self) -> Completion:
        """As `Reply.whole`."""
        return await folded(self)

    def senseless(self, error: Exception | str) -> UpstreamFailure:
        return self._now.senseless(error)

    async def aclose(self) -> None:
        """As `Reply.aclose`."""
        if not self._is_closed:
            await self._now.aclose()

    async def _continued(self, failure: UpstreamFailure) -> bool:
        """Whether another answer goes on from here."""
        said = "".join(self._said)
        if not (said and self._is_plain) or self._characters > _MOST_KEPT:
            return False
        broken, self._is_closed = self._now, True
        await broken.aclose()  # its place and its money are free before the next one wants some
        following = await self._go_on(broken, failure, said)
        if following is None:
            return False
        self._before = self.usage
        self._now, self._is_closed = following, False
        self._seam = Seam(said)
        self._sink.emit(
            ReplyContinued(
                request_id=broken.facts.request_id,
                from_provider=broken.facts.target.provider,
                to_provider=following.facts.target.provider,
                model=following.facts.target.model,
                characters=self._characters,
            )
        )
        return True

    def _told(self, batch: Batch) -> Batch:
        if self._seam is None:
            for event in batch.events:
                self._note(event)
            return batch
        return Batch(tuple(told for event in batch.events for told in self._joined(event, self._seam)))

    def _joined(self, event: ReplyEvent, seam: Seam) -> tuple[ReplyEvent, ...]:
        """What the client is told of an event of a continuation."""
        if isinstance(event, _UNTOLD):
            return ()
        if isinstance(event, TextDelta):
            text = seam.feed(event.text)
            told: tuple[ReplyEvent, ...] = (TextDelta(text),) if text else ()
        elif isinstance(event, UsageReported):
            return (UsageReported(_sum(self._before, event.usage) or event.usage),)
        else:
            rest = seam.close()
            told = (*([TextDelta(rest)] if rest else []), event)
        for each in told:
            self._note(each)
        return told

    def _note(self, event: ReplyEvent) -> None:
        match event:
            case TextDelta(text=text):
                self._said.append(text)
                self._characters += len(text)
            case ReplyStarted() | UsageReported() | PartEnded(call=None):
                pass
            case _:  # an answer that has finished needs nobody either
                self._is_plain = False


AnyReply: TypeAlias = Reply | ContinuedReply
"""An answer that has begun, whoever tells it to its end."""


def _sum(before: Usage | None, now: Usage | None) -> Usage | None:
    if before is None or now is None:
        return now or before
    return before.plus(now)
