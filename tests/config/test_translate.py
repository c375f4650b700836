"""What the file says reaches the domain as it is meant."""

import pytest

from config.load import load_text
from config.translate import routing_table
from domain.health.policy import (
    WATCHING,
    AdaptivePolicy,
    BackendHealthAction,
    HealthPolicy,
    MemoryPressureAction,
)
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
from domain.routing.rules import Rule
from domain.routing.targets import (
    Capabilities,
    CapabilityAction,
    Locality,
    ProfileAlias,
    RoutingTable,
    SecretReference,
    Target,
    TargetAlias,
    Timeouts,
)


def table_of(
    provider: str = "", profile: str = "", top: str = "", url: str = "http://localhost:1/v1"
) -> RoutingTable:
    return routing_table(
        load_text(
            f"providers: [{{name: a, base_url: '{url}', model: m{provider}}}]\n"
            f"profiles: [{{name: default, providers: [a]{profile}}}]\n{top}\n"
        )
    )


def timeouts(provider: str = "", profile: str = "", url: str = "http://localhost:1/v1") -> Timeouts:
    table = table_of(provider, profile, url=url)
    return table.timeouts(table.profiles["default"], Target("a", "m"))


@pytest.mark.parametrize(
    ("url", "locality"),
    [
        ("http://localhost:1", "local"),
        ("http://api.localhost", "local"),
        ("http://LOCALHOST.:1", "local"),
        ("http://127.0.0.1:1", "local"),
        ("http://127.9.9.9", "local"),
        ("http://[::1]:1", "local"),
        ("http://[::ffff:127.0.0.1]", "local"),
        ("http://0.0.0.0:1", "local"),
        ("http://10.0.0.3", "lan"),
        ("http://172.16.0.1", "lan"),
        ("http://192.168.1.20:8000/v1", "lan"),
        ("http://169.254.1.1", "lan"),
        ("http://[fd00::1]", "lan"),
        ("http://[fe80::1]", "lan"),
        ("http://gpu-box:8000", "lan"),
        ("http://gpu.local", "lan"),
        ("http://8.8.8.8", "cloud"),
        ("http://172.32.0.1", "cloud"),
        ("https://[2606:4700::1111]", "cloud"),
        ("https://api.openai.com/v1", "cloud"),
        ("https://localhost.example.com", "cloud"),
    ],
)
def test_locality_is_told_from_the_address(url: str, locality: str) -> None:
    assert table_of(url=url).providers["a"].locality == Locality(locality)


def test_a_declared_locality_beats_the_address() -> None:
    assert (
        table_of(", locality: lan", url="https://models.example.com").providers["a"].locality is Locality.LAN
    )


@pytest.mark.parametrize(
    ("url", "ttft_s"), [("http://localhost", 600), ("http://nas", 600), ("https://x.org", 120)]
)
def test_with_nothing_set_only_the_first_content_depends_on_where_the_model_is(
    url: str, ttft_s: float
) -> None:
    assert timeouts(url=url) == Timeouts(connect_s=5.0, ttft_s=ttft_s, idle_s=120.0, total_s=None)


@pytest.mark.parametrize(
    ("provider", "profile", "expected"),
    [
        (", timeout_s: 30", "", (5, 30, 30, None)),
        (", timeout_s: 2", "", (2, 2, 2, None)),
        (", timeout_s: 30, connect_timeout_s: 60", "", (30, 30, 30, None)),
        (", timeout_s: 30, connect_timeout_s: 10", "", (10, 30, 30, None)),
        (", timeout_s: 30, ttft_timeout_s: 200, idle_timeout_s: 9", "", (5, 200, 9, None)),
        (", ttft_timeout_s: 7, total_timeout_s: 900", "", (5, 7, 120, 900)),
        ("", ", timeout_s: 40", (5, 40, 40, None)),
        (", timeout_s: 30", ", timeout_s: 40", (5, 40, 40, None)),
        (", ttft_timeout_s: 7, idle_timeout_s: 8", ", timeout_s: 40", (5, 40, 40, None)),
        (", ttft_timeout_s: 7, idle_timeout_s: 8", ", ttft_timeout_s: 9", (5, 9, 8, None)),
        (", connect_timeout_s: 1", ", timeout_s: 40", (1, 40, 40, None)),
        (", total_timeout_s: 900", ", total_timeout_s: 60", (5, 600, 120, 60)),
        ("", ", timeout_s: 3", (3, 3, 3, None)),
        ("", ", connect_timeout_s: 2, idle_timeout_s: 30", (2, 600, 30, None)),
    ],
)
def test_a_profile_beats_its_provider_and_timeout_s_fills_what_is_unset_at_its_level(
    provider: str, profile: str, expected: tuple[float, float, float, float | None]
) -> None:
    result = timeouts(provider, profile)
    assert (result.connect_s, result.ttft_s, result.idle_s, result.total_s) == expected


def test_a_default_of_the_schema_is_no_statement_about_a_capability() -> None:
    assert table_of().providers["a"].capabilities == Capabilities()
    said = table_of(", capabilities: {tools: false, vision: true}").providers["a"].capabilities
    assert said == Capabilities(tools=False, vision=True)


def test_a_provider_arrives_whole() -> None:
    spec = table_of(
        ", kind: anthropic, api_key_env: KEY, paid: true, context_window: 9, append_system_prompt: Be brief.,"
        " output_filters: [strip_thinking], headers: {X-A: b}, extra_body: {top_k: 3}"
    ).providers["a"]
    assert (spec.adapter, spec.base_url, spec.model) == ("anthropic", "http://localhost:1/v1", "m")
    assert spec.secret == SecretReference(env="KEY")
    assert (spec.paid, spec.context_window) == (True, 9)
    assert (spec.append_system_prompt, spec.output_filters) == ("Be brief.", ("strip_thinking",))
    assert (dict(spec.headers), dict(spec.extra_body)) == ({"X-A": "b"}, {"top_k": 3})


def test_an_adapter_needs_neither_address_nor_model() -> None:
    table = routing_table(
        load_text(
            "providers:\n"
            "  - {name: own, adapter: 'acme.gateway:Lab', options: {depth: 3}, api_key_file: /run/key}\n"
            "  - {name: small, kind: embedded}\n"
            "profiles: [{name: default, providers: [own, small]}]\n"
        )
    )
    own, small = table.providers["own"], table.providers["small"]
    assert (own.adapter, own.base_url, own.model) == ("acme.gateway:Lab", "", "")
    assert (dict(own.options), own.secret) == ({"depth": 3}, SecretReference(file="/run/key"))
    assert (small.adapter, small.locality, small.secret) == ("embedded", Locality.LOCAL, None)
    assert table.profiles["default"].targets == (Target("own", ""), Target("small", ""))


def test_an_empty_name_of_a_key_is_no_key() -> None:
    assert table_of(", api_key_env: ''").providers["a"].secret is None


def test_a_model_name_stands_for_a_profile_a_provider_or_a_target() -> None:
    top = "models: {one: default, two: {provider: a}, three: {provider: a, model: x}}"
    assert table_of(top=top).models == {
        "one": ProfileAlias(profile="default"),
        "two": TargetAlias(target=Target("a", "m")),
        "three": TargetAlias(target=Target("a", "x")),
    }


def test_a_name_that_is_a_profile_and_a_provider_means_the_profile() -> None:
    table = routing_table(
        load_text(
            "providers: [{name: default, base_url: 'http://h/v1', model: m}]\n"
            "profiles: [{name: default, providers: [default]}]\nmodels: {x: default}\n"
        )
    )
    assert table.models == {"x": ProfileAlias(profile="default")}


def test_under_auto_the_default_is_the_profile_for_what_no_rule_matches() -> None:
    top = "default_profile: auto\nauto_router: {default_rule_profile: default}"
    assert table_of(top=top).default_profile == "default"


def test_paid_and_modes_are_passed_on() -> None:
    table = table_of(top="allow_paid: true\nmode_aliases: {fast: default}")
    assert table.allow_paid
    assert dict(table.mode_aliases) == {"fast": "default"}


AUTO = "default_profile: auto\nauto_router:\n  default_rule_profile: default\n"


def rule_of(match: str) -> Rule:
    matcher = table_of(top=f"{AUTO}  rules: [{{id: r, profile: default, match: {match}}}]").auto_router
    assert matcher is not None
    (rule,) = matcher.rules
    return rule


@pytest.mark.parametrize(
    ("match", "predicate"),
    [
        ("{has_image: true}", HasImage()),
        ("{code_fence_ratio_min: 0.25}", CodeFenceRatioMin(0.25)),
        ("{code_fence_ratio_min: 0}", CodeFenceRatioMin(0.0)),
        ("{content_contains: Traceback}", ContentContains("Traceback")),
        ("{content_token_count_min: 32000}", TokenCountMin(32000)),
        ("{has_tools: true}", HasTools()),
    ],
)
def test_a_rule_becomes_its_question(match: str, predicate: Predicate) -> None:
    assert rule_of(match) == Rule(id="r", profile="default", predicate=predicate)


def test_patterns_search_texts_and_span_names() -> None:
    text, name = (
        rule_of("{content_regex: 'b+'}").predicate,
        rule_of("{model_pattern: 'claude-.*haiku.*'}").predicate,
    )
    assert isinstance(text, ContentRegex)
    assert isinstance(name, ModelPattern)
    assert text.pattern.fits("abc")
    assert name.pattern.fits("claude-haiku-5")
    assert not name.pattern.fits("my claude-haiku-5")


def test_written_rules_take_the_place_of_the_bundled_ones() -> None:
    profiles = ", ".join(f"{{name: {name}, providers: [a]}}" for name in ("multi", "coding", "writing"))
    matcher = routing_table(
        load_text(
            f"providers: [{{name: a, base_url: 'http://h/v1', model: m}}]\nprofiles: [{profiles}]\n"
            "default_profile: auto\n"
            "auto_router: {rules: [{id: r, profile: coding, match: {has_tools: true}}]}\n"
        )
    ).auto_router
    assert matcher is not None
    assert [rule.id for rule in matcher.rules] == ["r"]


def test_without_rules_those_bundled_ones_apply_whose_profiles_exist() -> None:
    matcher = routing_table(
        load_text(
            "providers: [{name: a, base_url: 'http://h/v1', model: m}]\n"
            "profiles: [{name: coding, providers: [a]}, {name: rest, providers: [a]}]\n"
            "default_profile: auto\nauto_router: {default_rule_profile: rest}\n"
        )
    ).auto_router
    assert matcher is not None
    assert [rule.id for rule in matcher.rules] == ["builtin:code-fence-dense"]
    assert (matcher.default_profile, matcher.disabled) == ("rest", False)


def test_rules_without_auto_choose_nothing() -> None:
    rule = "  rules: [{id: r, profile: default, match: {has_tools: true}}]"
    assert table_of(top=AUTO.removeprefix("default_profile: auto\n") + rule).auto_router is None


def test_a_router_may_be_disabled_and_sessions_may_be_let_loose() -> None:
    table = table_of(top=f"{AUTO}  disabled: true\nsession: {{sticky: false}}")
    assert table.auto_router is not None
    assert table.auto_router.disabled
    assert not table.sticky_sessions
    assert table_of().sticky_sessions


@pytest.mark.parametrize(
    ("said", "window"),
    [
        ("", None),
        (", context_window: 9", 9),
        (", kind: ollama, extra_body: {options: {num_ctx: 7}}", 7),
        (", kind: ollama, context_window: 9, extra_body: {options: {num_ctx: 7}}", 7),
        (", kind: ollama, context_window: 9, extra_body: {options: {num_ctx: many}}", 9),
        (", kind: ollama, context_window: 9, extra_body: {options: {num_ctx: true}}", 9),
        (", extra_body: {options: {num_ctx: 7}}", None),
    ],
)
def test_a_window_is_what_is_declared_or_what_ollama_is_told_to_load(said: str, window: int | None) -> None:
    assert table_of(said).providers["a"].context_window == window


OTHER = "models: {own: {provider: a, model: m}, other: {provider: a, model: gemma4:26b}}"


@pytest.mark.parametrize(
    ("said", "window"), [(", context_window: 9", None), (", kind: ollama, context_window: 9", 9)]
)
def test_what_is_said_of_a_providers_model_is_not_said_of_another(said: str, window: int | None) -> None:
    capabilities = ", capabilities: {vision: false, tools: false, streaming: false}"
    table = table_of(f"{said}{capabilities}", top=OTHER)
    own, other = table.spec_of(Target("a", "m")), table.spec_of(Target("a", "gemma4:26b"))

    assert (own.capabilities.vision, own.capabilities.tools, own.context_window) == (False, False, 9)
    assert (other.model, other.capabilities.vision, other.context_window) == ("gemma4:26b", None, window)
    assert (own.capabilities.streaming, other.capabilities.streaming) == (False, False)


def test_what_is_known_of_a_model_by_its_name_holds_wherever_it_is_named() -> None:
    table = table_of(", capabilities: {thinking: false}", top=OTHER)

    assert table.spec_of(Target("a", "gemma4:26b")).capabilities.thinking is True


@pytest.mark.parametrize("action", CapabilityAction)
def test_a_profile_says_what_a_missing_capability_does(action: CapabilityAction) -> None:
    assert (
        table_of(profile=f", capability_action: '{action}'").profiles["default"].capability_action is action
    )
    assert table_of().profiles["default"].capability_action is CapabilityAction.PREFER


def test_only_known_windows_are_known() -> None:
    assert table_of(", context_window: 9").window_of(Target("a", "m")) == 9
    assert table_of().window_of(Target("a", "m")) is None


def test_a_profile_says_what_is_done_about_providers_that_fail() -> None:
    said = (
        ", memory_pressure_action: skip, memory_pressure_cooldown_s: 45, backend_health_action: demote,"
        " backend_health_threshold: 5, half_open_s: 7, adaptive: true, adaptive_window_s: 30,"
        " adaptive_latency_factor: 2, adaptive_error_rate: 0.2, adaptive_debounce_s: 10,"
        " adaptive_min_latency_samples: 4, adaptive_min_samples: 6"
    )

    assert table_of(profile=said).profiles["default"].health == HealthPolicy(
        memory_action=MemoryPressureAction.SKIP,
        memory_cooldown_s=45,
        action=BackendHealthAction.DEMOTE,
        threshold=5,
        half_open_s=7,
        adaptive=AdaptivePolicy(
            enabled=True,
            window_s=30,
            latency_factor=2,
            error_rate=0.2,
            debounce_s=10,
            least_timed=4,
            least_tried=6,
        ),
    )


def test_a_file_that_says_nothing_about_failures_is_told_of_them() -> None:
    policy = table_of().profiles["default"].health

    assert policy == WATCHING
    assert (policy.memory_action, policy.action) == (MemoryPressureAction.WARN, BackendHealthAction.WARN)
