"""What a target is not told of a request is known, field by field."""

import json
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.routing.losses import NOTHING_LOST, Losses, losses
from domain.routing.manner import manner_for
from domain.routing.targets import Capabilities, Freedom, ProviderSpec
from tests.domain.routing.bodies import facts_of

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
STRICT = {"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}}
SEARCH = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
CHAT, MESSAGES, RESPONSES = OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES
ESSENTIALS: dict[str, dict[str, Any]] = {
    CHAT.name: HELLO,
    MESSAGES.name: HELLO | {"max_tokens": 5},
    RESPONSES.name: {"input": "hi"},
}


UNKNOWN = Capabilities()


def lost(dialect: Dialect, adapter: str, has: Capabilities = UNKNOWN, **fields: Any) -> Losses:
    body = json.dumps(ESSENTIALS[dialect.name] | fields).encode()
    request = dialect.decode_request(body, {})
    spec = ProviderSpec(name="a", adapter=adapter, capabilities=has)
    return losses(request, spec, manner_for(facts_of(request), spec, dialect.name))


@pytest.mark.parametrize(
    ("dialect", "adapter", "fields", "unsaid"),
    [
        (
            CHAT,
            "anthropic",
            {"seed": 1, "logprobs": True, "presence_penalty": 1},
            "seed presence_penalty logprobs",
        ),
        (CHAT, "anthropic", {"response_format": {"type": "json_object"}}, "response_format"),
        (CHAT, "anthropic", {"response_format": {"type": "grammar", "grammar": "x"}}, "response_format"),
        (CHAT, "anthropic", {"response_format": SCHEMA, "stop": "x", "temperature": 1}, ""),
        (CHAT, "anthropic", {"temperature": 1.5, "stop": ["\n"]}, "temperature stop"),
        (CHAT, "anthropic", {"logit_bias": {"50256": -100}, "prediction": None}, "logit_bias"),
        (CHAT, "anthropic", {"presence_penalty": 0, "user": "u", "metadata": {}, "store": True}, ""),
        (CHAT, "anthropic", {"keep_alive": "1h"}, "keep_alive"),
        (CHAT, "anthropic", {"tools": [STRICT]}, "strict"),
        (CHAT, "ollama", {"tools": [STRICT]}, "strict"),
        (RESPONSES, "openai_compat", {"tools": [{"type": "function", "name": "f", "strict": True}]}, ""),
        (RESPONSES, "anthropic", {"tools": [{"type": "function", "name": "f", "strict": False}]}, ""),
        (MESSAGES, "openai_compat", {"tools": [SEARCH]}, "tool_search"),
        (CHAT, "ollama", {"keep_alive": "1h", "seed": 1, "logprobs": True, "presence_penalty": 1}, ""),
        (CHAT, "ollama", {"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        (CHAT, "ollama", {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": True}, ""),
        (CHAT, "ollama", {"tools": [TOOL], "parallel_tool_calls": False}, "parallel_tool_calls"),
        (MESSAGES, "openai_compat", {"top_k": 5, "metadata": {"user_id": "u"}}, "top_k"),
        (MESSAGES, "openai_compat", {"context_management": {"edits": []}}, "context_management"),
        (MESSAGES, "openai_compat", {"thinking": {"type": "adaptive"}}, ""),
        (MESSAGES, "openai_compat", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "thinking"),
        (
            MESSAGES,
            "openai_compat",
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "web_search",
        ),
        (MESSAGES, "openai_compat", {"output_config": {"format": {"type": "json_schema", "schema": {}}}}, ""),
        (RESPONSES, "openai_compat", {"text": {"format": {"type": "json_object"}}, "include": ["x"]}, ""),
        (
            RESPONSES,
            "openai_compat",
            {"tools": [{"type": "web_search"}], "max_tool_calls": 3},
            "web_search max_tool_calls",
        ),
        (
            RESPONSES,
            "anthropic",
            {"tools": [{"type": "sk-live-x"}], "sk-live-y": 1},
            "other-tools other-fields",
        ),
        (RESPONSES, "anthropic", {"text": {"verbosity": "low"}}, "verbosity"),
        (RESPONSES, "ollama", {"text": {"verbosity": "low"}, "prompt_cache_key": "k"}, "verbosity"),
    ],
)
def test_what_a_language_has_no_word_for_is_missed(
    dialect: Dialect, adapter: str, fields: dict[str, Any], unsaid: str
) -> None:
    assert lost(dialect, adapter, **fields) == Losses(unsaid=tuple(unsaid.split()))


@pytest.mark.parametrize(
    ("dialect", "adapter", "has", "fields", "refused"),
    [
        (CHAT, "anthropic", Capabilities(sampling=Freedom.FIXED), {"temperature": 0}, "temperature"),
        (CHAT, "anthropic", Capabilities(sampling=Freedom.FIXED), {"temperature": 1, "top_p": 1}, ""),
        (
            CHAT,
            "anthropic",
            Capabilities(answer_schema=False),
            {"response_format": SCHEMA},
            "response_format",
        ),
        (
            CHAT,
            "anthropic",
            Capabilities(effort_levels=("low",)),
            {"reasoning_effort": "high"},
            "reasoning_effort",
        ),
        (CHAT, "anthropic", Capabilities(effort_levels=("low",)), {"reasoning_effort": "low"}, ""),
        (
            MESSAGES,
            "openai_compat",
            Capabilities(),
            {"output_config": {"effort": "high"}},
            "reasoning_effort",
        ),
        (RESPONSES, "openai_compat", Capabilities(), {"text": {"verbosity": "low"}}, "verbosity"),
        (RESPONSES, "ollama", Capabilities(thinking=True), {"reasoning": {"effort": "low"}}, ""),
    ],
)
def test_what_a_target_would_refuse_is_missed(
    dialect: Dialect, adapter: str, has: Capabilities, fields: dict[str, Any], refused: str
) -> None:
    assert lost(dialect, adapter, has, **fields) == Losses(refused=tuple(refused.split()))


def test_a_model_that_thinks_anyway_is_not_missed_to_be_asked() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    assert lost(MESSAGES, "openai_compat", Capabilities(thinking=True), thinking=thinking) == NOTHING_LOST


def test_parts_that_only_another_vendor_reads_are_missed_once_by_their_type() -> None:
    used = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [used, used, {"type": "text", "text": "yes"}]},
        {"role": "user", "content": "and?"},
    ]
    assert lost(MESSAGES, "openai_compat", messages=turns).unsaid == ("server_tool_use",)


@pytest.mark.parametrize("adapter", ["openai_compat", "embedded", "acme.gateway:LabModel"])
def test_a_target_of_the_same_language_is_told_everything(adapter: str) -> None:
    assert (
        lost(CHAT, adapter, logit_bias={"1": 1}, tools=[{"type": "custom", "custom": {"name": "c"}}])
        == NOTHING_LOST
    )
