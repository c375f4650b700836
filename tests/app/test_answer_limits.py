"""The limit that an answer is reckoned with is what its provider is told, by the name that it knows."""

import json
from typing import Any

import pytest
import yaml

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.outbound.authoring import Quirks, http_provider
from app.adapter_references import BUILT_IN
from config.load import load_text
from config.translate import routing_table
from domain.ports.providers import ChatProvider, ProviderCall
from domain.routing.targets import ProviderSpec
from tests.adapters.outbound.scripted_server import Server

HELLO = [{"role": "user", "content": "hi"}]
OPENAI, HOME = "https://api.openai.com/v1", "http://127.0.0.1:9/v1"
LANGUAGES: dict[Dialect, dict[str, Any]] = {
    OPENAI_CHAT: {"messages": HELLO},
    ANTHROPIC_MESSAGES: {"messages": HELLO},
    OPENAI_RESPONSES: {"input": "hi"},
    OPENAI_COMPLETIONS: {"prompt": "hi"},
}
ANSWERS = {
    "chat/completions": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]},
    "v1/completions": {"choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}]},
    "v1/messages": {"type": "message", "role": "assistant", "content": [], "model": "m"},
    "api/chat": {"message": {"role": "assistant", "content": "hi"}, "done": True, "done_reason": "stop"},
    "v1/responses": {"object": "response", "status": "completed", "output": []},
}
SAID: list[dict[str, Any]] = [
    {},
    {"max_output_tokens": 100, "extra_body": {"max_tokens": 20_000}},
    {"max_output_tokens": 100, "extra_body": {"max_completion_tokens": 20_000}},
    {"max_output_tokens": 100, "extra_body": {"max_output_tokens": 20_000, "top_k": 3}},
    {"max_output_tokens": 100, "extra_body": {"options": {"num_predict": 20_000}}},
    {"extra_body": {"max_tokens": 300}},
    {"extra_body": {"max_completion_tokens": 300}},
    {"extra_body": {"max_output_tokens": 300}},
    {"extra_body": {"options": {"num_predict": 300, "num_gpu": 1}}},
    {"extra_body": {"max_tokens": 300, "max_completion_tokens": 400}},
]


def spec_of(kind: str, base_url: str, said: dict[str, Any]) -> ProviderSpec:
    provider = {"name": "a", "kind": kind, "base_url": base_url, "model": "m", **said}
    profile = {"name": "default", "providers": ["a"]}
    loaded = load_text(yaml.safe_dump({"providers": [provider], "profiles": [profile]}))
    return routing_table(loaded).providers["a"]


def answering(path: str) -> Server:
    return Server(json.dumps(ANSWERS[path]).encode(), content_type="application/json")


async def limits_sent(server: Server, provider: ChatProvider, dialect: Dialect, **body: Any) -> Any:
    """All that the provider is told of how long its answer may be."""
    request = dialect.decode_request(json.dumps({**LANGUAGES[dialect], **body}).encode(), {})
    call = ProviderCall(request=request, request_id="r1", model="m", stream=False)
    async for _ in provider.converse(call):
        pass
    sent = server.sent
    options = {f"options.{name}": value for name, value in sent.get("options", {}).items()}
    return {name: value for name, value in (sent | options).items() if "max_" in name or "predict" in name}


def name_of(kind: str, name: str, said: dict[str, Any]) -> str:
    """Where the configuration says that a chat knows the limit by its newer name, that is its name."""
    names = said.get("extra_body", {})
    is_newer = "max_completion_tokens" in names and "max_tokens" not in names
    return "max_completion_tokens" if kind == "openai_compat" and is_newer else name


@pytest.mark.parametrize("said", SAID, ids=str)
@pytest.mark.parametrize(
    ("kind", "base_url", "path", "dialect", "name"),
    [
        ("openai_compat", HOME, "chat/completions", OPENAI_CHAT, "max_tokens"),
        ("openai_compat", HOME, "chat/completions", OPENAI_RESPONSES, "max_tokens"),
        ("openai_compat", HOME, "v1/completions", OPENAI_COMPLETIONS, "max_tokens"),
        ("openai_compat", OPENAI, "chat/completions", OPENAI_CHAT, "max_completion_tokens"),
        ("openai_compat", OPENAI, "chat/completions", OPENAI_RESPONSES, "max_completion_tokens"),
        ("openai_compat", OPENAI, "v1/completions", OPENAI_COMPLETIONS, "max_tokens"),
        ("anthropic", HOME, "v1/messages", OPENAI_CHAT, "max_tokens"),
        ("anthropic", HOME, "v1/messages", OPENAI_RESPONSES, "max_tokens"),
        ("ollama", HOME, "api/chat", OPENAI_CHAT, "options.num_predict"),
        ("ollama", HOME, "api/chat", OPENAI_RESPONSES, "options.num_predict"),
    ],
)
async def test_an_answer_is_limited_to_what_is_reckoned(
    kind: str, base_url: str, path: str, dialect: Dialect, name: str, said: dict[str, Any]
) -> None:
    spec = spec_of(kind, base_url, said)
    server = answering(path)
    if path == "chat/completions":
        name = name_of(kind, name, said)

    told = await limits_sent(server, BUILT_IN[kind](spec, server.kit()), dialect)

    assert told == ({} if spec.output_limit is None else {name: spec.output_limit})


@pytest.mark.parametrize(
    ("kind", "path", "dialect", "said", "told"),
    [
        ("openai_compat", "chat/completions", OPENAI_CHAT, "max_completion_tokens", "max_tokens"),
        ("openai_compat", "v1/completions", OPENAI_COMPLETIONS, "max_tokens", "max_tokens"),
        ("anthropic", "v1/messages", ANTHROPIC_MESSAGES, "max_tokens", "max_tokens"),
        ("ollama", "api/chat", OPENAI_CHAT, "max_tokens", "options.num_predict"),
    ],
)
async def test_the_limit_of_a_client_goes_before_every_other(
    kind: str, path: str, dialect: Dialect, said: str, told: str
) -> None:
    others = {"max_tokens": 300, "max_completion_tokens": 400, "options": {"num_predict": 500}}
    server = answering(path)
    provider = BUILT_IN[kind](spec_of(kind, HOME, {"extra_body": others}), server.kit())

    assert await limits_sent(server, provider, dialect, **{said: 9}) == {told: 9}


async def test_a_server_before_openais_models_is_told_clients_limits_by_the_name_that_is_configured() -> None:
    server = answering("chat/completions")
    named = {"extra_body": {"max_completion_tokens": 400}}
    provider = BUILT_IN["openai_compat"](spec_of("openai_compat", HOME, named), server.kit())

    assert await limits_sent(server, provider, OPENAI_CHAT, max_tokens=9) == {"max_completion_tokens": 9}


async def test_what_was_no_more_than_a_limit_leaves_nothing_behind() -> None:
    server = answering("chat/completions")
    said = {"extra_body": {"options": {"num_predict": 300}}}

    await limits_sent(
        server, BUILT_IN["openai_compat"](spec_of("openai_compat", HOME, said), server.kit()), OPENAI_CHAT
    )

    assert "options" not in server.sent


async def test_an_adapter_of_somebodys_own_that_speaks_a_language_of_ours_tells_the_limit_too() -> None:
    server = answering("chat/completions")
    spec = ProviderSpec(name="a", adapter="a:b", output_limit=100, extra_body={"max_tokens": 9})
    quirks = Quirks(max_tokens_field="max_completion_tokens")

    provider = http_provider(spec, server.kit(), OPENAI_CHAT, url=HOME, quirks=quirks)

    assert await limits_sent(server, provider, OPENAI_CHAT) == {"max_completion_tokens": 100}


async def test_a_server_that_speaks_responses_knows_the_limit_by_their_name() -> None:
    server = answering("v1/responses")
    spec = ProviderSpec(name="a", adapter="a:b", output_limit=100, extra_body={"max_tokens": 9})

    provider = http_provider(spec, server.kit(), OPENAI_RESPONSES, url=HOME)

    assert await limits_sent(server, provider, OPENAI_CHAT) == {"max_output_tokens": 100}
