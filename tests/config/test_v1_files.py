"""A file that was valid for version 1.10.1 loads as it is and means the same."""

from pathlib import Path

import pytest

from config.load import load
from config.schema.root import Config
from config.translate import routing_table
from domain.routing.targets import Target

FIXTURES = Path(__file__).parent / "fixtures"


def config_of(name: str) -> Config:
    return load(FIXTURES / f"{name}.yaml", environment={})


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_version_1_file_loads_and_translates(path: Path) -> None:
    table = routing_table(load(path, environment={}))
    assert table.default_profile in table.profiles


def test_profiles_aliases_and_prompts_keep_their_meaning() -> None:
    config = config_of("multi-profile")
    assert config.default_profile == "multi"
    assert config.mode_aliases["think"] == "reasoning"
    assert config.display_timezone == "Asia/Tokyo"
    table = routing_table(config)
    assert [target.provider for target in table.profiles["coding"].targets] == [
        "ollama-coder",
        "openrouter-free",
        "anthropic-direct",
    ]
    assert table.profiles["general"].append_system_prompt == ""
    assert table.profiles["reasoning"].append_system_prompt is None


def test_a_merged_anchor_gives_what_the_entry_does_not_say_itself() -> None:
    general = config_of("multi-profile").providers[1]
    assert (general.name, general.model) == ("ollama-general", "gemma4:26b")
    assert general.base_url == "http://localhost:11434/v1"
    assert general.output_filters == ("strip_thinking", "strip_stop_markers")
    assert general.capabilities.vision


def test_every_matcher_is_read() -> None:
    router = config_of("auto-router-custom").auto_router
    assert router is not None
    used = [rule.match.model_dump(exclude_none=True) for rule in router.rules]
    assert used == [
        {"has_image": True},
        {"code_fence_ratio_min": 0.25},
        {"content_contains": "Traceback"},
        {"content_regex": r"(?i)\b(refactor|stack ?trace|pytest)\b"},
        {"model_pattern": "claude-.*haiku.*"},
        {"content_token_count_min": 32000},
        {"has_tools": True},
    ]


def test_guards_are_read_and_null_means_unset() -> None:
    agents, strict = config_of("guards").profiles
    assert (agents.tool_loop_window, agents.tool_loop_threshold, agents.tool_loop_action) == (8, 4, "inject")
    assert (agents.memory_pressure_action, agents.memory_pressure_cooldown_s) == ("skip", 300)
    assert (agents.backend_health_action, agents.backend_health_threshold) == ("demote", 2)
    assert agents.adaptive
    assert strict.timeout_s is None
    assert strict.backend_health_action == "off"


def test_prices_and_budgets_are_read_and_whole_numbers_are_numbers() -> None:
    free, sonnet, never = config_of("budgets").providers
    assert free.cost is None
    assert sonnet.cost is not None
    assert sonnet.cost.input_tokens_per_million == 3.0
    assert sonnet.cost.monthly_budget_usd == 20.0
    assert never.cost is not None
    assert never.cost.monthly_budget_usd == 0.0


def test_numbers_and_booleans_in_quotes_are_what_they_say() -> None:
    """Version 1 took them, and files that were written by scripts and templates are full of them."""
    quoted, plain = config_of("quoted-values"), config_of("plain-values")
    assert quoted == plain
    assert quoted.providers[0].timeout_s == 30.0
    assert quoted.providers[0].capabilities.vision is False


def test_the_defaults_of_version_1_stand() -> None:
    config = config_of("minimal")
    (provider,), (profile,) = config.providers, config.profiles
    assert (config.allow_paid, config.default_profile) == (False, "default")
    assert (provider.kind, provider.paid, provider.api_key_env) == ("openai_compat", False, None)
    assert (profile.tool_loop_window, profile.tool_loop_threshold, profile.tool_loop_action) == (5, 3, "warn")
    assert (profile.memory_pressure_action, profile.memory_pressure_cooldown_s) == ("warn", 120)
    assert (profile.backend_health_action, profile.backend_health_threshold) == ("warn", 3)
    assert routing_table(config).profiles["default"].targets == (Target("o1", "llama3"),)
