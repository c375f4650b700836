"""An answer that has begun: the gateway is committed to it, and it owns the upstream connection."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from app.use_cases.attempts import Settlement
from app.use_cases.beginning import Begun, Contained
from app.use_cases.last_words import LastWords
from app.use_cases.patience import Patience, is_being_cancelled
from app.use_cases.plan import Plan
from app.use_cases.shape import told
from domain.conversation.fold import Folding
from domain.conversation.reply import (
    Batch,
    Completion,
    Finished,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.events import AnswerFailedMidstream, Outcome
from domain.failures import UpstreamFailure, broken_off
from domain.inventory.requests import ReplyBrokenOff
from domain.ports.observation import EventSink
from domain.repair.stages import Pipeline
from domain.routing.chain import Attempt
from domain.routing.targets import BrokenStreamAction, Target
from domain.values import value

_MOST_FOLDED = 64 * 1024 * 1024
"""Characters of an answer that is gathered whole; what exceeds them will never end."""

_USAGE_DUE_S = 0.5
"""How long after its client has left an upstream whose model has stopped may take to report the tokens: as
long as a client that leaves earlier may take to be noticed. Most report them within a few milliseconds."""

_ERROR_LENGTH = 500
"""Characters of an upstream's words that an event keeps."""


@value(kw_only=True)
class ReplyFacts:
    """How an answer came about: the plan, the target that gave it, the attempts that failed before."""

    request_id: str
    plan: Plan
    target: Target
    failed: tuple[Attempt, ...]
    stream: bool

    @property
    def attempts(self) -> int:
        return len(self.failed) + 1

    @property
    def fallback_reason(self) -> str:
        """Why the chain moved last; empty when the first target answered."""
        return str(self.failed[-1].failure.kind) if self.failed else ""


class Reply(AsyncIterator[Batch]):
    """
    The answer as it comes. Iterate it to its end or not, then `aclose` it: always, and once.

    Iteration raises `UpstreamFailure` of kind ``BROKEN_OFF`` when the upstream fails in the midst of the
    answer; what was told before stays true. Where the profile wants that, the answer ends as cut instead,
    with the same `outcome`.
    """

    def __init__(
        self,
        facts: ReplyFacts,
        begun: Begun,
        patience: Patience,
        pipeline: Pipeline,
        settlement: Settlement,
        sink: EventSink,
    ) -> None:
        self.facts = facts
        self.model = facts.target.model
        self.outcome = Outcome.CLIENT_LEFT
        self._held = deque(begun.held)
        self._batches = begun.batches
        self._last_words = LastWords(begun.batches)
        self._opened = begun.opened
        self._opened.push_async_callback(self._last_words.stop)
        self._patience = patience
        self._pipeline = pipeline
        self._settlement = settlement
        self._sink = sink
        self._failure: UpstreamFailure | None = None
        self._calls_tools = False
        self._is_cut = False

    def __repr__(self) -> str:
        return f"<Reply {self.facts.request_id} from {self.facts.target.provider}: {self.outcome}>"

    @property
    def usage(self) -> Usage | None:
        """What the upstream reported so far."""
        return self._settlement.usage

    async def __anext__(self) -> Batch:
        if self._is_cut:
            raise StopAsyncIteration
        while True:
            try:
                heard = await self._heard()
            except UpstreamFailure:
                if not self._ends_as_cut:
                    raise
                return self._cut()
            batch = self._shaped(heard)
            if batch.events or batch.wire is not None:
                return batch
            if heard is None:
                self.outcome = Outcome.ANSWERED
                raise StopAsyncIteration

    @property
    def _ends_as_cut(self) -> bool:
        """
        Nobody may run half a call; of several answers nobody could say which were cut; no answer ends twice.
        """
        plan = self.facts.plan
        if self._calls_tools or self._settlement.finished or plan.facts.choices > 1:
            return False
        return plan.profile.on_broken_stream is BrokenStreamAction.SURFACE

    def _cut(self) -> Batch:
        """What was held back, and the words of an answer that was too long: never those of a whole one."""
        self._is_cut = True
        held = self._shaped(None)
        return Batch((*held.events, Finished(StopReason.MAX_TOKENS)))

    async def _heard(self) -> Batch | None:
        """What the upstream says next; ``None`` when it has said all."""
        if self._held:
            return self._held.popleft()
        pace = self._patience.pace
        if pace is None:
            return await self._next()
        since = self._patience.now()
        batch = await self._next()
        if batch is not None and pace.is_too_slow(self._patience.now() - since, _characters_of(batch)):
            least = self._patience.timeouts.least_tokens_per_s
            raise self._cut_off(f"slower than {least:g} tokens a second in the midst of the answer")
        return batch

    async def _next(self) -> Batch | None:
        """As `_heard`, of what has not come yet."""
        deadline = self._patience.deadline
        try:
            with deadline.until(self._patience.for_next()):
                return await (self._last_words.next() if self._owes_usage else anext(self._batches))
        except StopAsyncIteration:
            if self._settlement.finished:
                return None
            raise self._cut_off("the answer ended without a word that it is complete") from None
        except UpstreamFailure as failure:
            raise self._cut_off(failure.message, failure) from failure
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if is_being_cancelled(error):
                raise
            words = self._patience.in_words() if deadline.has_passed else f"{type(error).__name__}: {error}"
            raise self._cut_off(words) from error

    def _shaped(self, heard: Batch | None) -> Batch:
        try:
            if heard is None:
                return self._pipeline.close()
            self._note(heard)
            return self._pipeline.feed(heard)
        except Exception as error:
            raise self._broken(_senseless(error)) from error

    async def whole(self) -> Completion:
        """
        The whole answer.

        Raises:
            UpstreamFailure: it broke off, or makes no sense as a whole.
        """
        return await folded(self)

    def senseless(self, error: Exception | str) -> UpstreamFailure:
        """The failure of an answer that came to its end and cannot be told."""
        return self._broken(error if isinstance(error, str) else _senseless(error))

    async def aclose(self) -> None:
        """
        Ends the upstream's work if it is still at it, and frees the connection. Never raises.

        Where the model has stopped and its client was gone before the upstream told what that took, the
        upstream is given a moment to tell it.
        """
        for batch in self._held:
            self._note(batch)
        try:
            if self.outcome is Outcome.CLIENT_LEFT and self._owes_usage:
                await self._hear_out()
        finally:
            self._settlement.ended(self.outcome, failure=self._failure)
            if self.outcome is Outcome.CLIENT_LEFT:
                self._tell_broken("the client left")
            self._tell_of_shaping()
            with Contained():
                await self._opened.aclose()

    @property
    def _owes_usage(self) -> bool:
        """Of several answers others may still be at work when the first one is finished."""
        return self._settlement.owes_usage and self.facts.plan.facts.choices == 1

    async def _hear_out(self) -> None:
        with Contained():
            try:
                async with asyncio.timeout(_USAGE_DUE_S):
                    while self._owes_usage:
                        self._note(await self._last_words.next())
            except StopAsyncIteration:
                self._settlement.heard_out = True

    def _note(self, batch: Batch) -> None:
        for event in batch.events:
            match event:
                case TextDelta(text=words) | ThinkingDelta(text=words) | ToolCallDelta(arguments=words):
                    self._settlement.characters += len(words)
                case UsageReported(usage=usage):
                    self._settlement.counted(usage)
                case ReplyStarted(model=model) if model:
                    self.model = model
                case ToolCallStarted():
                    self._calls_tools = True
                case Finished(choice=0):
                    self._settlement.finished = True
                case _:
                    pass

    def _cut_off(self, message: str, because: UpstreamFailure | None = None) -> UpstreamFailure:
        """The upstream failed, which the client may be told as an end."""
        return self._broken(message, because, surfaced=self._ends_as_cut)

    def _broken(
        self, message: str, because: UpstreamFailure | None = None, *, surfaced: bool = False
    ) -> UpstreamFailure:
        self.outcome = Outcome.BROKEN_OFF
        failure = broken_off(message, because)
        self._failure = failure
        self._sink.emit(
            AnswerFailedMidstream(
                request_id=self.facts.request_id,
                provider=self.facts.target.provider,
                model=self.facts.target.model,
                failure=failure.kind,
                status=failure.status,
                retryable=False,
                error=message[:_ERROR_LENGTH],
            )
        )
        self._tell_broken(message, surfaced=surfaced)
        return failure

    def _tell_of_shaping(self) -> None:
        facts = self.facts
        remarks = self._pipeline.remarks()
        for event in told(
            remarks, request_id=facts.request_id, provider=facts.target.provider, stream=facts.stream
        ):
            self._sink.emit(event)

    def _tell_broken(self, reason: str, *, surfaced: bool = False) -> None:
        self._sink.emit(
            ReplyBrokenOff(
                request_id=self.facts.request_id,
                provider=self.facts.target.provider,
                model=self.facts.target.model,
                reason=reason[:_ERROR_LENGTH],
                surfaced=surfaced,
            )
        )


def _characters_of(batch: Batch) -> int:
    """How much of the answer it tells: text, thinking, and arguments of calls."""
    characters = 0
    for event in batch.events:
        match event:
            case TextDelta(text=words) | ThinkingDelta(text=words) | ToolCallDelta(arguments=words):
                characters += len(words)
            case _:
                pass
    return characters


class Telling(Protocol):
    """An answer that is being told, by one target or by several after one another."""

    def __aiter__(self) -> AsyncIterator[Batch]: ...

    def senseless(self, error: Exception | str) -> UpstreamFailure: ...


async def folded(reply: Telling) -> Completion:
    """
    The whole of an answer.

    Raises:
        UpstreamFailure: it broke off, or makes no sense as a whole.
    """
    folding = Folding()
    async for batch in reply:
        try:
            folding.add(batch)
        except Exception as error:
            raise reply.senseless(error) from error
        if folding.weight > _MOST_FOLDED:
            raise reply.senseless("the answer is too large to be told as a whole")
    try:
        return folding.completion()
    except Exception as error:
        raise reply.senseless(error) from error


def _senseless(error: Exception) -> str:
    return f"the answer makes no sense: {error!r}"
