"""Puts admitted targets in the order in which they are tried; nobody is left out."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.routing.gates import Capability
from domain.routing.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """
    A target that may be tried, and what speaks against trying it first.

    Attributes:
        unhealthy: its provider failed too often of late.
        lacks: what the request needs and the target is known not to have.
        score: how it has done so far; the lower the better.
    """

    target: Target
    unhealthy: bool = False
    lacks: tuple[Capability, ...] = ()
    score: float = 0.0


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
    return candidate.unhealthy, bool(candidate.lacks), candidate.score
