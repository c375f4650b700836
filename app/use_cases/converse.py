"""
Walks the chain until a target's answer begins.

Theory of operation. `Converse` returns a `Reply` only when the first content-bearing event has arrived.
Before that moment any failure may move the request to the next target, and the client has seen nothing;
after it none can. No flag says so: a `Reply` in hand *is* the commitment. What an attempt opens (the upstream
connection) lies on an exit stack whose `pop_all` marks the one place where it passes to the reply.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from app.use_cases.checked import CheckedBatches
from app.use_cases.patience import Patience, is_being_cancelled
from app.use_cases.plan import Plan, Planner
from app.use_cases.reply import Reply, ReplyFacts, close_stream
from app.use_cases.shape import refuses_past_thinking, reply_pipeline, request_losses, told
from domain.conversation.reply import Batch, bears_content
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    ChainUniformAuthFailure,
    FallbackOccurred,
)
from domain.failures import ChainMove, FailureKind, UpstreamFailure
from domain.ports.observation import EventSink
from domain.ports.providers import ChatProvider, ProviderCall, ProviderDirectory
from domain.ports.time import Clock
from domain.routing.chain import Attempt, FallbackChain, GiveUp, Try
from domain.routing.facts import Facts
from domain.routing.selection import Wishes
from domain.routing.shaping import Omission, Shaping, shaping_for
from domain.routing.targets import RoutingTable, Target, Timeouts
from domain.routing.verdict import ChainFailed, Walk, verdict

_MOST_HELD_BYTES = 1024 * 1024
_MOST_HELD_BATCHES = 10_000
"""What is kept of an answer that has not said a word; more will not become one."""

_ERROR_LENGTH = 500
"""Characters of an upstream's words that an event keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A client's request, and where it wished it to go."""

    request: ChatRequest
    wishes: Wishes
    request_id: str


@dataclass(frozen=True, slots=True)
class _Begun:
    """An answer whose first content is here; ``opened`` closes what the attempt opened."""

    held: tuple[Batch, ...]
    batches: CheckedBatches
    opened: AsyncExitStack


class Converse:
    """Answers a request from the first target of its chain that can."""

    def __init__(
        self,
        table: RoutingTable,
        planner: Planner,
        directory: ProviderDirectory,
        sink: EventSink,
        clock: Clock,
    ) -> None:
        self._table = table
        self._planner = planner
        self._directory = directory
        self._sink = sink
        self._clock = clock

    def plan(self, asked: Asked) -> Plan:
        """
        Where the request would go.

        Raises:
            UnknownChoice: the client named a profile or mode that does not exist.
            MalformedRequest: planning had to read the conversation, which cannot be understood.
        """
        return self._planner.plan(asked.request, asked.wishes, asked.request_id)

    async def answer(self, asked: Asked, plan: Plan) -> Reply:
        """
        An answer that has begun. Whoever receives it must close it.

        Raises:
            ChainFailed: no target could answer.
            MalformedRequest: the request cannot be understood, or cannot be said to the target.
        """
        chain = FallbackChain(plan.order, self._table.windows(plan.order))
        while True:
            match chain.next_step():
                case Try(target=target):
                    self._tell_of_move(asked, plan, chain.attempts, target)
                    try:
                        return await self._attempt(asked, plan, target, chain.attempts)
                    except UpstreamFailure as failure:
                        chain.record(target, failure)
                        self._tell_of_failure(asked, target, failure)
                case GiveUp(attempts=attempts):
                    self._tell_of_uniform_refusal(asked, plan, attempts)
                    walk = Walk(profile=plan.profile.name, attempts=attempts, barred=plan.barred)
                    raise ChainFailed(verdict(walk), attempts)

    async def _attempt(self, asked: Asked, plan: Plan, target: Target, failed: tuple[Attempt, ...]) -> Reply:
        """Asks once, and once more without thinking if the target refuses how an earlier turn signed it."""
        spec = self._table.providers[target.provider]
        shaping = shaping_for(Facts(asked.request), spec, asked.request.dialect)
        try:
            return await self._asked_once(asked, plan, target, failed, shaping)
        except UpstreamFailure as failure:
            if not refuses_past_thinking(failure, asked.request):
                raise
            self._tell_of_failure(asked, target, failure)
        bare = shaping.without(Omission.PAST_THINKING, Omission.THINKING_REQUEST)
        return await self._asked_once(asked, plan, target, failed, bare)

    async def _asked_once(
        self, asked: Asked, plan: Plan, target: Target, failed: tuple[Attempt, ...], shaping: Shaping
    ) -> Reply:
        timeouts = self._table.timeouts(plan.profile, target)
        patience = Patience(timeouts)
        call = self._call(asked, plan, target, timeouts, shaping)
        pipeline = reply_pipeline(self._table.providers[target.provider], asked.request)
        began_at = self._clock.monotonic()
        self._tell_of_start(asked, plan, target, call)
        begun = await self._begun(asked, target, call, patience)
        ttft_s = self._clock.monotonic() - began_at
        self._sink.emit(_succeeded(asked, target, call, ttft_s))
        facts = ReplyFacts(
            request_id=asked.request_id, plan=plan, target=target, failed=failed, stream=call.stream
        )
        return Reply(facts, begun.held, begun.batches, begun.opened, patience, pipeline, self._sink)

    async def _begun(self, asked: Asked, target: Target, call: ProviderCall, patience: Patience) -> _Begun:
        """A request that cannot be said to the target ends the attempt in the books as well."""
        try:
            return await _first_content(self._directory.providers[target.provider], call, patience)
        except MalformedRequest as fault:
            self._tell_of_failure(asked, target, UpstreamFailure(FailureKind.REQUEST_FAULT, str(fault)))
            raise

    def _call(
        self, asked: Asked, plan: Plan, target: Target, timeouts: Timeouts, shaping: Shaping
    ) -> ProviderCall:
        spec = self._table.providers[target.provider]
        return ProviderCall(
            request=asked.request,
            request_id=asked.request_id,
            model=target.model,
            stream=asked.request.stream and spec.capabilities.streaming is not False,
            system_suffix=self._table.system_suffix(plan.profile, target),
            connect_timeout_s=timeouts.connect_s,
            shaping=shaping,
        )

    def _tell_of_start(self, asked: Asked, plan: Plan, target: Target, call: ProviderCall) -> None:
        losses = request_losses(asked.request, self._table.providers[target.provider], call.shaping)
        self._sink.emit(_started(asked, plan, target, call, degraded=bool(losses)))
        for event in told(losses, request_id=asked.request_id, provider=target.provider, stream=call.stream):
            self._sink.emit(event)

    def _tell_of_move(self, asked: Asked, plan: Plan, failed: tuple[Attempt, ...], target: Target) -> None:
        if not failed:
            return
        moved = FallbackOccurred(
            request_id=asked.request_id,
            profile=plan.profile.name,
            from_provider=failed[-1].target.provider,
            to_provider=target.provider,
            reason=failed[-1].failure.kind,
        )
        self._sink.emit(moved)

    def _tell_of_failure(self, asked: Asked, target: Target, failure: UpstreamFailure) -> None:
        failed = AttemptFailed(
            request_id=asked.request_id,
            provider=target.provider,
            model=target.model,
            failure=failure.kind,
            status=failure.status,
            retryable=failure.consequence.move is not ChainMove.STOP,
            error=failure.message[:_ERROR_LENGTH],
        )
        self._sink.emit(failed)

    def _tell_of_uniform_refusal(self, asked: Asked, plan: Plan, attempts: tuple[Attempt, ...]) -> None:
        statuses = {attempt.failure.status for attempt in attempts}
        if len(attempts) != len(plan.order) or statuses not in ({401}, {403}):
            return
        event = ChainUniformAuthFailure(
            request_id=asked.request_id,
            profile=plan.profile.name,
            status=statuses.pop() or 0,
            count=len(attempts),
            providers=tuple(attempt.target.provider for attempt in attempts),
        )
        self._sink.emit(event)


async def _first_content(provider: ChatProvider, call: ProviderCall, patience: Patience) -> _Begun:
    """
    Everything up to and with the first content.

    Raises:
        UpstreamFailure: also for whatever else an adapter may raise: its faults stay its own.
    """
    async with AsyncExitStack() as opened:
        try:
            batches = CheckedBatches(provider.converse(call))
            opened.push_async_callback(close_stream, batches)
            held = await _held_back(batches, patience)
        except UpstreamFailure as failure:
            raise _before_content(failure) from failure
        except MalformedRequest:
            raise
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if is_being_cancelled(error):
                raise
            raise UpstreamFailure(FailureKind.ADAPTER_FAULT, f"{type(error).__name__}: {error}") from error
        return _Begun(held, batches, opened.pop_all())


async def _held_back(batches: CheckedBatches, patience: Patience) -> tuple[Batch, ...]:
    held: list[Batch] = []
    held_bytes = 0
    waiting = asyncio.timeout_at(patience.for_first())
    try:
        async with waiting:
            async for batch in batches:
                held.append(batch)
                if any(map(bears_content, batch.events)):
                    return tuple(held)
                held_bytes += len(batch.wire.data) if batch.wire is not None else 0
                if held_bytes > _MOST_HELD_BYTES or len(held) > _MOST_HELD_BATCHES:
                    raise UpstreamFailure(FailureKind.GARBLED, "the answer goes on without any content")
                waiting.reschedule(min(patience.for_first(), patience.for_next()))
    except TimeoutError as error:
        due_at = waiting.when()
        if waiting.expired() and due_at is not None:
            raise UpstreamFailure(FailureKind.SLOW, patience.missed(due_at)) from error
        raise
    raise UpstreamFailure(FailureKind.GARBLED, "the answer is empty")


def _before_content(failure: UpstreamFailure) -> UpstreamFailure:
    """A stream that breaks off before any content has broken nothing for the client: the next may answer."""
    if failure.kind is not FailureKind.BROKEN_OFF:
        return failure
    return UpstreamFailure(FailureKind.GARBLED, failure.message, status=failure.status)


def _started(
    asked: Asked, plan: Plan, target: Target, call: ProviderCall, *, degraded: bool
) -> AttemptStarted:
    return AttemptStarted(
        request_id=asked.request_id,
        profile=plan.profile.name,
        provider=target.provider,
        model=target.model,
        stream=call.stream,
        degraded=degraded,
        output_limit=call.shaping.most_output_tokens,
    )


def _succeeded(asked: Asked, target: Target, call: ProviderCall, ttft_s: float) -> AttemptSucceeded:
    return AttemptSucceeded(
        request_id=asked.request_id,
        provider=target.provider,
        model=target.model,
        stream=call.stream,
        ttft_ms=round(ttft_s * 1000, 1),
    )
