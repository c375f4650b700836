"""Events about waiting for a busy provider, and about what members and free plans let through."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class QueueEntered:
    """
    A request waits until a provider has room for it.

    ``position`` counts from 1; ``expected_wait_s`` is ``None`` as long as nothing is known of how long
    answers of this provider take.
    """

    name: ClassVar[str] = "queue-entered"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    member: str
    background: bool
    position: int
    waiting: int
    expected_wait_s: float | None


@value(kw_only=True)
class QueueLeft:
    """
    A request waits no longer.

    ``reason`` is ``seated`` or ``client-left``, or ``timed-out`` or ``displaced`` and the chain moves on.
    Displaced is the last in turn, when the queue is full and somebody comes whose turn is sooner.
    """

    name: ClassVar[str] = "queue-left"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    member: str
    reason: str
    waited_ms: float
    waiting: int


@value(kw_only=True)
class QueueRefused:
    """
    A provider was passed by because too many are waiting for it, or its turn did not come in time.

    ``reason`` is ``queue-full``, also where somebody whose turn is sooner took its place, or
    ``queue-timed-out``. ``retry_after_s`` is when one more would probably have its turn.
    """

    name: ClassVar[str] = "skip-busy-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    reason: str
    retry_after_s: float | None


@value(kw_only=True)
class MemberLimited:
    """
    A request was refused because its member has had as much as its limits allow, or its key has.

    ``limit`` is ``requests_per_minute``, ``tokens_per_minute`` or ``concurrent``; ``key_id`` is empty unless
    it is the key's own.
    """

    name: ClassVar[str] = "member-limited"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    member: str
    key_id: str
    limit: str
    allowed: int
    retry_after_s: float | None


@value(kw_only=True)
class QuotaExhaustedProviderSkipped:
    """A provider was left out because its plan's quota is used up until ``resets_at`` (UTC, ISO 8601)."""

    name: ClassVar[str] = "skip-quota-exhausted"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    unit: str
    period: str
    allowed: int
    used: int
    resets_at: str
