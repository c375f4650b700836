"""What is known of models reaches routing: the provider's word first, then the user's rules, then ours."""

from pathlib import Path

import pytest

from config.capabilities_registry import CapabilityRegistry, bundled_registry, load_registry
from config.load import load_text
from config.problems import ConfigError
from config.schema.model_capabilities import CapabilityRule, ModelFlags
from config.translate import routing_table
from domain.routing.targets import Freedom, ProviderSpec

HOW_TO_ASK = {"effort_levels", "sampling", "answer_schema"}


def user_file(home: Path, text: str) -> Path:
    path = home / ".coderouter" / "model-capabilities.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def rules(*entries: tuple[str, str, dict[str, object]]) -> CapabilityRegistry:
    told = ({"match": match, "kind": kind, "capabilities": flags} for match, kind, flags in entries)
    return CapabilityRegistry(map(CapabilityRule.model_validate, told))


def provider(model: str, *, said: str = "{}", kind: str = "openai_compat", more: str = "") -> ProviderSpec:
    text = (
        f"providers: [{{name: a, kind: {kind}, base_url: 'http://localhost:1', model: '{model}',"
        f" capabilities: {said}{more}}}]\nprofiles: [{{name: default, providers: [a]}}]\n"
    )
    return routing_table(load_text(text)).providers["a"]


@pytest.mark.parametrize(
    ("kind", "model", "flags"),
    [
        ("anthropic", "claude-opus-4-20250514", {"thinking": True, "cache_control": True}),
        ("anthropic", "claude-sonnet-4-5", {"cache_control": True}),
        ("anthropic", "claude-sonnet-4-6", {"thinking": True, "cache_control": True}),
        ("anthropic", "claude-haiku-4-5", {"thinking": True, "cache_control": True}),
        ("anthropic", "qwen3.6-plus", {"cache_control": True}),
        ("anthropic", "claude-3-7-sonnet", {}),
        ("openai_compat", "claude-opus-4-1", {}),
        ("openai_compat", "meta/llama-3.3-70b-instruct", {"claude_code_suitability": "degraded"}),
        ("openai_compat", "Llama-3.3-70B-Instruct", {"claude_code_suitability": "degraded"}),
        ("openai_compat", "LLAMA-3.3-70B", {}),
        ("openai_compat", "qwen3-coder:30b", {"tools": True, "claude_code_suitability": "ok"}),
        ("openai_compat", "qwen/qwen3-coder:free", {"tools": True, "claude_code_suitability": "ok"}),
        ("openai_compat", "unsloth/Qwen3-Coder-30B", {"tools": True, "claude_code_suitability": "ok"}),
        ("openai_compat", "gemma4:12b", {"tools": True, "thinking": True}),
        ("openai_compat", "GLM-4.6", {"tools": True}),
        ("openai_compat", "GLM-4.1", {}),
        ("openai_compat", "gpt-oss-20b", {"tools": True}),
        ("openai_compat", "deepseek-ai/DeepSeek-V3.1", {"tools": True}),
        ("openai_compat", "mistral/devstral-small", {"tools": True}),
        ("openai_compat", "qwen2.5-coder:7b", {}),
        ("embedded", "gpt-oss-20b", {}),
    ],
)
def test_known_models_are_known(kind: str, model: str, flags: dict[str, object]) -> None:
    found = bundled_registry().flags(kind=kind, model=model)

    assert found.model_dump(exclude_none=True, exclude=HOW_TO_ASK) == flags


@pytest.mark.parametrize(
    ("kind", "model", "levels", "freedom", "binds"),
    [
        ("anthropic", "claude-opus-5-5", ("low", "medium", "high", "xhigh", "max"), "fixed", None),
        ("anthropic", "claude-sonnet-5", ("low", "medium", "high", "xhigh", "max"), "fixed", None),
        ("anthropic", "claude-opus-4-8", ("low", "medium", "high", "xhigh", "max"), "fixed", None),
        ("anthropic", "claude-opus-4-6", ("low", "medium", "high", "max"), "either", None),
        ("anthropic", "claude-opus-4-5-20251101", ("low", "medium", "high"), "either", None),
        ("anthropic", "claude-haiku-4-5", (), "either", None),
        ("anthropic", "claude-opus-4-1-20250805", (), "either", False),
        ("anthropic", "claude-sonnet-4-20250514", (), "either", False),
        ("anthropic", "claude-3-7-sonnet", (), "free", False),
        ("anthropic", "qwen3.6-plus", None, None, None),
        ("openai_compat", "gpt-5.2-codex", ("none", "low", "medium", "high", "xhigh"), "fixed", None),
        ("openai_compat", "gpt-5-mini", ("minimal", "low", "medium", "high"), "fixed", None),
        ("openai_compat", "gpt-5-chat-latest", (), "free", None),
        ("openai_compat", "o4-mini", ("low", "medium", "high"), "fixed", None),
        ("openai_compat", "gpt-4o", None, None, None),
        ("openai_compat", "openai/gpt-oss-120b", ("low", "medium", "high"), None, None),
        ("ollama", "gpt-oss:20b", ("low", "medium", "high"), None, None),
        ("ollama", "qwen3:8b", None, None, None),
    ],
)
def test_it_is_known_how_models_may_be_asked(
    kind: str, model: str, levels: tuple[str, ...] | None, freedom: str | None, binds: bool | None
) -> None:
    found = bundled_registry().flags(kind=kind, model=model)

    assert (found.effort_levels, found.sampling, found.answer_schema) == (levels, freedom, binds)


@pytest.mark.parametrize(
    ("vendor", "model", "tokens"),
    [
        ("openai", "gpt-4o", 16_384),
        ("openai", "gpt-4o-mini-2024-07-18", 16_384),
        ("openai", "gpt-4.1", 32_768),
        ("openai", "gpt-4.1-nano", 32_768),
        ("openai", "gpt-5", 128_000),
        ("openai", "gpt-5-mini", 128_000),
        ("openai", "gpt-5-pro-2025-10-06", 272_000),
        ("openai", "gpt-5.1", 128_000),
        ("openai", "gpt-5.1-2025-11-13", 128_000),
        ("openai", "gpt-5.4-pro", 128_000),
        ("openai", "gpt-5.6-sol", 128_000),
        ("openai", "o1", 100_000),
        ("openai", "o3", 100_000),
        ("openai", "o3-2025-04-16", 100_000),
        ("openai", "o4-mini", 100_000),
        ("anthropic", "claude-haiku-4-5-20251001", 64_000),
        ("anthropic", "claude-sonnet-4.5", 64_000),
        ("anthropic", "claude-opus-4-5@20251101", 64_000),
        ("anthropic", "claude-opus-4-6", 128_000),
        ("anthropic", "claude-opus-4.8-thinking", 128_000),
        ("anthropic", "claude-opus-5", 128_000),
        ("anthropic", "claude-opus-5-20260101", 128_000),
        ("anthropic", "claude-opus-5-5", 128_000),
        ("anthropic", "claude-opus-5.5-20260901", 128_000),
        ("anthropic", "claude-sonnet-5@20260630", 128_000),
        ("anthropic", "claude-sonnet-5-5", 128_000),
        ("anthropic", "claude-haiku-5-5", 128_000),
        ("anthropic", "claude-fable-5", 128_000),
        ("anthropic", "claude-fable-5.2", 128_000),
        ("google", "gemini-2.5-flash", 98_304),
        ("models", "gemini-2.5-pro", 98_304),
    ],
)
def test_how_long_answers_are_at_most_is_known_of_closed_models(vendor: str, model: str, tokens: int) -> None:
    for name in (model, f"{vendor}/{model}"):
        found = bundled_registry().flags(kind="openai_compat", model=name)

        assert found.max_answer_tokens == tokens


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o-64k-output-alpha",
        "openai/gpt-4o:extended",
        "gpt-4.10",
        "gpt-5.7",
        "gpt-5.10",
        "openai/gpt-5.10-mini",
        "gpt-50",
        "gpt-6",
        "gpt-oss-120b",
        "o10",
        "openai/o30-mini",
        "o1lama",
        "claude-opus-4-50",
        "anthropic/claude-opus-4.60",
        "claude-opus-50",
        "claude-opus-5-2",
        "claude-opus-5-6",
        "claude-opus-5-20",
        "anthropic/claude-opus-5.6",
        "claude-opus-5-50",
        "anthropic/claude-sonnet-5.10",
        "claude-haiku-5-6",
        "claude-fable-5-3",
        "claude-fable-5-10",
        "claude-opus-6-5",
        "claude-3-7-sonnet",
        "gemini-3-pro",
        "deepseek/deepseek-v4-pro",
        "moonshotai/kimi-k2.6",
        "qwen/qwen3-coder:free",
        "someone/gpt-4o-distilled",
    ],
)
def test_of_models_whose_longest_answer_depends_or_is_not_known_nothing_is_said(model: str) -> None:
    assert bundled_registry().flags(kind="openai_compat", model=model).max_answer_tokens is None


def test_the_longest_answer_that_a_vendor_tells_of_limits_no_request() -> None:
    told = provider("gpt-4o")

    assert (told.longest_answer, told.output_limit, told.context_window) == (16_384, None, None)


def test_a_model_of_another_name_has_a_longest_answer_of_its_own() -> None:
    text = (
        "providers: [{name: a, base_url: 'http://localhost:1', model: gpt-4o, max_output_tokens: 99}]\n"
        "profiles: [{name: default, providers: [a]}]\n"
        "models: {best: {provider: a, model: gpt-4.1}, new: {provider: a, model: gpt-9}}"
    )

    variants = routing_table(load_text(text)).variants

    longest = {target.model: spec.longest_answer for target, spec in variants.items()}
    assert longest == {"gpt-4.1": 32_768, "gpt-9": None}


def test_the_user_may_tell_of_the_longest_answer_of_a_model(tmp_path: Path) -> None:
    rule = "- {match: 'qwen*', capabilities: {max_answer_tokens: 8192}}"
    user_file(tmp_path, f"version: 1\nrules:\n  {rule}\n")
    text = (
        "providers: [{name: a, base_url: 'http://localhost:1', model: qwen3-max}]\n"
        "profiles: [{name: default, providers: [a]}]"
    )

    spec = routing_table(load_text(text), load_registry(tmp_path)).providers["a"]

    assert spec.longest_answer == 8192


@pytest.mark.parametrize(
    ("said", "levels"),
    [
        ("{reasoning_control: openai}", ("low", "medium", "high")),
        ("{reasoning_control: openai, effort_levels: [high]}", ("high",)),
        ("{reasoning_control: provider_specific}", None),
        ("{effort_levels: []}", ()),
    ],
)
def test_a_provider_may_say_which_efforts_it_takes(said: str, levels: tuple[str, ...] | None) -> None:
    assert provider("my-own", said=said).capabilities.effort_levels == levels


def test_a_providers_word_on_how_to_ask_beats_what_is_known() -> None:
    has = provider(
        "claude-opus-5-5", kind="anthropic", said="{sampling: free, answer_schema: false}"
    ).capabilities

    assert (has.sampling, has.answer_schema) == (Freedom.FREE, False)


def test_each_flag_comes_from_the_first_rule_that_says_it() -> None:
    registry = rules(
        ("small-*", "anthropic", {"tools": False}),
        ("small-*", "any", {"thinking": False}),
        ("*", "openai_compat", {"thinking": True, "tools": True, "max_context_tokens": 8192}),
    )

    found = registry.flags(kind="openai_compat", model="small-1")

    assert found == ModelFlags(thinking=False, tools=True, max_context_tokens=8192)


def test_the_users_rules_come_before_ours(tmp_path: Path) -> None:
    user_file(tmp_path, 'version: 1\nrules:\n  - match: "gemma4:*"\n    capabilities: {thinking: false}\n')

    found = load_registry(tmp_path).flags(kind="openai_compat", model="gemma4:12b")

    assert found == ModelFlags(thinking=False, tools=True)


def test_without_a_file_of_the_user_ours_stands_alone(tmp_path: Path) -> None:
    registry = load_registry(tmp_path)

    assert registry.flags(kind="openai_compat", model="GLM-5") == ModelFlags(tools=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 2\nrules: []\n", ":1:1: version: expected one of 1; found 2"),
        ("rules: []\n", ":1: version: is required"),
        ("version: 1\nrules:\n  - {capabilities: {}}\n", ":3:5: rules[0].match: is required"),
        (
            "version: 1\nrules:\n  - {match: '', capabilities: {}}\n",
            ":3:6: rules[0].match: must not be empty",
        ),
        (
            "version: 1\nrules:\n  - match: x\n    capabilities:\n      thinkin: true\n",
            ':5:7: rules[0].capabilities.thinkin: no such key\n    did you mean "thinking"?',
        ),
        (
            "version: 1\nrules:\n  - {match: x, kind: vllm, capabilities: {}}\n",
            ":3:16: rules[0].kind: expected one of 'anthropic', 'openai_compat', 'ollama' or 'any'",
        ),
        (
            "version: 1\nrules:\n  - {match: x, capabilities: {max_context_tokens: 0}}\n",
            "rules[0].capabilities.max_context_tokens: expected at least 1; found 0",
        ),
        (
            "version: 1\nrules:\n  - {match: x, capabilities: {max_answer_tokens: 0}}\n",
            "rules[0].capabilities.max_answer_tokens: expected at least 1; found 0",
        ),
        ("version: 1\nrules:\n  - {match: x, capabilities: {tools: 'maybe'}}\n", "expected true or false"),
        ("version: 1\nversion: 1\nrules: []\n", ":2:1: version: duplicate key"),
        ("version: [1\n", "not valid YAML"),
    ],
)
def test_what_is_wrong_with_the_users_file_is_told_with_its_place(
    tmp_path: Path, text: str, told: str
) -> None:
    path = user_file(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load_registry(tmp_path)

    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_all_problems_of_the_file_are_told_at_once(tmp_path: Path) -> None:
    user_file(tmp_path, "version: 3\nrules:\n  - {match: x, capabilities: {tools: 2, speed: 9}}\n")

    with pytest.raises(ConfigError) as caught:
        load_registry(tmp_path)

    assert [problem.path for problem in caught.value.problems] == [
        "version",
        "rules[0].capabilities.tools",
        "rules[0].capabilities.speed",
    ]


@pytest.mark.parametrize(
    ("said", "thinking"), [("{}", True), ("{thinking: true}", True), ("{thinking: false}", False)]
)
def test_the_providers_own_word_beats_what_is_known_of_its_model(said: str, thinking: bool) -> None:
    assert provider("gemma4:12b", said=said).capabilities.thinking is thinking


def test_what_nobody_knows_stays_unknown() -> None:
    found = provider("never-heard-of").capabilities

    assert (found.tools, found.thinking, found.prompt_cache, found.claude_code) == (None, None, None, None)


def test_cache_control_is_what_the_provider_calls_prompt_cache() -> None:
    assert provider("claude-sonnet-4-5", kind="anthropic").capabilities.prompt_cache is True
    unsaid = provider("claude-sonnet-4-5", kind="anthropic", said="{prompt_cache: false}")
    assert unsaid.capabilities.prompt_cache is False


def test_a_known_context_fills_in_for_one_that_is_not_declared() -> None:
    text = (
        "providers: [{{name: a, base_url: 'http://localhost:1', model: m{more}}}]\n"
        "profiles: [{{name: default, providers: [a]}}]"
    )
    registry = rules(("m", "any", {"max_context_tokens": 8192}))

    told, untold = (
        routing_table(load_text(text.format(more=more)), registry).providers["a"].context_window
        for more in (", context_window: 4096", "")
    )

    assert (told, untold) == (4096, 8192)
