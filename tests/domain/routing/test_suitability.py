"""Whoever makes a profile for Claude Code is told of models that serve it badly."""

from domain.inventory.shaping import SuitabilityDegraded
from domain.routing.suitability import suitability_warnings
from domain.routing.targets import Capabilities, Profile, ProviderSpec, RoutingTable, Target


def table(*profiles: str) -> RoutingTable:
    specs = {"bad": False, "good": True, "unknown": None, "worse": False}
    return RoutingTable(
        providers={
            name: ProviderSpec(
                name=name, adapter="openai_compat", capabilities=Capabilities(claude_code=suits)
            )
            for name, suits in specs.items()
        },
        profiles={
            name: Profile(name=name, targets=tuple(Target(provider, f"{provider}-m") for provider in specs))
            for name in profiles
        },
        default_profile=profiles[0],
    )


def test_each_affected_profile_is_told_of_once_with_all_its_unfit_models() -> None:
    warnings = list(suitability_warnings(table("claude-code", "other", "claude-code-nim")))

    assert [warning.profile for warning in warnings] == ["claude-code", "claude-code-nim"]
    assert all(isinstance(warning, SuitabilityDegraded) for warning in warnings)
    assert warnings[0].degraded_providers == ("bad", "worse")
    assert warnings[0].degraded_models == ("bad-m", "worse-m")


def test_other_profiles_may_use_what_they_like() -> None:
    assert list(suitability_warnings(table("Claude-Code", "coding"))) == []
