"""Whatever version 1.10.1 allows a file to say loads, says the same, and routes."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_text
from config.translate import routing_table

names = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12).filter(
    lambda name: name.strip() and name != "auto"
)
words = st.text(st.characters(codec="utf-8"), max_size=20)
flags = st.booleans()
usd = st.none() | st.integers(0, 100) | st.floats(0, 1e6)
seconds = st.integers(1, 600) | st.floats(1.0, 600.0)
plain_json = st.recursive(
    st.none() | flags | st.integers(-9, 9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def section(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these keys, or none."""
    return st.fixed_dictionaries({}, optional=fields)


capabilities = section(
    **dict.fromkeys(
        (
            "chat",
            "streaming",
            "tools",
            "vision",
            "prompt_cache",
            "thinking",
            "reasoning_passthrough",
            "openai_compatible",
        ),
        flags,
    ),
    reasoning_control=st.sampled_from(["none", "openai", "anthropic", "provider_specific"]),
    mcp=st.sampled_from(["none", "anthropic", "provider_specific"]),
)
cost = st.none() | section(
    input_tokens_per_million=usd,
    output_tokens_per_million=usd,
    cache_read_discount=st.sampled_from([0, 1]) | st.floats(0, 1),
    cache_creation_premium=st.floats(0, 9),
    monthly_budget_usd=usd,
)
matchers = st.one_of(
    st.just({"has_image": True}),
    st.just({"has_tools": True}),
    st.fixed_dictionaries({"code_fence_ratio_min": st.sampled_from([0, 1]) | st.floats(0, 1)}),
    st.fixed_dictionaries({"content_contains": words.filter(bool)}),
    st.fixed_dictionaries({"content_regex": st.sampled_from([r"(?i)\bplan\b", "^x", "a|b", "(a+)+$"])}),
    st.fixed_dictionaries({"model_pattern": st.sampled_from(["claude-.*haiku.*", "gpt-[45].*", ".*"])}),
    st.fixed_dictionaries({"content_token_count_min": st.integers(1, 10**6)}),
)


@st.composite
def loop_guards(draw: st.DrawFn) -> dict[str, int]:
    window = draw(st.integers(2, 50))
    return {"tool_loop_window": window, "tool_loop_threshold": draw(st.integers(2, window))}


@st.composite
def providers(draw: st.DrawFn, name: str) -> dict[str, Any]:
    required = {
        "name": name,
        "base_url": draw(
            st.sampled_from(["http://localhost:11434/v1", "https://api.anthropic.com", "http://[::1]:8/v1"])
        ),
        "model": draw(st.sampled_from(["qwen3-coder:30b", "claude-sonnet-4-6", "Qwen/Qwen3-Coder-30B"])),
    }
    more = section(
        kind=st.sampled_from(["openai_compat", "anthropic"]),
        api_key_env=st.sampled_from([None, "SOME_KEY"]),
        paid=flags,
        timeout_s=seconds,
        extra_body=st.dictionaries(words, plain_json, max_size=3),
        append_system_prompt=st.none() | words,
        output_filters=st.lists(st.sampled_from(["strip_thinking", "strip_stop_markers"]), max_size=3),
        capabilities=capabilities,
        cost=cost,
    )
    return required | draw(more)


@st.composite
def profiles(draw: st.DrawFn, name: str, known: list[str]) -> dict[str, Any]:
    more = section(
        timeout_s=st.none() | seconds,
        append_system_prompt=st.none() | words,
        tool_loop_action=st.sampled_from(["warn", "inject", "break"]),
        memory_pressure_action=st.sampled_from(["off", "warn", "skip"]),
        memory_pressure_cooldown_s=st.integers(10, 3600),
        backend_health_action=st.sampled_from(["off", "warn", "demote"]),
        backend_health_threshold=st.integers(2, 20),
        adaptive=flags,
    )
    chain = draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))
    return {"name": name, "providers": chain} | draw(more) | draw(st.just({}) | loop_guards())


@st.composite
def rules(draw: st.DrawFn, targets: list[str]) -> list[dict[str, Any]]:
    ids = draw(st.lists(names, unique=True, max_size=4))
    return [{"id": one, "profile": draw(st.sampled_from(targets)), "match": draw(matchers)} for one in ids]


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    upstreams = draw(st.lists(names, unique=True, min_size=1, max_size=3))
    chains = draw(st.lists(names, unique=True, min_size=1, max_size=3))
    one = st.sampled_from(chains)
    file: dict[str, Any] = {
        "providers": [draw(providers(name)) for name in upstreams],
        "profiles": [draw(profiles(name, upstreams)) for name in chains],
        "default_profile": draw(one),
    }
    if draw(flags):
        router = {"default_rule_profile": draw(one), "rules": draw(rules(chains))}
        file["auto_router"] = router | draw(section(disabled=flags))
        file["default_profile"] = draw(st.just("auto") | one)
    more = section(
        allow_paid=flags,
        mode_aliases=st.dictionaries(names, one, max_size=3),
        display_timezone=st.sampled_from([None, "Asia/Tokyo", "UTC"]),
    )
    return file | draw(more)


@settings(max_examples=60)
@given(files())
def test_a_file_of_version_1_loads_and_means_what_it_says(file: dict[str, Any]) -> None:
    config = load_text(yaml.safe_dump(file))
    table = routing_table(config)

    said = config.model_dump(exclude_unset=True, mode="json")
    assert said == file
    assert {name: [target.provider for target in one.targets] for name, one in table.profiles.items()} == {
        profile["name"]: profile["providers"] for profile in file["profiles"]
    }
    assert table.allow_paid is file.get("allow_paid", False)
    assert dict(table.mode_aliases) == file.get("mode_aliases", {})
    if file["default_profile"] == "auto":
        assert table.auto_router is not None
        written = file["auto_router"]["rules"]
        assert not written or [rule.id for rule in table.auto_router.rules] == [one["id"] for one in written]
    else:
        assert (table.auto_router, table.default_profile) == (None, file["default_profile"])
