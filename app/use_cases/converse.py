"""
Walks the chain until a target's answer begins.

Theory of operation. `Converse` returns a `Reply` only when the first content-bearing event has arrived.
Before that moment any failure may move the request to the next target, and the client has seen nothing;
after it none can. No flag says so: a `Reply` in hand *is* the commitment. What an attempt opens (the upstream
connection) lies on an exit stack whose `pop_all` marks the one place where it passes to the reply. What goes
along with the attempt is told of its end by the `Settlement`: here when no answer begins, else by the reply.
"""

from collections.abc import Sequence
from dataclasses import field, replace
from functools import partial

from app.use_cases.attempts import (
    ALONE,
    Attempting,
    Companion,
    Receipt,
    Settlement,
    admitted,
    settled_on_failure,
)
from app.use_cases.beginning import Begun, first_content
from app.use_cases.continuing import AnyReply, ContinuedReply, gone_on, may_be_continued
from app.use_cases.loop_guard import guarded
from app.use_cases.patience import Patience
from app.use_cases.plan import Plan, Planner
from app.use_cases.reply import Reply, ReplyFacts
from app.use_cases.shape import (
    leaves_room,
    refuses_past_thinking,
    renaming,
    reply_pipeline,
    request_losses,
    told,
    turns_repaired,
)
from app.use_cases.wake_hosts import NOBODY_SLEEPS, Waiting, Waking
from app.use_cases.walking import Walking
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.events import AttemptStarted, AttemptSucceeded
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.observation import EventSink
from domain.ports.providers import ProviderCall, ProviderDirectory
from domain.ports.time import Clock
from domain.routing.chain import Attempt
from domain.routing.selection import Wishes
from domain.routing.shaping import Omission, Shaping, shaping_for
from domain.routing.targets import ProviderSpec, RoutingTable, Target
from domain.routing.verdict import ChainFailed
from domain.values import value


@value(kw_only=True)
class Asked:
    """
    A client's request, and where it wished it to go.

    Attributes:
        receipt: where it is written down what the answer costs.
    """

    request: ChatRequest
    wishes: Wishes
    request_id: str
    receipt: Receipt = field(default_factory=Receipt)


@value(kw_only=True)
class _Errand:
    """
    A target's turn in the walk for one request.

    Attributes:
        failed: what was tried before it.
        trial_s: its provider is unhealthy and on trial; its first content is due within this.
    """

    asked: Asked
    plan: Plan
    target: Target
    spec: ProviderSpec
    failed: tuple[Attempt, ...]
    walking: Walking
    trial_s: float | None = None


class Converse:
    """Answers a request from the first target of its chain that can."""

    def __init__(
        self,
        table: RoutingTable,
        planner: Planner,
        directory: ProviderDirectory,
        sink: EventSink,
        clock: Clock,
        companions: Sequence[Companion] = ALONE,
        waking: Waking = NOBODY_SLEEPS,
    ) -> None:
        self._table = table
        self._planner = planner
        self._directory = directory
        self._sink = sink
        self._clock = clock
        self._companions = tuple(companions)
        self._waking = waking

    def plan(self, asked: Asked) -> Plan:
        """
        Where the request would go.

        Raises:
            UnknownChoice: the client named a profile or mode that does not exist.
            MalformedRequest: planning had to read the conversation, which cannot be understood.
            ToolLoopBroken: the model is in a loop, and the profile ends such runs.
        """
        plan = self._planner.plan(asked.request, asked.wishes, asked.request_id)
        return guarded(plan, asked.request, asked.request_id, self._sink)

    async def answer(self, asked: Asked, plan: Plan) -> AnyReply:
        """
        An answer that has begun. Whoever receives it must close it.

        Raises:
            ChainFailed: no target could answer.
            MalformedRequest: the request cannot be understood, or cannot be said to the target.
        """
        first = await self._walked(asked, plan)
        if not may_be_continued(plan):
            return first
        return ContinuedReply(first, partial(self._go_on, asked), self._sink)

    async def _go_on(self, asked: Asked, broken: Reply, failure: UpstreamFailure, said: str) -> Reply | None:
        """An answer of the targets that come after one that broke off, to where it stopped."""
        facts = broken.facts
        request = gone_on(asked.request, said)
        if request is None:
            return None
        order = facts.plan.order[facts.plan.order.index(facts.target) + 1 :]
        rest = replace(facts.plan, order=order, facts=facts.plan.facts.of(request))
        try:
            failed = (*facts.failed, Attempt(facts.target, failure))
            return await self._walked(replace(asked, request=request), rest, failed)
        except (ChainFailed, MalformedRequest):
            return None

    async def _walked(self, asked: Asked, plan: Plan, before: tuple[Attempt, ...] = ()) -> Reply:
        """What the first target says that can answer; ``before`` are attempts of earlier walks."""
        left_alone = partial(self._planner.left_alone, plan, asked.wishes.caller)
        walking = Walking(self._table, plan, asked.request_id, self._sink, left_alone)

        async def attempt(target: Target, failed: tuple[Attempt, ...]) -> Reply:
            spec = self._table.spec_of(target)
            errand = _Errand(
                asked=asked,
                plan=plan,
                target=target,
                spec=spec,
                failed=(*before, *failed),
                walking=walking,
                trial_s=walking.trial_s(target),
            )
            return await self._attempt(errand)

        return await walking.first(attempt)

    async def _attempt(self, errand: _Errand) -> Reply:
        """Asks once, and once more in other words if those would be taken."""
        shaping = shaping_for(errand.plan.facts, errand.spec, errand.asked.request.dialect)
        try:
            return await self._asked_once(errand, shaping)
        except UpstreamFailure as failure:
            mended = self._mended(errand, shaping, failure)
            if mended is None:
                raise
            errand.walking.tell_of_failure(errand.target, failure)
        return await self._asked_once(replace(errand, trial_s=None), mended)

    def _mended(self, errand: _Errand, shaping: Shaping, failure: UpstreamFailure) -> Shaping | None:
        """
        Without thinking if the target refuses how an earlier turn signed it; with less room for the answer if
        it has told by how much that was too much, for a prompt that fits; with other names for tools if it
        refuses these.
        """
        if refuses_past_thinking(failure, errand.asked.request):
            return shaping.without(Omission.PAST_THINKING, Omission.THINKING_REQUEST)
        if not leaves_room(failure.overflow):
            return renaming(shaping, failure, errand.plan.facts, errand.spec)
        spec = self._table.spec_of(errand.target)
        smaller = shaping_for(errand.plan.facts, spec, errand.asked.request.dialect)
        return smaller if smaller.most_output_tokens not in (None, shaping.most_output_tokens) else None

    async def _asked_once(self, errand: _Errand, shaping: Shaping) -> Reply:
        call = self._call(errand, shaping)
        pipeline = reply_pipeline(errand.spec, errand.asked.request, shaping.tooling)
        tickets = await admitted(self._companions, _attempting(errand, call))
        settlement = Settlement(tickets, self._clock)
        timeouts = self._table.timeouts(errand.plan.profile, errand.target)
        patience = Patience(timeouts.hurried(errand.trial_s))
        with settled_on_failure(settlement):
            self._tell_of_start(errand, call)
            begun = await self._begun(errand, call, patience, settlement)
        settlement.begun()
        self._sink.emit(_succeeded(errand, call, settlement.ttft_s))
        return Reply(
            ReplyFacts(
                request_id=errand.asked.request_id,
                plan=errand.plan,
                target=errand.target,
                failed=errand.failed,
                stream=call.stream,
            ),
            begun,
            patience,
            pipeline,
            settlement,
            self._sink,
        )

    async def _begun(
        self, errand: _Errand, call: ProviderCall, patience: Patience, settlement: Settlement
    ) -> Begun:
        """A request that cannot be said to the target ends the attempt in the books as well."""
        name = errand.target.provider
        waiting = Waiting(request_id=errand.asked.request_id, provider=name, until=patience.for_first())

        async def ask() -> Begun:
            settlement.asking()
            return await first_content(self._directory.providers[name], call, patience)

        try:
            return await self._waking.awake(waiting, ask)
        except MalformedRequest as fault:
            failure = UpstreamFailure(FailureKind.REQUEST_FAULT, str(fault))
            errand.walking.tell_of_failure(errand.target, failure)
            raise

    def _call(self, errand: _Errand, shaping: Shaping) -> ProviderCall:
        profile, target = errand.plan.profile, errand.target
        request = errand.asked.request
        return ProviderCall(
            request=request,
            request_id=errand.asked.request_id,
            model=target.model,
            stream=request.stream and errand.spec.capabilities.streaming is not False,
            system_suffix=_joined(self._table.system_suffix(profile, target), errand.plan.hint),
            connect_timeout_s=self._table.timeouts(profile, target).connect_s,
            shaping=shaping,
        )

    def _tell_of_start(self, errand: _Errand, call: ProviderCall) -> None:
        losses = request_losses(errand.asked.request, errand.spec, call.shaping)
        self._sink.emit(_started(errand, call, degraded=bool(losses)))
        for event in told(
            losses,
            request_id=errand.asked.request_id,
            provider=errand.target.provider,
            stream=call.stream,
        ):
            self._sink.emit(event)
        repaired = turns_repaired(
            errand.asked.request, errand.spec, call.shaping, request_id=errand.asked.request_id
        )
        if repaired is not None:
            self._sink.emit(repaired)


def _joined(*suffixes: str) -> str:
    return "\n\n".join(filter(None, suffixes))


def _attempting(errand: _Errand, call: ProviderCall) -> Attempting:
    return Attempting(
        request_id=errand.asked.request_id,
        request=errand.asked.request,
        facts=errand.plan.facts,
        wishes=errand.asked.wishes,
        profile=errand.plan.profile,
        target=errand.target,
        spec=errand.spec,
        stream=call.stream,
        shaping=call.shaping,
        trial_s=errand.trial_s,
        system_suffix=call.system_suffix,
        receipt=errand.asked.receipt,
    )


def _started(errand: _Errand, call: ProviderCall, *, degraded: bool) -> AttemptStarted:
    return AttemptStarted(
        request_id=errand.asked.request_id,
        profile=errand.plan.profile.name,
        provider=errand.target.provider,
        model=errand.target.model,
        stream=call.stream,
        degraded=degraded,
        output_limit=call.shaping.most_output_tokens,
    )


def _succeeded(errand: _Errand, call: ProviderCall, ttft_s: float | None) -> AttemptSucceeded:
    return AttemptSucceeded(
        request_id=errand.asked.request_id,
        provider=errand.target.provider,
        model=errand.target.model,
        stream=call.stream,
        ttft_ms=round((ttft_s or 0.0) * 1000, 1),
    )
