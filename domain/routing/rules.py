"""Chooses a profile by rules: the first that holds decides, and a session may stay where it was."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from domain.routing.facts import Facts
from domain.routing.predicates import CodeFenceRatioMin, HasImage, Predicate
from domain.values import value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """If ``predicate`` holds, ``profile``; ``id`` is its name in events."""

    id: str
    profile: str
    predicate: Predicate


@value(kw_only=True)
class Resolved:
    """A rule chose the profile."""

    rule_id: str
    profile: str


@value(kw_only=True)
class FellThrough:
    """No rule held, or none was asked because they are ``disabled``."""

    profile: str
    disabled: bool = False


@value
class Kept:
    """The session stays with what chose its profile before."""

    choice: Resolved | FellThrough


Choice: TypeAlias = Resolved | FellThrough


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMatcher:
    """
    The rules in their order, and the profile for what none of them holds for.

    A session that was routed before keeps its profile while the rule that chose it still holds, and in turns
    that carry only the answers of tools: what somebody happens to talk about does not move a conversation to
    another model. What a request needs does: a rule above the one that chose, about pictures, size, tools
    or the model's name, takes the request as soon as it holds.
    """

    rules: tuple[Rule, ...]
    default_profile: str
    disabled: bool = False

    def route(self, facts: Facts, before: Choice | None = None) -> Choice | Kept:
        """
        The profile for a request.

        Args:
            before: what chose the profile of the request's session last time.

        Raises:
            MalformedRequest: a rule asked about content that cannot be understood.
        """
        if self.disabled:
            return FellThrough(profile=self.default_profile, disabled=True)
        fresh = self._first(facts)
        if before is None or before == fresh or not self._may_stay(before, facts):
            return fresh
        return Kept(before)

    def _first(self, facts: Facts) -> Choice:
        rule = next((rule for rule in self.rules if rule.predicate.holds(facts)), None)
        if rule is None:
            return FellThrough(profile=self.default_profile)
        return Resolved(rule_id=rule.id, profile=rule.profile)

    def _may_stay(self, before: Choice, facts: Facts) -> bool:
        position = self._position(before)
        if position is None:
            return False
        if any(rule.predicate.is_need and rule.predicate.holds(facts) for rule in self.rules[:position]):
            return False
        chose = self.rules[position : position + 1]
        return any(rule.predicate.holds(facts) for rule in chose) or facts.carries_only_results

    def _position(self, choice: Choice) -> int | None:
        """Where a choice stands, falling through below all rules; ``None`` when it is none of ours."""
        choices: list[Choice] = [Resolved(rule_id=rule.id, profile=rule.profile) for rule in self.rules]
        choices.append(FellThrough(profile=self.default_profile))
        return choices.index(choice) if choice in choices else None


def bundled_rules(profiles: Collection[str]) -> tuple[Rule, ...]:
    """The rules of a configuration that writes none; one whose profile does not exist is left out."""
    return tuple(rule for rule in _BUNDLED if rule.profile in profiles)


_BUNDLED = (
    Rule(id="builtin:image-attachment", profile="multi", predicate=HasImage()),
    Rule(id="builtin:code-fence-dense", profile="coding", predicate=CodeFenceRatioMin(0.3)),
)
