"""How much of the gateway a member or a key may use at a time."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from domain.values import value

WINDOW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What somebody may use; ``None`` is no bound."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


class LimitKind(StrEnum):
    """The limits there are, by their names in the configuration."""

    REQUESTS = "requests_per_minute"
    TOKENS = "tokens_per_minute"
    CONCURRENT = "concurrent"


@value
class Within:
    """The request is within the limits."""


@value(kw_only=True)
class Beyond:
    """
    The request is one too many.

    ``retry_after_s`` is when it may be made again, in seconds; ``None`` when that depends on others that run.
    """

    kind: LimitKind
    allowed: int
    retry_after_s: float | None


Judgement: TypeAlias = Within | Beyond


@value(kw_only=True)
class Elsewhere:
    """What other processes have let through for the same member of late."""

    requests: int = 0
    tokens: int = 0
    running: int = 0


NOWHERE_ELSE = Elsewhere()


class SlidingSum:
    """Adds up what happened within the last minute."""

    def __init__(self) -> None:
        self._happened: deque[tuple[float, int]] = deque()
        self._sum = 0

    def __repr__(self) -> str:
        return f"<SlidingSum {self._sum}>"

    def add(self, amount: int, now: float) -> None:
        self._happened.append((now, amount))
        self._sum += amount

    def at(self, now: float) -> int:
        while self._happened and now - self._happened[0][0] >= WINDOW_S:
            self._sum -= self._happened.popleft()[1]
        return self._sum

    def falls_below(self, most: int, now: float) -> float | None:
        """In how many seconds the sum is below ``most`` if nothing happens; ``None`` for never."""
        left = self.at(now)
        for at, amount in self._happened:
            if left < most:
                break
            left -= amount
            if left < most:
                return max(0.0, at + WINDOW_S - now)
        return 0.0 if left < most else None


class UseMeter:
    """
    What one member or key uses.

    Tokens are known when an answer is over, so the one that reaches the limit is let through and the next
    one is not. Times are seconds of a clock that does not jump.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.running = 0
        self._requests = SlidingSum()
        self._tokens = SlidingSum()

    def __repr__(self) -> str:
        return f"<UseMeter {self.running} running, {self._requests!r} requests, {self._tokens!r} tokens>"

    def judge(self, now: float, elsewhere: Elsewhere = NOWHERE_ELSE) -> Judgement:
        """Whether one more request may begin; the first limit that it would exceed."""
        limits = self.limits
        if limits.concurrent is not None and self.running + elsewhere.running >= limits.concurrent:
            return Beyond(kind=LimitKind.CONCURRENT, allowed=limits.concurrent, retry_after_s=None)
        for kind, allowed, window, others in (
            (LimitKind.REQUESTS, limits.requests_per_minute, self._requests, elsewhere.requests),
            (LimitKind.TOKENS, limits.tokens_per_minute, self._tokens, elsewhere.tokens),
        ):
            if allowed is not None and window.at(now) + others >= allowed:
                after_s = window.falls_below(allowed - others, now)
                return Beyond(
                    kind=kind, allowed=allowed, retry_after_s=WINDOW_S if after_s is None else after_s
                )
        return Within()

    def use(self, now: float) -> tuple[int, int, int]:
        """Requests and tokens of the last minute, and the requests that run."""
        return self._requests.at(now), self._tokens.at(now), self.running

    def begin(self, now: float) -> None:
        self.running += 1
        self._requests.add(1, now)

    def end(self, tokens: int, now: float) -> None:
        self.running -= 1
        if tokens:
            self._tokens.add(tokens, now)
