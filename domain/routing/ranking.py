"""Puts admitted targets in the order in which they are tried; nobody is left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.routing.gates import Capability
from domain.routing.targets import Profile, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    How a target has done of late.

    Attributes:
        unhealthy: its provider failed too often.
        score: the lower the better.
    """

    unhealthy: bool = False
    score: float = 0.0


class Standings(Protocol):
    """Knows how targets have done. Asking has no effect."""

    def of(self, profile: Profile, targets: Sequence[Target]) -> Mapping[Target, Standing]:
        """Those of ``targets`` of which there is anything to say, as the profile's policies see them."""
        ...


class NothingHappened:
    """The standings of a gateway that has not asked anybody yet."""

    def of(self, profile: Profile, targets: Sequence[Target]) -> Mapping[Target, Standing]:  # noqa: ARG002
        return {}


NOTHING_HAPPENED = NothingHappened()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """
    A target that may be tried, and what speaks against trying it first.

    Attributes:
        lacks: what the request needs and the target is known not to have.
    """

    target: Target
    lacks: tuple[Capability, ...] = ()
    standing: Standing = Standing()


def ranked(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """By health, then ability, then score; where all is equal the declared order stays."""
    return tuple(sorted(candidates, key=_standing))


def demoted(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """
    Those that some other target overtook for what they lack.

    Args:
        candidates: in their declared order.
    """
    declared = tuple(candidates)
    last_able = max((n for n, one in enumerate(declared) if not one.lacks), default=0)
    return tuple(one for one in declared[:last_able] if one.lacks)


def _standing(candidate: Candidate) -> tuple[bool, bool, float]:
    return candidate.standing.unhealthy, bool(candidate.lacks), candidate.standing.score
