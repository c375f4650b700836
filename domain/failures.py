"""
Everything that can go wrong upstream, and what each failure does to the chain, to health and to cooldowns.

The exceptions of the domain::

    MalformedRequest      the client's bytes are at fault (domain.conversation.request)
    UnknownChoice         the client named a profile or mode that does not exist (domain.routing.selection)
    ToolLoopBroken        the model is in a loop, and its profile ends such runs (domain.guards.tool_loop)
    UpstreamFailure       one attempt failed; `kind` says how, `CONSEQUENCES` what follows
    ChainFailed           no target is left; `verdict` says why, over all that was tried or barred
                          (domain.routing.verdict)
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from domain.values import value


class FailureKind(StrEnum):
    """How an attempt failed."""

    UNREACHABLE = "unreachable"
    ASLEEP = "asleep"
    SLOW = "slow"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate-limited"
    QUOTA = "quota"
    CREDENTIALS = "credentials"
    MODEL_MISSING = "model-missing"
    NOT_OFFERED = "not-offered"
    BUSY = "busy"
    OUT_OF_MEMORY = "out-of-memory"
    CONTEXT_OVERFLOW = "context-overflow"
    REQUEST_FAULT = "request-fault"
    ADAPTER_FAULT = "adapter-fault"
    GARBLED = "garbled"
    BROKEN_OFF = "broken-off"
    CLIENT_LEFT = "client-left"


class ChainMove(StrEnum):
    """What the chain does after a failure."""

    NEXT = "next"
    NEXT_LARGER = "next-larger"
    STOP = "stop"


class CooldownRule(StrEnum):
    """How long the provider or target is left alone after a failure."""

    NONE = "none"
    IF_TOLD = "if-told"
    RATE_LIMIT = "rate-limit"
    QUOTA = "quota"
    MISCONFIGURED = "misconfigured"
    TARGET_MISSING = "target-missing"
    MEMORY = "memory"


class QuotaScope(StrEnum):
    """What the limit is measured over that a request ran into."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    BALANCE = "balance"


class HealthEffect(StrEnum):
    """Whether a failure is held against the provider's health."""

    COUNTS = "counts"
    SPARED = "spared"


@value
class Consequence:
    """What a failure does: to the chain, to the provider's health, to its cooldown."""

    move: ChainMove
    health: HealthEffect
    cooldown: CooldownRule = CooldownRule.NONE


CONSEQUENCES: Mapping[FailureKind, Consequence] = MappingProxyType(
    {
        FailureKind.UNREACHABLE: Consequence(ChainMove.NEXT, HealthEffect.COUNTS),
        FailureKind.ASLEEP: Consequence(ChainMove.NEXT, HealthEffect.SPARED),
        FailureKind.SLOW: Consequence(ChainMove.NEXT, HealthEffect.COUNTS),
        FailureKind.OVERLOADED: Consequence(ChainMove.NEXT, HealthEffect.COUNTS, CooldownRule.IF_TOLD),
        FailureKind.RATE_LIMITED: Consequence(ChainMove.NEXT, HealthEffect.SPARED, CooldownRule.RATE_LIMIT),
        FailureKind.QUOTA: Consequence(ChainMove.NEXT, HealthEffect.SPARED, CooldownRule.QUOTA),
        FailureKind.CREDENTIALS: Consequence(ChainMove.NEXT, HealthEffect.SPARED, CooldownRule.MISCONFIGURED),
        FailureKind.MODEL_MISSING: Consequence(
            ChainMove.NEXT, HealthEffect.SPARED, CooldownRule.TARGET_MISSING
        ),
        FailureKind.NOT_OFFERED: Consequence(ChainMove.NEXT, HealthEffect.SPARED),
        FailureKind.BUSY: Consequence(ChainMove.NEXT, HealthEffect.COUNTS),
        FailureKind.OUT_OF_MEMORY: Consequence(ChainMove.NEXT, HealthEffect.COUNTS, CooldownRule.MEMORY),
        FailureKind.CONTEXT_OVERFLOW: Consequence(ChainMove.NEXT_LARGER, HealthEffect.SPARED),
        FailureKind.REQUEST_FAULT: Consequence(ChainMove.STOP, HealthEffect.SPARED),
        FailureKind.ADAPTER_FAULT: Consequence(ChainMove.NEXT, HealthEffect.COUNTS),
        FailureKind.GARBLED: Consequence(ChainMove.NEXT, HealthEffect.COUNTS),
        FailureKind.BROKEN_OFF: Consequence(ChainMove.STOP, HealthEffect.COUNTS),
        FailureKind.CLIENT_LEFT: Consequence(ChainMove.STOP, HealthEffect.SPARED),
    }
)
"""The whole policy. Health and cooldowns read their columns; the chain reads `move`."""


@value(kw_only=True)
class UpstreamAnswer:
    """
    An upstream's refusal as it came, to be shown to a client of the same dialect.

    Attributes:
        dialect: the language of ``body``.
        status: HTTP status.
        headers: those that a client may see (lower-case names): content type, request id, retry hints.
    """

    dialect: str
    status: int
    body: bytes
    headers: Mapping[str, str]


@value(kw_only=True)
class Overflow:
    """What an upstream said of a prompt that was too long, in tokens; ``None`` where it named no number."""

    prompt_tokens: int | None = None
    window: int | None = None


class UpstreamFailure(Exception):
    """
    One attempt failed.

    Args:
        kind: how; see `CONSEQUENCES`.
        message: what happened, in words fit for a log and for the client; holds no secret.
        status: the upstream's HTTP status, if it answered at all.
        retry_after_s: how long the upstream asked to be left alone, in seconds.
        resets_in_s: in how many seconds the limit is free again that the request ran into, if it was told.
        scope: what that limit is measured over, if it was told.
        overflow: the numbers of a prompt that was too long.
        because: what the upstream said was wrong when it broke an answer off, if it said anything.
        answer: its refusal as it came, if it answered.
        was_sent: of an upstream that was unreachable, whether it may have read the question all the same.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        resets_in_s: float | None = None,
        scope: QuotaScope | None = None,
        overflow: Overflow | None = None,
        because: FailureKind | None = None,
        answer: UpstreamAnswer | None = None,
        was_sent: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.resets_in_s = resets_in_s
        self.scope = scope
        self.overflow = overflow
        self.because = because
        self.answer = answer
        self.was_sent = was_sent

    def __repr__(self) -> str:
        status = f" {self.status}" if self.status is not None else ""
        return f"<UpstreamFailure {self.kind}{status}: {self.message}>"

    @property
    def consequence(self) -> Consequence:
        return CONSEQUENCES[self.kind]

    @property
    def aftermath(self) -> Consequence:
        """What is left of it: an answer that was broken off for want of memory, say, is as if not begun."""
        return CONSEQUENCES[self.because or self.kind]


def broken_off(message: str, because: UpstreamFailure | None = None) -> UpstreamFailure:
    """The failure of an answer that had begun; what the upstream said of the reason stays with it."""
    if because is None:
        return UpstreamFailure(FailureKind.BROKEN_OFF, message)
    return UpstreamFailure(
        FailureKind.BROKEN_OFF,
        message,
        status=because.status,
        retry_after_s=because.retry_after_s,
        resets_in_s=because.resets_in_s,
        scope=because.scope,
        overflow=because.overflow,
        because=because.kind,
    )
