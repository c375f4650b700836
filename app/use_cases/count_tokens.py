"""Tells how many tokens a request is: by our own count, or by a provider's when the client insists."""

import asyncio

from app.use_cases.patience import is_being_cancelled
from app.use_cases.plan import Plan, Planner
from domain.conversation.request import ChatRequest
from domain.inventory.tokens import CountTokensServed
from domain.ports.observation import EventSink
from domain.ports.providers import ProviderCall, ProviderDirectory, TokenCountProvider
from domain.ports.time import Clock
from domain.ports.tokens import TokenCounter
from domain.routing.selection import Wishes
from domain.routing.targets import Target
from domain.tokens.request import request_tokens
from domain.values import value

_PATIENCE_S = 10.0
"""How long a provider may take to count; the client's own count is already there."""


@value(kw_only=True)
class Counted:
    """A count; ``plan`` and ``target`` belong to one that a provider made, else it is our own estimate."""

    tokens: int
    plan: Plan | None = None
    target: Target | None = None

    @property
    def provider(self) -> str:
        return self.target.provider if self.target else ""


class CountTokens:
    """Counts at once and by itself, without any upstream; see `exactly` for the exception."""

    def __init__(
        self,
        counter: TokenCounter,
        planner: Planner,
        directory: ProviderDirectory,
        sink: EventSink,
        clock: Clock,
    ) -> None:
        self._counter = counter
        self._planner = planner
        self._directory = directory
        self._sink = sink
        self._clock = clock

    def __repr__(self) -> str:
        return f"<CountTokens by {self._counter!r}>"

    def count(self, request: ChatRequest, wishes: Wishes, request_id: str) -> Counted:
        """
        Our own count.

        Raises:
            MalformedRequest: the request cannot be understood.
            UnknownChoice: the client named a profile or mode that does not exist.
        """
        began_at = self._clock.monotonic()
        self._planner.check(wishes)
        counted = Counted(tokens=request_tokens(request.conversation, self._counter.count))
        return self._told(counted, request, request_id, began_at)

    async def exactly(self, request: ChatRequest, wishes: Wishes, request_id: str) -> Counted:
        """
        The count of the first target of the request's chain, if it counts and answers in time; else our own.

        Raises:
            MalformedRequest: the request cannot be understood.
            UnknownChoice: the client named a profile or mode that does not exist.
        """
        began_at = self._clock.monotonic()
        plan = self._planner.plan(request, wishes, request_id)
        for target in plan.order[:1]:
            tokens = await self._asked(request, target, request_id)
            if tokens is not None:
                counted = Counted(tokens=tokens, plan=plan, target=target)
                return self._told(counted, request, request_id, began_at)
        return self.count(request, wishes, request_id)

    async def _asked(self, request: ChatRequest, target: Target, request_id: str) -> int | None:
        provider = self._directory.providers[target.provider]
        if not isinstance(provider, TokenCountProvider):
            return None
        call = ProviderCall(request=request, request_id=request_id, model=target.model, stream=False)
        return await _told_by(provider, call)

    def _told(self, counted: Counted, request: ChatRequest, request_id: str, began_at: float) -> Counted:
        served = CountTokensServed(
            request_id=request_id,
            model=request.model,
            input_tokens=counted.tokens,
            exact=counted.target is not None,
            provider=counted.provider,
            duration_ms=round((self._clock.monotonic() - began_at) * 1000, 1),
        )
        self._sink.emit(served)
        return counted


async def _told_by(provider: TokenCountProvider, call: ProviderCall) -> int | None:
    """What the provider counts; ``None`` for whatever else it does: it may be anybody's adapter."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            tokens: object = await provider.count_tokens(call)
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        if is_being_cancelled(error):
            raise
        return None
    return tokens if isinstance(tokens, int) and tokens >= 0 else None
