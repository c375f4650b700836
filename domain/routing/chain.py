"""Decides which target to try next, and when to stop."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from domain.failures import ChainMove, UpstreamFailure
from domain.routing.targets import Target


@dataclass(frozen=True, slots=True)
class Try:
    """Ask this target."""

    target: Target


@dataclass(frozen=True, slots=True)
class Attempt:
    """A target that was tried, and how it failed."""

    target: Target
    failure: UpstreamFailure


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No target is left, or no other could do better; ``attempts`` in the order they were made."""

    attempts: tuple[Attempt, ...]


Step: TypeAlias = Try | GiveUp


class FallbackChain:
    """
    The walk over targets for one request.

    It does no I/O: ask for the `next_step`, take it, `record` how it failed, ask again.

    >>> chain = FallbackChain([Target("local", "qwen3"), Target("cloud", "sonnet")])
    >>> chain.next_step()
    Try(target=Target(provider='local', model='qwen3'))
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        self._waiting = list(targets)
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

    def record(self, target: Target, failure: UpstreamFailure) -> None:
        """The attempt at ``target`` failed. A failure that no other target could mend ends the walk."""
        self._attempts.append(Attempt(target, failure))
        self._stopped = self._stopped or failure.consequence.move is ChainMove.STOP
