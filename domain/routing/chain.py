"""Decides which target to try next, and when to stop."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from domain.failures import ChainMove, UpstreamFailure
from domain.routing.targets import Target
from domain.values import value


@value
class Try:
    """Ask this target."""

    target: Target


@value
class Attempt:
    """A target that was tried, and how it failed."""

    target: Target
    failure: UpstreamFailure


@value
class GiveUp:
    """No target is left, or no other could do better; ``attempts`` in the order they were made."""

    attempts: tuple[Attempt, ...]


Step: TypeAlias = Try | GiveUp


def _unknown(_target: Target) -> None:
    """Of a window about which nobody has said anything."""


class FallbackChain:
    """
    The walk over targets for one request.

    It does no I/O: ask for the `next_step`, take it, `record` how it failed, ask again. After a prompt that
    was too long only targets remain whose context window, in tokens, is larger or not known.

    >>> chain = FallbackChain([Target("local", "qwen3"), Target("cloud", "sonnet")])
    >>> chain.next_step()
    Try(target=Target(provider='local', model='qwen3'))
    """

    def __init__(
        self, targets: Iterable[Target], window_of: Callable[[Target], int | None] = _unknown
    ) -> None:
        self._waiting = list(targets)
        self._window_of = window_of
        self._attempts: list[Attempt] = []
        self._stopped = False

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else "walking"
        return f"<FallbackChain {state} tried={len(self._attempts)} waiting={len(self._waiting)}>"

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """What failed so far."""
        return tuple(self._attempts)

    def next_step(self) -> Step:
        if self._waiting and not self._stopped:
            return Try(self._waiting.pop(0))
        return GiveUp(self.attempts)

    def postpone(self, target: Target) -> None:
        """The target, whose turn it is, is to be tried after all others."""
        self._waiting.append(target)

    def record(self, target: Target, failure: UpstreamFailure) -> None:
        """The attempt at ``target`` failed. A failure that no other target could mend ends the walk."""
        self._attempts.append(Attempt(target, failure))
        match failure.consequence.move:
            case ChainMove.STOP:
                self._stopped = True
            case ChainMove.NEXT_LARGER:
                self._waiting = [other for other in self._waiting if self._may_be_larger(other, target)]
            case ChainMove.NEXT:
                pass

    def _may_be_larger(self, other: Target, overflowed: Target) -> bool:
        others, own = self._window_of(other), self._window_of(overflowed)
        return others is None or own is None or others > own
