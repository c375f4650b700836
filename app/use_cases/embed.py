"""Gets embeddings from the first target of the chain that has them."""

import asyncio
from collections.abc import Iterator, Sequence
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
from app.use_cases.patience import Patience
from app.use_cases.plan import Plan, Planner
from app.use_cases.wake_hosts import NOBODY_SLEEPS, Waiting, Waking
from app.use_cases.walking import Walking
from domain.conversation.request import ChatRequest, Conversation, Measure, Message, Role, newest_of
from domain.events import AttemptStarted, AttemptSucceeded, Outcome
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.observation import EventSink
from domain.ports.providers import EmbeddingCall, EmbeddingProvider, Embeddings, ProviderDirectory
from domain.ports.time import Clock
from domain.routing.chain import Attempt
from domain.routing.gates import BarReason, Barred, Capability
from domain.routing.selection import Wishes
from domain.routing.targets import RoutingTable, Target
from domain.values import value

EMBEDDINGS = "openai_embeddings"
"""The language of these requests, as events name it."""


@value(kw_only=True)
class EmbeddingsAsked:
    """
    A client's request for embeddings, with the body as it came.

    Attributes:
        receipt: where it is written down what the embeddings cost.
    """

    body: bytes
    model: str
    wishes: Wishes
    request_id: str
    receipt: Receipt = field(default_factory=Receipt)


@value(kw_only=True)
class Embedded:
    """Embeddings, who gave them, and the attempts that failed before."""

    embeddings: Embeddings
    target: Target
    failed: tuple[Attempt, ...]


class Embed:
    """Walks the chain as conversations do, past the providers that embed nothing."""

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

    def __repr__(self) -> str:
        return f"<Embed through {self._planner!r}>"

    def plan(self, asked: EmbeddingsAsked) -> Plan:
        """
        Where the request would go.

        Raises:
            UnknownChoice: the client named a profile or mode that does not exist.
        """
        plan = self._planner.plan(_as_conversation(asked), asked.wishes, asked.request_id)
        able = tuple(target for target in plan.order if self._embeds(target))
        unable = tuple(
            Barred(target, BarReason.INCAPABLE, lacks=(Capability.EMBEDDINGS,))
            for target in plan.order
            if target not in able
        )
        return replace(plan, order=able, barred=(*plan.barred, *unable))

    async def embeddings(self, asked: EmbeddingsAsked, plan: Plan) -> Embedded:
        """
        The embeddings.

        Raises:
            ChainFailed: no target could give them.
        """

        left_alone = partial(self._planner.left_alone, plan, asked.wishes.caller)
        walking = Walking(self._table, plan, asked.request_id, self._sink, left_alone)

        async def attempt(target: Target, failed: tuple[Attempt, ...]) -> Embedded:
            found = await self._attempt(asked, plan, target, walking.trial_s(target))
            return Embedded(embeddings=found, target=target, failed=failed)

        return await walking.first(attempt)

    def _embeds(self, target: Target) -> bool:
        return isinstance(self._directory.providers[target.provider], EmbeddingProvider)

    async def _attempt(
        self, asked: EmbeddingsAsked, plan: Plan, target: Target, trial_s: float | None
    ) -> Embeddings:
        tickets = await admitted(self._companions, self._attempting(asked, plan, target, trial_s))
        settlement = Settlement(tickets, self._clock)
        self._sink.emit(
            AttemptStarted(
                request_id=asked.request_id,
                profile=plan.profile.name,
                provider=target.provider,
                model=target.model,
                stream=False,
            )
        )
        with settled_on_failure(settlement):
            found = await self._asked(asked, plan, target, trial_s)
        settlement.begun()
        if found.usage is not None:
            settlement.counted(found.usage)
        settlement.ended(Outcome.ANSWERED)
        self._sink.emit(
            AttemptSucceeded(
                request_id=asked.request_id,
                provider=target.provider,
                model=target.model,
                stream=False,
                ttft_ms=round((settlement.ttft_s or 0.0) * 1000, 1),
            )
        )
        return found

    def _attempting(
        self, asked: EmbeddingsAsked, plan: Plan, target: Target, trial_s: float | None
    ) -> Attempting:
        return Attempting(
            request_id=asked.request_id,
            request=_as_conversation(asked),
            facts=plan.facts,
            wishes=asked.wishes,
            profile=plan.profile,
            target=target,
            spec=self._table.providers[target.provider],
            stream=False,
            trial_s=trial_s,
            receipt=asked.receipt,
        )

    async def _asked(
        self, asked: EmbeddingsAsked, plan: Plan, target: Target, trial_s: float | None
    ) -> Embeddings:
        provider = self._directory.providers[target.provider]
        if not isinstance(provider, EmbeddingProvider):
            raise UpstreamFailure(FailureKind.ADAPTER_FAULT, "the provider embeds nothing")
        timeouts = self._table.timeouts(plan.profile, target).hurried(trial_s)
        call = EmbeddingCall(
            body=asked.body,
            request_id=asked.request_id,
            model=target.model,
            connect_timeout_s=timeouts.connect_s,
        )
        patience = Patience(timeouts)
        deadline = asyncio.timeout_at(patience.for_first())
        waiting = Waiting(request_id=asked.request_id, provider=target.provider, until=patience.for_first())
        try:
            async with deadline:
                return await self._waking.awake(waiting, lambda: provider.embed(call))
        except UpstreamFailure:
            raise
        except Exception as error:
            if deadline.expired():
                raise UpstreamFailure(FailureKind.SLOW, patience.missed(patience.for_first())) from error
            raise UpstreamFailure(FailureKind.ADAPTER_FAULT, f"{type(error).__name__}: {error}") from error


def _as_conversation(asked: EmbeddingsAsked) -> ChatRequest:
    """For planning and accounting, which ask of embeddings no more than the model's name and the size."""
    return ChatRequest(dialect=EMBEDDINGS, model=asked.model, source=_Texts(asked.body), generates=False)


@value
class _Texts:
    """A request for embeddings as a source: it says nothing, but it has a size."""

    body: bytes

    def conversation(self) -> Conversation:
        return _NOTHING_SAID

    def newest(self, *roles: Role) -> Iterator[Message]:
        return newest_of(_NOTHING_SAID, roles)

    def afresh(self) -> "_Texts":
        return self

    @property
    def most_bytes(self) -> int | None:
        """A token that is given as a number takes a byte or more, as one that is given as text does."""
        return len(self.body)

    @property
    def may_defer_tools(self) -> bool:
        return False

    @property
    def has_only_words(self) -> bool:
        return True

    @property
    def thinking_budget(self) -> int | None:
        return None

    @property
    def most_cache_marks(self) -> int:
        return 0

    def says(self, _field: str, /) -> bool:
        return False

    @property
    def is_open_ended(self) -> bool:
        return False

    @property
    def may_cache_for_an_hour(self) -> bool:
        return False

    @property
    def marks_cache(self) -> bool:
        return False

    @property
    def output_limit(self) -> int:
        return 0

    @property
    def measure(self) -> Measure | None:
        return Measure(len(self.body), 0)


_NOTHING_SAID = Conversation(messages=())
