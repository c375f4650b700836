"""Each mistake in a file is told with its line, its key, and what would be right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from config.load import load_text
from config.problems import ConfigError, Problem

PROVIDER = "providers:\n  - name: a\n    base_url: http://localhost:1/v1\n    model: m\n"
PROFILE = "profiles:\n  - name: default\n    providers: [a]\n"
RULES = "auto_router:\n  default_rule_profile: default\n  rules:\n    - id: r\n      profile: default\n"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A text with a mistake, and what must be said about it."""

    text: str
    line: int
    path: str
    said: str


def provider(more: str) -> str:
    return f"{PROVIDER}    {more}\n{PROFILE}"


def profile(more: str) -> str:
    return f"{PROVIDER}{PROFILE}    {more}\n"


def top(more: str) -> str:
    return f"{PROVIDER}{PROFILE}{more}\n"


def rule(match: str) -> str:
    return f"{PROVIDER}{PROFILE}{RULES}      match: {match}\n"


MISTAKES = {
    "the file is empty": Mistake("", 1, "providers", "required"),
    "a member with an unknown profile": Mistake(
        top("members:\n  alice: {profiles: [defualt]}"), 9, "members.alice.profiles[0]", '"default"'
    ),
    "a member with an unknown provider": Mistake(
        top("members:\n  alice: {providers: [b]}"), 9, "members.alice.providers[0]", "known: a"
    ),
    "a key of nobody": Mistake(
        top("members: {alice: {}}\nauth:\n  keys:\n    - {member: alise, hash_file: /k}"),
        11,
        "auth.keys[0].member",
        '"alice"',
    ),
    "a key without any member": Mistake(
        top("auth:\n  keys:\n    - {member: alice, hash_file: /k}"),
        10,
        "auth.keys[0].member",
        "declare it under members",
    ),
    "a list at the top": Mistake("- a\n", 1, "", "expected a mapping; found a list"),
    "no providers": Mistake(f"providers: []\n{PROFILE}", 1, "providers", "at least one"),
    "no profiles": Mistake(f"{PROVIDER}profiles: []\n", 5, "profiles", "at least one"),
    "a profile without providers": Mistake(
        f"{PROVIDER}profiles:\n  - name: default\n    providers: []\n",
        7,
        "profiles[0].providers",
        "at least one",
    ),
    "an unknown key at the top": Mistake(top("defualt_profile: a"), 8, "defualt_profile", "default_profile"),
    "an unknown key of a provider": Mistake(
        provider("apikey_env: A"), 5, "providers[0].apikey_env", "api_key_env"
    ),
    "a key that belongs elsewhere": Mistake(top("output_filters: []"), 8, "output_filters", "providers[]"),
    "an unknown capability": Mistake(
        provider("capabilities: {tool: true}"), 5, "providers[0].capabilities.tool", "tools"
    ),
    "a network card without quotes": Mistake(
        provider("wake_on_lan: {mac: 52:54:00:12:34:56}"), 5, "providers[0].wake_on_lan.mac", "in quotes"
    ),
    "a network card with a digit too few": Mistake(
        provider('wake_on_lan: {mac: "52:54:00:12:34:5"}'), 5, "providers[0].wake_on_lan.mac", "six pairs"
    ),
    "a network card that is a group": Mistake(
        provider('wake_on_lan: {mac: "ff:ff:ff:ff:ff:ff"}'), 5, "providers[0].wake_on_lan.mac", "group"
    ),
    "waking without a card": Mistake(
        provider("wake_on_lan: {ready_within_s: 60}"), 5, "providers[0].wake_on_lan.mac", "required"
    ),
    "a broadcast to a name": Mistake(
        provider('wake_on_lan: {mac: "525400123456", broadcast: desktop.lan}'),
        5,
        "providers[0].wake_on_lan.broadcast",
        "IPv4",
    ),
    "a machine at no address": Mistake(
        'providers: [{name: a, adapter: "x:Y", wake_on_lan: {mac: "525400123456"}}]\n' + PROFILE,
        1,
        "providers[0].wake_on_lan",
        "base_url",
    ),
    "an unknown key of cost": Mistake(
        provider("cost: {monthly_budget: 1}"), 5, "providers[0].cost.monthly_budget", "monthly_budget_usd"
    ),
    "the words of another gateway": Mistake(
        f"{PROVIDER}{PROFILE}{RULES}      if: {{has_image: true}}\n", 13, "auto_router.rules[0].if", "match"
    ),
    "an unknown provider in a chain": Mistake(
        f"{PROVIDER}    timeout_s: 3\nprofiles:\n  - name: default\n    providers: [a, aa]\n",
        8,
        "profiles[0].providers[1]",
        'no provider is called "aa"',
    ),
    "two providers of one name": Mistake(
        f"{PROVIDER}  - name: a\n    base_url: http://h/v1\n    model: m\n{PROFILE}",
        5,
        "providers[1].name",
        'duplicate name "a"',
    ),
    "two profiles of one name": Mistake(
        top("  - name: default\n    providers: [a]"), 8, "profiles[1].name", 'duplicate name "default"'
    ),
    "a key written twice": Mistake(provider("model: other"), 5, "providers[0].model", "already on line 4"),
    "a profile called auto": Mistake(
        top("  - {name: auto, providers: [a]}"), 8, "profiles[1].name", "reserved"
    ),
    "an unknown default profile": Mistake(top("default_profile: defalt"), 8, "default_profile", "default"),
    "no default profile of that name": Mistake(
        f"{PROVIDER}profiles:\n  - name: x\n    providers: [a]\n",
        1,
        "default_profile",
        '"default", its default',
    ),
    "an alias to nowhere": Mistake(top("mode_aliases: {fast: nope}"), 8, "mode_aliases.fast", "no profile"),
    "auto without its three profiles": Mistake(
        top("default_profile: auto"), 8, "default_profile", "missing: multi, coding, writing"
    ),
    "a rule to nowhere": Mistake(
        f"{PROVIDER}{PROFILE}auto_router:\n  default_rule_profile: default\n"
        "  rules:\n    - {id: r, profile: nope, match: {has_tools: true}}\n",
        11,
        "auto_router.rules[0].profile",
        "no profile",
    ),
    "no default rule profile": Mistake(
        top("auto_router: {disabled: true}"), 8, "auto_router.default_rule_profile", "writing"
    ),
    "a threshold above its window": Mistake(
        profile("tool_loop_threshold: 9"), 8, "profiles[0].tool_loop_threshold", "window of 5"
    ),
    "a window below the default threshold": Mistake(
        profile("tool_loop_window: 2"), 8, "profiles[0].tool_loop_window", "threshold of 3"
    ),
    "a rule with no matcher": Mistake(rule("{}"), 13, "auto_router.rules[0].match", "exactly one"),
    "a rule with two matchers": Mistake(
        rule("{has_tools: true, content_contains: x}"), 13, "auto_router.rules[0].match", "exactly one"
    ),
    "has_image: false": Mistake(
        rule("{has_image: false}"), 13, "auto_router.rules[0].match.has_image", "never match"
    ),
    "has_tools: false": Mistake(
        rule("{has_tools: false}"), 13, "auto_router.rules[0].match.has_tools", "never match"
    ),
    "a ratio above one": Mistake(
        rule("{code_fence_ratio_min: 1.5}"),
        13,
        "auto_router.rules[0].match.code_fence_ratio_min",
        "at most 1",
    ),
    "a token count of zero": Mistake(
        rule("{content_token_count_min: 0}"),
        13,
        "auto_router.rules[0].match.content_token_count_min",
        "at least 1",
    ),
    "a broken regular expression": Mistake(
        rule("{content_regex: '('}"),
        13,
        "auto_router.rules[0].match.content_regex",
        "not a regular expression",
    ),
    "a broken model pattern": Mistake(
        rule("{model_pattern: '*'}"),
        13,
        "auto_router.rules[0].match.model_pattern",
        "not a regular expression",
    ),
    "words that every text holds": Mistake(
        rule("{content_contains: ''}"),
        13,
        "auto_router.rules[0].match.content_contains",
        "found in every request",
    ),
    "an expression that every text fits": Mistake(
        rule("{content_regex: ''}"), 13, "auto_router.rules[0].match.content_regex", "found in every request"
    ),
    "a pattern that no model fits": Mistake(
        rule("{model_pattern: ''}"), 13, "auto_router.rules[0].match.model_pattern", "never fits"
    ),
    "a rule without a name": Mistake(
        f"{PROVIDER}{PROFILE}auto_router:\n  default_rule_profile: default\n"
        "  rules:\n    - {id: ' ', profile: default, match: {has_tools: true}}\n",
        11,
        "auto_router.rules[0].id",
        "must not be empty",
    ),
    "two rules of one name": Mistake(
        f"{rule('{has_tools: true}')}    - {{id: r, profile: default, match: {{has_image: true}}}}\n",
        14,
        "auto_router.rules[1].id",
        'duplicate id "r"',
    ),
    "two lines of a plan that count the same": Mistake(
        provider("quota: [{requests: 9, per: day}, {tokens: 9, per: day}, {requests: 5, per: day}]"),
        5,
        "providers[0].quota[2]",
        "keep one of the two",
    ),
    "a rule without a matcher key": Mistake(
        f"{PROVIDER}{PROFILE}{RULES}", 11, "auto_router.rules[0].match", "is required"
    ),
    "a rule to a matcher that nobody knows": Mistake(
        rule("{has_images: true, has_tools: true}"), 13, "auto_router.rules[0].match.has_images", "has_image"
    ),
    "a provider without a name": Mistake(
        f"providers:\n  - name: ''\n    base_url: http://h/v1\n    model: m\n  - name: a\n"
        f"    base_url: http://h/v1\n    model: m\n{PROFILE}",
        2,
        "providers[0].name",
        "must not be empty",
    ),
    "a profile without a name": Mistake(
        top("  - {name: '', providers: [a]}"), 8, "profiles[1].name", "must not be empty"
    ),
    "a mode without a name": Mistake(
        top("mode_aliases: {'': default}"), 8, "mode_aliases['']", "must not be empty"
    ),
    "a model without a name": Mistake(top("models: {'': default}"), 8, "models['']", "must not be empty"),
    "a member without a name": Mistake(top("members: {'': {}}"), 8, "members['']", "must not be empty"),
    "no room for any token": Mistake(
        provider("context_window: 0"), 5, "providers[0].context_window", "at least 1"
    ),
    "a place that is none": Mistake(provider("locality: moon"), 5, "providers[0].locality", "'lan'"),
    "a variable that is not set": Mistake(
        provider("headers: {X-A: 'Bearer ${NOWHERE}'}"), 5, "providers[0].headers.X-A", "NOWHERE"
    ),
    "an unknown action for what a target lacks": Mistake(
        profile("capability_action: skip"), 8, "profiles[0].capability_action", "'require'"
    ),
    "that action without its quotes": Mistake(
        profile("capability_action: off"), 8, "profiles[0].capability_action", "put it in quotes"
    ),
    "an unknown way to end a broken stream": Mistake(
        profile("on_broken_stream: retry"), 8, "profiles[0].on_broken_stream", "'surface'"
    ),
    "trials without a pause": Mistake(profile("half_open_s: 0"), 8, "profiles[0].half_open_s", "at least 1"),
    "a session in no header": Mistake(
        top("session: {header: 'a b'}"), 8, "session.header", "name of an HTTP header"
    ),
    "sessions that stick perhaps": Mistake(
        top("session: {sticky: maybe}"), 8, "session.sticky", "true or false"
    ),
    "a model name without a provider": Mistake(
        top("models: {gpt: {model: m}}"), 8, "models.gpt.provider", "is required"
    ),
    "a model name for no model": Mistake(
        top("models: {gpt: {provider: a, model: ''}}"), 8, "models.gpt.model", "must not be empty"
    ),
    "an offset for a time zone": Mistake(top("display_timezone: '+09:00'"), 8, "display_timezone", "IANA"),
    "a time zone nobody knows": Mistake(top("display_timezone: Mars/Base"), 8, "display_timezone", "IANA"),
    "an unknown output filter": Mistake(
        provider("output_filters: [strip_thinkin]"), 5, "providers[0].output_filters[0]", "strip_thinking"
    ),
    "an unknown kind": Mistake(provider("kind: antropic"), 5, "providers[0].kind", '"anthropic"'),
    "a kind as adapter": Mistake(
        provider("adapter: anthropic"), 5, "providers[0].adapter", "say kind: anthropic"
    ),
    "kind and adapter": Mistake(
        provider("kind: anthropic\n    adapter: acme.gateway:Lab"), 6, "providers[0].adapter", "exclude"
    ),
    "options for a built-in kind": Mistake(
        provider("options: {a: 1}"), 5, "providers[0].options", "no options"
    ),
    "two places for the key": Mistake(
        provider("api_key_env: A\n    api_key_file: /run/secrets/a"),
        6,
        "providers[0].api_key_file",
        "api_key_env",
    ),
    "a name that no variable can have": Mistake(
        provider("api_key_env: my-key"),
        5,
        "providers[0].api_key_env",
        "write the name of the variable that holds the key",
    ),
    "no address": Mistake(
        f"providers:\n  - name: a\n    model: m\n{PROFILE}", 2, "providers[0].base_url", "required"
    ),
    "no model": Mistake(
        f"providers:\n  - name: a\n    base_url: http://h/v1\n{PROFILE}", 2, "providers[0].model", "required"
    ),
    "an empty model": Mistake(
        f"providers:\n  - name: a\n    base_url: http://h/v1\n    model: ''\n{PROFILE}",
        4,
        "providers[0].model",
        "must not be empty",
    ),
    "an address without a scheme": Mistake(
        f"providers:\n  - name: a\n    base_url: localhost:1/v1\n    model: m\n{PROFILE}",
        3,
        "providers[0].base_url",
        "http://",
    ),
    "text for a boolean": Mistake(
        provider('paid: "maybe"'), 5, "providers[0].paid", 'true or false; found "maybe"'
    ),
    "a number for a boolean": Mistake(provider("paid: 2"), 5, "providers[0].paid", "true or false; found 2"),
    "text for a number": Mistake(
        provider('timeout_s: "30s"'), 5, "providers[0].timeout_s", 'expected a number; found "30s"'
    ),
    "text for a whole number": Mistake(
        profile('tool_loop_window: "five"'), 8, "profiles[0].tool_loop_window", "expected a whole number"
    ),
    "a fraction in quotes for a whole number": Mistake(
        profile('tool_loop_window: "4.5"'), 8, "profiles[0].tool_loop_window", "expected a whole number"
    ),
    "a number in quotes that is too large": Mistake(
        provider('timeout_s: "601"'), 5, "providers[0].timeout_s", "at most 600"
    ),
    "no number in quotes": Mistake(provider('timeout_s: "nan"'), 5, "providers[0].timeout_s", "finite"),
    "a threshold in quotes above its window": Mistake(
        profile('tool_loop_threshold: "6"'), 8, "profiles[0].tool_loop_threshold", "never be reached"
    ),
    "a boolean for a number": Mistake(
        provider("timeout_s: true"), 5, "providers[0].timeout_s", "expected a number; found true"
    ),
    "a boolean for a whole number": Mistake(
        profile("tool_loop_window: true"), 8, "profiles[0].tool_loop_window", "expected a whole number"
    ),
    "a number for a name": Mistake(
        f"providers:\n  - name: a\n    base_url: http://h/v1\n    model: 7\n{PROFILE}",
        4,
        "providers[0].model",
        "expected text; found 7",
    ),
    "too long a time-out": Mistake(provider("timeout_s: 601"), 5, "providers[0].timeout_s", "at most 600"),
    "too short a time-out": Mistake(profile("timeout_s: 0.5"), 8, "profiles[0].timeout_s", "at least 1"),
    "an endless time-out": Mistake(
        provider("total_timeout_s: .inf"), 5, "providers[0].total_timeout_s", "finite"
    ),
    "not a number at all": Mistake(provider("timeout_s: .nan"), 5, "providers[0].timeout_s", "finite"),
    "a member's budget of nothing said": Mistake(
        top("members:\n  alice:\n    budget: {mode: hard}"), 10, "members.alice.budget", "needs an amount"
    ),
    "a profile's budget of nothing said": Mistake(
        profile("budget: {zone: UTC}"), 8, "profiles[0].budget", "monthly_usd or daily_usd"
    ),
    "a key's budget of nothing said": Mistake(
        top("members: {alice: {}}\nauth:\n  keys:\n    - {member: alice, hash_file: /k, budget: {}}"),
        11,
        "auth.keys[0].budget",
        "needs an amount",
    ),
    "a provider's mode of no budget": Mistake(
        provider("cost: {budget_mode: hard, input_tokens_per_million: 3}"),
        5,
        "providers[0].cost.budget_mode",
        "monthly_budget_usd or daily_budget_usd",
    ),
    "a state that is elsewhere from every folder": Mistake(
        top("state: {url: 'sqlite:state.db'}"), 8, "state.url", "from the root or the home directory"
    ),
    "a decimal comma": Mistake(
        top("members: {alice: {budget: {daily_usd: 0,25, mode: hard}}}"),
        8,
        "members.alice.budget",
        "take a point",
    ),
    "a decimal comma in a line of its own": Mistake(
        provider("cost: {input_tokens_per_million: '0,25'}"),
        5,
        "providers[0].cost.input_tokens_per_million",
        "take a point",
    ),
    "a price for a thousand": Mistake(
        provider("cost: {input_tokens_per_thousand: 0.003}"),
        5,
        "providers[0].cost.input_tokens_per_thousand",
        "input_tokens_per_million: write 1000 times as much",
    ),
    "a member without a word": Mistake(top("members:\n  mom:"), 9, "members.mom", "write mom: {}"),
    "a section without a word": Mistake(top("server:"), 8, "server", "write server: {}"),
    "a negative budget": Mistake(
        provider("cost: {monthly_budget_usd: -1}"), 5, "providers[0].cost.monthly_budget_usd", "at least 0"
    ),
    "a discount above one": Mistake(
        provider("cost: {cache_read_discount: 1.1}"), 5, "providers[0].cost.cache_read_discount", "at most 1"
    ),
    "a fraction for a whole number": Mistake(
        profile("tool_loop_window: 4.5"), 8, "profiles[0].tool_loop_window", "whole number; found 4.5"
    ),
    "an unknown action": Mistake(
        profile("backend_health_action: exclude"), 8, "profiles[0].backend_health_action", "'demote'"
    ),
    "off without quotes": Mistake(
        profile("backend_health_action: off"), 8, "profiles[0].backend_health_action", "put it in quotes"
    ),
    "a header that belongs to the connection": Mistake(
        provider("headers: {Host: x}"), 5, "providers[0].headers.Host", "connection"
    ),
    "a header over two lines": Mistake(
        provider(r'headers: {X-A: "a\nb"}'), 5, "providers[0].headers.X-A", "one line"
    ),
    "a model name for nobody": Mistake(
        top("models: {gpt: b}"), 8, "models.gpt", 'no profile or provider is called "b"'
    ),
    "a model at an unknown provider": Mistake(
        top("models: {gpt: {provider: b}}"), 8, "models.gpt.provider", 'no provider is called "b"'
    ),
    "a model name that is taken": Mistake(top("models: {a: default}"), 8, "models.a", "already"),
    "a number for a model": Mistake(top("models: {gpt: 4}"), 8, "models.gpt", "name or a mapping"),
    "a port out of range": Mistake(top("server: {port: 70000}"), 8, "server.port", "at most 65535"),
    "a tag": Mistake(
        f"providers:\n  - name: a\n    base_url: http://h/v1\n    model: !secret m\n{PROFILE}",
        4,
        "providers[0].model",
        "!secret means nothing here",
    ),
    "an alias with a numeric key": Mistake(
        top("mode_aliases: {1: default}"), 8, "mode_aliases", "is not text"
    ),
}


def error_of(
    text: str, *, origin: str = "providers.yaml", environment: Mapping[str, str] | None = None
) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_text(text, origin=origin, environment=environment)
    return caught.value


def problems_of(text: str) -> tuple[Problem, ...]:
    return error_of(text).problems


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_file_line_and_key(mistake: Mistake) -> None:
    problems = problems_of(mistake.text)
    told = [
        str(problem)
        for problem in problems
        if problem.place.line == mistake.line and problem.path == mistake.path
    ]
    assert told, [str(problem) for problem in problems]
    assert any(mistake.said in text for text in told), told
    assert told[0].startswith(f"providers.yaml:{mistake.line}:")


ALONE = [
    name
    for name in MISTAKES
    if name not in ("the file is empty", "a list at the top", "the words of another gateway")
]


@pytest.mark.parametrize("name", ALONE)
def test_one_mistake_is_told_once(name: str) -> None:
    assert len(problems_of(MISTAKES[name].text)) == 1


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        "allow_paid: maybe\n"
        "providers:\n"
        "  - name: a\n"
        "    base_url: ftp://h\n"
        "    model: ''\n"
        "    timeout: 3\n"
        "  - name: a\n"
        "    base_url: http://h/v1\n"
        "    model: ${NOWHERE}\n"
        "profiles:\n"
        "  - name: default\n"
        "    providers: [b]\n"
        "    tool_loop_threshold: 50\n"
        "mode_aliases: {x: y}\n"
        "auto_router:\n"
        "  default_rule_profile: default\n"
        "  rules: [{id: r, profile: z, match: {}}]\n"
    )
    problems = problems_of(text)
    assert [(problem.place.line, problem.path) for problem in problems] == [
        (1, "allow_paid"),
        (4, "providers[0].base_url"),
        (5, "providers[0].model"),
        (6, "providers[0].timeout"),
        (7, "providers[1].name"),
        (9, "providers[1].model"),
        (12, "profiles[0].providers[0]"),
        (13, "profiles[0].tool_loop_threshold"),
        (14, "mode_aliases.x"),
        (17, "auto_router.rules[0].profile"),
        (17, "auto_router.rules[0].match"),
    ]


def test_the_message_reads_as_a_list_with_places_and_hints() -> None:
    error = error_of(provider("timout_s: 3"), origin="conf/providers.yaml")
    assert str(error).splitlines() == [
        "1 problem in the configuration:",
        "  conf/providers.yaml:5:5: providers[0].timout_s: no such key",
        '    did you mean "timeout_s"?',
    ]


DIGITS = "1234567890"
SECRET = f"sk-canary-{DIGITS}"


@pytest.mark.parametrize(
    "more",
    [
        f"api_key: {SECRET}",
        f"api_key_env: [{SECRET}]",
        f"api_key_env: {DIGITS}",
        f"headers: {{Authorization: {DIGITS}}}",
        f"api_key_file: {{a: {SECRET}}}",
        f"headers: {{'X Y': {SECRET}}}",
        f"headers: {{Authorization: [{SECRET}]}}",
        f'headers: {{Authorization: "{SECRET}\\n"}}',
        f"headers: {SECRET}",
        f"options: {SECRET}",
        f"extra_body: {SECRET}",
    ],
)
def test_a_message_never_repeats_what_may_be_a_secret(more: str) -> None:
    error = error_of(provider(more))
    assert DIGITS not in str(error)
    assert DIGITS not in repr(error)


@pytest.mark.parametrize(
    "key",
    [
        SECRET,
        f"gsk_{DIGITS}",
        f"AIza{DIGITS}",
        f"hf_{DIGITS}abcdefghij",
        f"cr_abcd_{DIGITS}abcdefghijklmnop",
        f"a{DIGITS}bcdefghijklmnopqrstuvwxyz",
        f"eyJhbGci.{DIGITS}",
    ],
)
@pytest.mark.parametrize(
    "more",
    ["api_key_env: KEY", "api_key_file: KEY", "api_key_file: '${KEY}'", "headers: {X-A: 'Bearer ${KEY}'}"],
)
def test_a_key_in_the_place_of_a_name_is_refused_and_not_repeated(key: str, more: str) -> None:
    error = error_of(provider(more.replace("KEY", key)))

    (problem,) = error.problems
    assert problem.path.startswith("providers[0].")
    assert DIGITS not in str(error)
    assert DIGITS not in repr(error)


def test_a_key_that_a_variable_puts_in_the_place_of_a_path_is_refused_as_well() -> None:
    error = error_of(provider("api_key_file: '${KEY}'"), environment={"KEY": SECRET})

    assert error.problems[0].path == "providers[0].api_key_file"
    assert DIGITS not in str(error)


def test_a_key_of_ours_in_the_place_of_its_hash_file_is_not_repeated() -> None:
    key = f"cr_abcd_{DIGITS}abcdefghijklmnop"
    error = error_of(top(f"members: {{anna: {{}}}}\nauth: {{keys: [{{member: anna, hash_file: {key}}}]}}"))

    assert error.problems[0].path == "auth.keys[0].hash_file"
    assert DIGITS not in str(error)


@pytest.mark.parametrize(
    "more",
    [
        "api_key_env: OPENROUTER_API_KEY_OF_THE_WHOLE_HOUSE_2",
        "api_key_env: _key",
        "api_key_env: hf_token",
        "api_key_file: /run/secrets/a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6",
        "api_key_file: sk-lab.txt",
        "api_key_file: openrouter",
    ],
)
def test_a_name_is_taken_for_a_name(more: str) -> None:
    load_text(provider(more))


def test_the_address_of_a_state_is_not_repeated_as_it_may_hold_a_password() -> None:
    error = error_of(top(f"state: {{url: 'http://me:{SECRET}@h/0'}}"))

    assert error.problems[0].path == "state.url"
    assert DIGITS not in str(error)


@pytest.mark.parametrize(
    "address", [f"http://user:{SECRET}@h/v1", f"http://{SECRET}@h/v1", f"h?key={SECRET}"]
)
def test_an_address_with_a_secret_is_refused_and_not_repeated(address: str) -> None:
    text = f"providers:\n  - name: a\n    base_url: {address}\n    model: m\n{PROFILE}"
    error = error_of(text)
    assert error.problems[0].path == "providers[0].base_url"
    assert "canary" not in str(error)


def test_a_secret_in_a_variable_is_not_repeated_when_the_value_does_not_fit() -> None:
    text = provider("headers: {X-A: 'Bearer ${KEY}'}")
    error = error_of(text, environment={"KEY": f"{SECRET}\r\nX: y"})
    assert re.search(r"providers\[0\]\.headers\.X-A: a header value must be one line", str(error))
    assert "canary" not in str(error)


def test_what_is_right_is_accepted() -> None:
    config = load_text(
        "providers:\n"
        "  - {name: own, adapter: 'acme.gateway:LabModel', options: {depth: 3, tags: [a, null]}}\n"
        "  - {name: small, kind: embedded}\n"
        "  - name: far\n"
        "    kind: anthropic\n"
        "    base_url: HTTPS://[2001:db8::1]:8443/v1\n"
        "    model: m\n"
        "    headers: {X-Title: CodeRouter}\n"
        "    api_key_file: /run/secrets/far\n"
        "    context_window: 200000\n"
        "    locality: lan\n"
        "profiles:\n"
        "  - name: default\n"
        "    providers: [own, small, far]\n"
        "    capability_action: require\n"
        "    on_broken_stream: surface\n"
        "    half_open_s: 30\n"
        "models:\n"
        "  gpt-4o: default\n"
        "  tiny: small\n"
        "  claude: {provider: far, model: claude-x, cost: {input_tokens_per_million: 1}}\n"
        "session: {header: x-session, sticky: false}\n"
        "server: {host: '::1', port: 0, workers: 2, allowed_hosts: [gateway.lan]}\n"
        "display_timezone: Europe/Berlin\n"
    )
    assert [one.name for one in config.providers] == ["own", "small", "far"]
    assert config.server.allowed_hosts == ("gateway.lan",)


def test_two_rules_of_one_id_are_a_mistake_with_its_place() -> None:
    text = """\
default_profile: auto
providers: [{name: a, base_url: "http://127.0.0.1:1/v1", model: m}]
profiles: [{name: p, providers: [a]}]
auto_router:
  default_rule_profile: p
  rules:
    - {id: tools, profile: p, match: {has_tools: true}}
    - {id: tools, profile: p, match: {has_image: true}}
"""
    with pytest.raises(ConfigError) as caught:
        load_text(text)

    assert "providers.yaml:8:8: auto_router.rules[1].id: duplicate id" in str(caught.value)
