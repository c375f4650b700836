"""Puts admitted targets in the order in which they are tried; nobody is left out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from domain.health.standing import NOTHING_KNOWN, Standing
from domain.routing.gates import Capability
from domain.routing.targets import Profile, Target
from domain.values import value


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


@value(kw_only=True)
class Candidate:
    """
    A target that may be tried, and what speaks against trying it first.

    Attributes:
        lacks: what the request needs and the target is known not to have.
    """

    target: Target
    lacks: tuple[Capability, ...] = ()
    standing: Standing = NOTHING_KNOWN


def ranked(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """By health, then ability, then score; where all is equal the declared order stays."""
    return tuple(sorted(candidates, key=_standing))


def demoted(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """
    Those that some other target overtook for what they lack.

    Args:
        candidates: in their declared order.
    """
    return _overtaken(candidates, lambda one: bool(one.lacks))


def demoted_for_health(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """
    Those that some other target overtook because their provider is unhealthy.

    Args:
        candidates: in their declared order.
    """
    return _overtaken(candidates, lambda one: one.standing.unhealthy)


def unmeasured_order(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The order in which they would be tried if nobody had measured how they do."""
    return tuple(sorted(candidates, key=_ability))


def _overtaken(
    candidates: Iterable[Candidate], is_set_back: Callable[[Candidate], bool]
) -> tuple[Candidate, ...]:
    declared = tuple(candidates)
    last_before = max((n for n, one in enumerate(declared) if not is_set_back(one)), default=0)
    return tuple(one for one in declared[:last_before] if is_set_back(one))


def _ability(candidate: Candidate) -> tuple[bool, bool]:
    return candidate.standing.unhealthy, bool(candidate.lacks)


def _standing(candidate: Candidate) -> tuple[bool, bool, float]:
    return *_ability(candidate), candidate.standing.score
