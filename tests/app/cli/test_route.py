"""Where a request would go can be asked without sending it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.main import main

FILE = """\
default_profile: auto
providers:
  - {name: small, base_url: "http://127.0.0.1:9/v1", model: qwen3, capabilities: {tools: false}}
  - {name: large, base_url: "http://127.0.0.1:9/v1", model: qwen3-coder}
  - {name: dear, kind: anthropic, base_url: "http://127.0.0.1:9", model: sonnet, paid: true}
profiles:
  - {name: chat, providers: [small, large, dear]}
  - {name: agent, providers: [large, dear]}
auto_router:
  default_rule_profile: chat
  rules:
    - {id: agents, profile: agent, match: {has_tools: true}}
"""

HELLO = {"model": "any", "messages": [{"role": "user", "content": "hello"}]}
WITH_TOOLS = {**HELLO, "tools": [{"type": "function", "function": {"name": "a"}}]}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def route(config: Path, body: object, *arguments: str) -> Result:
    text = body if isinstance(body, str) else json.dumps(body)
    return CliRunner().invoke(main, ["route", "-", "--config", str(config), *arguments], input=text)


def test_the_rule_the_chain_and_each_refusal_are_shown_with_their_reasons(config: Path) -> None:
    result = route(config, WITH_TOOLS)

    assert result.exit_code == 0, result.output
    assert "goes to profile agent, chosen by agents: rule agents holds." in result.output
    assert "1.  large  qwen3-coder  number 1 of the profile" in result.output
    assert "-   dear   sonnet       it costs money and paid providers are off" in result.output
    assert "has_tools         yes" in result.output


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("any", "goes to profile chat, chosen by auto-fallthrough: no rule holds."),
        ("agent", "goes to profile agent, chosen by model-profile: the model's name is the profile's."),
        ("small", "takes its policies from profile chat, chosen by model-provider"),
    ],
)
def test_what_chose_the_profile_is_told_in_words(config: Path, model: str, told: str) -> None:
    assert told in route(config, {**HELLO, "model": model}).output


def test_a_provider_that_the_client_named_is_told_as_the_clients_choice(config: Path) -> None:
    told = json.loads(route(config, {**HELLO, "model": "large"}, "--json").output)

    assert told["pinned"]
    assert [(place["provider"], place["why"]) for place in told["chain"]] == [
        ("large", "the model's name chose it")
    ]


def test_a_key_that_is_missing_is_named(config: Path) -> None:
    config.write_text(FILE.replace("qwen3-coder}", "qwen3-coder, api_key_env: LARGE_KEY}"), encoding="utf-8")

    assert "its API key is not set: LARGE_KEY" in route(config, WITH_TOOLS).output


def test_scripts_get_every_signal_and_the_order_as_json(config: Path) -> None:
    told = json.loads(route(config, HELLO, "--json").output)

    assert (told["profile"], told["dialect"]) == ("chat", "openai_chat")
    assert [(place["position"], place["provider"]) for place in told["chain"]] == [
        (1, "small"),
        (2, "large"),
        (0, "dear"),
    ]
    assert told["signals"]["has_tools"] is False
    assert told["signals"]["estimated_tokens"] == 1


def test_a_target_that_lacks_what_is_asked_is_shown_set_back(config: Path) -> None:
    told = json.loads(route(config, WITH_TOOLS, "--json", "--profile-header", "chat").output)

    assert told["rule"] == "profile-header"
    assert [place["provider"] for place in told["chain"]] == ["large", "small", "dear"]
    assert told["chain"][1]["why"] == "set back: it lacks tools"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "not valid JSON"),
        ({"model": "x"}, "messages"),
        ({**HELLO, "profile": "nope"}, "available: agent, chat"),
    ],
)
def test_a_request_that_would_be_refused_says_why(config: Path, body: object, words: str) -> None:
    result = route(config, body)

    assert result.exit_code == 4
    assert words in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_request_that_nobody_may_take_is_told_as_refused(config: Path, form: tuple[str, ...]) -> None:
    config.write_text(FILE.replace("[small, large, dear]", "[dear]"), encoding="utf-8")

    result = route(config, HELLO, *form)

    assert result.exit_code == 4
    assert "it would be refused: " in result.output
    assert "it costs money" in result.output


MEMBERS = """\
members:
  alice: {}
  cam: {lan_only: true, profiles: [chat]}
"""


def test_a_member_is_told_what_that_member_may_ask(config: Path) -> None:
    cloud = '"https://api.example.com/v1", model: qwen3-coder'
    text = FILE.replace('"http://127.0.0.1:9/v1", model: qwen3-coder', cloud) + MEMBERS
    config.write_text(text, encoding="utf-8")

    result = route(config, HELLO, "--member", "cam")

    assert result.exit_code == 0, result.output
    assert "A request of cam in openai_chat for model any" in result.output
    assert "-   large  qwen3-coder  it is outside the house" in result.output
    assert "outside the house" not in route(config, HELLO, "--member", "alice").output
    assert "outside the house" not in route(config, HELLO).output


def test_a_member_who_may_not_use_the_profile_is_refused(config: Path) -> None:
    config.write_text(FILE + MEMBERS, encoding="utf-8")

    result = route(config, WITH_TOOLS, "--member", "cam", "--json")

    assert result.exit_code == 4
    assert "this key may not use it: profile agent" in result.output


def test_an_unknown_member_is_told_whom_there_is(config: Path) -> None:
    config.write_text(FILE + MEMBERS, encoding="utf-8")

    result = route(config, HELLO, "--member", "cas")

    assert result.exit_code == 4
    assert "unknown member 'cas'; available: alice, cam" in result.output


def test_where_no_members_are_declared_anybody_may_ask_everything(config: Path) -> None:
    told = json.loads(route(config, HELLO, "--member", "alice", "--json").output)

    assert told["member"] == "alice"
    assert [place["provider"] for place in told["chain"]] == ["small", "large", "dear"]
