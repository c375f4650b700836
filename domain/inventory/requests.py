"""Events about a client's request as a whole."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class BilledElsewhere:
    """What a request cost at a target that did not answer it in the end, as `RequestCompleted` tells."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cost_usd: float
    cost_savings_usd: float
    set_aside_usd: float = 0.0


@value(kw_only=True)
class RequestAccepted:
    """A client's request has arrived; `request-completed` will tell how it ended."""

    name: ClassVar[str] = "request-accepted"
    level: ClassVar[Level] = Level.DEBUG
    request_id: str
    dialect: str
    member: str
    key_id: str


@value(kw_only=True)
class ReplyBrokenOff:
    """
    A client's answer ended before it was complete; the client was told so, if it was still there.

    ``surfaced`` says that the turn ended as one that was too long instead of with an error.
    """

    name: ClassVar[str] = "reply-broken-off"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    provider: str
    model: str
    reason: str
    surfaced: bool = False


@value(kw_only=True)
class ReplyContinued:
    """
    Another provider goes on with an answer that broke off, as the profile wants; the client sees one answer.

    ``characters`` is how much of it had been told.
    """

    name: ClassVar[str] = "reply-continued"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    from_provider: str
    to_provider: str
    model: str
    characters: int
