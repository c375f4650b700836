"""From the `auto_router` section to the rules that the domain matches."""

from config.patterns import name_pattern, search_pattern
from config.schema.auto_router import AutoRouter, Matcher
from config.schema.auto_router import Rule as RuleSection
from config.schema.root import Config
from domain.routing.predicates import (
    CodeFenceRatioMin,
    ContentContains,
    ContentRegex,
    HasImage,
    HasTools,
    ModelPattern,
    Predicate,
    TokenCountMin,
)
from domain.routing.rules import Rule, RuleMatcher, bundled_rules


def rule_matcher(config: Config) -> RuleMatcher:
    """The rules of a validated configuration; the bundled ones where it writes none."""
    router = config.auto_router or AutoRouter()
    written = tuple(_rule(rule) for rule in router.rules)
    return RuleMatcher(
        rules=written or bundled_rules({profile.name for profile in config.profiles}),
        default_profile=router.default_rule_profile,
        disabled=router.disabled,
    )


def _rule(rule: RuleSection) -> Rule:
    return Rule(id=rule.id, profile=rule.profile, predicate=_predicate(rule.match))


def _predicate(match: Matcher) -> Predicate:
    match match.model_dump(exclude_none=True):
        case {"has_image": _}:
            return HasImage()
        case {"code_fence_ratio_min": float(ratio)}:
            return CodeFenceRatioMin(ratio)
        case {"content_contains": str(words)}:
            return ContentContains(words)
        case {"content_regex": str(pattern)}:
            return ContentRegex(search_pattern(pattern))
        case {"model_pattern": str(pattern)}:
            return ModelPattern(name_pattern(pattern))
        case {"content_token_count_min": int(tokens)}:
            return TokenCountMin(tokens)
        case {"has_tools": _}:
            return HasTools()
        case other:
            raise AssertionError(f"a matcher that the schema does not allow: {other}")
