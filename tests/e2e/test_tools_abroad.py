"""Tools whose names, schemas or manners their target does not know still work for their client."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.clients import TLS
from tests.e2e.gateway import Gateway, running
from tests.e2e.stage import Stage, provider
from tests.upstream.behaviours import Answer
from tests.upstream.records import ReceivedRequest

OWN = "mcp__files.of.the.house__" + "read_one_of_them_" * 4
SCHEMA = {"type": "object", "properties": {"path": {"type": ["string", "null"]}}}
BETAS = "context-management-2025-06-27,interleaved-thinking-2025-05-14"


@pytest.fixture(scope="module")
def gateway(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = whole_stage["first"].port
    dropping = {"drop_betas": ["context-management-*"], "headers": {"anthropic-beta": "of-the-house-1"}}
    config = whole_stage.config(
        providers=[
            {**provider("safe", "openai_compat", port), "tool_names": "safe", "tool_schemas": "plain"},
            {**provider("thoughtful", "openai_compat", port), "fill_reasoning": True},
            {**provider("dropping", "anthropic", port), **dropping},
        ]
    )
    with running(tmp_path_factory.mktemp("gateway"), config) as gateway:
        yield gateway


def messages(model: str, **more: Any) -> dict[str, Any]:
    tool = {"name": OWN, "description": "Reads.", "input_schema": SCHEMA}
    said = [{"role": "user", "content": "Read it."}]
    return {"model": model, "max_tokens": 2000, "messages": said, "tools": [tool], **more}


def chat(model: str, **more: Any) -> dict[str, Any]:
    tool = {"type": "function", "function": {"name": OWN, "parameters": SCHEMA}}
    said = [{"role": "user", "content": "Read it."}]
    return {"model": model, "messages": said, "tools": [tool], **more}


def post(gateway: Gateway, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    answer = httpx.post(gateway.address + path, json=body, headers=headers, timeout=30, verify=TLS)
    assert answer.status_code == 200, answer.text
    return answer


def heard(stage: Stage) -> ReceivedRequest:
    return stage["first"].chats[-1]


def told_name(stage: Stage) -> str:
    """The name that the upstream is told; it has no other."""
    tool = heard(stage).body["tools"][0]
    return str(tool["function"]["name"] if "function" in tool else tool["name"])


def learnt_name(gateway: Gateway, stage: Stage, path: str, body: dict[str, Any]) -> str:
    post(gateway, path, body)
    return told_name(stage)


@pytest.mark.parametrize("stream", [False, True])
def test_a_messages_client_keeps_its_names_before_a_server_of_another_language(
    gateway: Gateway, stage: Stage, stream: bool
) -> None:
    name = learnt_name(gateway, stage, "/v1/messages", messages("first-openai_compat"))
    stage.plays(first=Answer.tool_call(name, {"path": "a"}))

    answer = post(gateway, "/v1/messages", messages("first-openai_compat", stream=stream))

    assert len(name) <= 64
    assert "." not in name
    assert f'"name":"{OWN}"' in answer.text.replace(": ", ":")
    assert name not in answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_names_are_changed_in_the_same_language_where_it_is_wanted(
    gateway: Gateway, stage: Stage, stream: bool
) -> None:
    name = learnt_name(gateway, stage, "/v1/chat/completions", chat("safe-openai_compat"))
    stage.plays(first=Answer.tool_call(name, {"path": "a"}))

    answer = post(gateway, "/v1/chat/completions", chat("safe-openai_compat", stream=stream))

    assert name != OWN
    assert OWN in answer.text
    assert name not in answer.text
    parameters = heard(stage).body["tools"][0]["function"]["parameters"]
    assert parameters == {"type": "object", "properties": {"path": {"type": "string"}}}


def test_a_past_call_is_told_by_the_name_that_the_tool_has_now(gateway: Gateway, stage: Stage) -> None:
    called = {"type": "tool_use", "id": "toolu_1", "name": OWN, "input": {"path": "a"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "b"}
    said = [
        {"role": "user", "content": "Read it."},
        {"role": "assistant", "content": [called]},
        {"role": "user", "content": [result]},
    ]

    post(gateway, "/v1/messages", messages("first-openai_compat", messages=said))

    assert OWN not in json.dumps(heard(stage).body)


def test_in_its_own_language_a_request_keeps_its_names_and_its_bytes(gateway: Gateway, stage: Stage) -> None:
    assert learnt_name(gateway, stage, "/v1/messages", messages("first-anthropic")) == OWN
    assert heard(stage).body["tools"][0]["input_schema"] == SCHEMA


def test_tools_to_be_looked_up_are_all_offered_to_others_than_anthropic(
    gateway: Gateway, stage: Stage
) -> None:
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    late = {"name": "late", "description": "Late.", "input_schema": SCHEMA, "defer_loading": True}
    reference = {"type": "tool_reference", "tool_name": "late"}
    called = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
    said = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": [called]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [reference]}],
        },
    ]

    post(gateway, "/v1/messages", messages("first-anthropic", tools=[search, late], messages=said))

    told = heard(stage).body
    assert told["tools"] == [{"name": "late", "description": "Late.", "input_schema": SCHEMA}]
    assert "tool_reference" not in json.dumps(told)


def test_tools_that_were_looked_up_are_told_in_words_where_none_waits_any_more(
    gateway: Gateway, stage: Stage
) -> None:
    reference = {"type": "tool_reference", "tool_name": "late"}
    called = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [reference]}
    said = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": [called]},
        {"role": "user", "content": [result]},
    ]

    post(gateway, "/v1/messages", {"model": "first-anthropic", "max_tokens": 9, "messages": said})

    assert "tool_reference" not in json.dumps(heard(stage).body)


def test_betas_are_united_with_the_configured_and_dropped_ones_take_their_fields_along(
    gateway: Gateway, stage: Stage
) -> None:
    body = messages("dropping-anthropic", context_management={"edits": []})

    post(gateway, "/v1/messages", body, **{"anthropic-beta": BETAS, "x-request-id": "betas"})

    assert heard(stage).headers["anthropic-beta"] == "interleaved-thinking-2025-05-14,of-the-house-1"
    assert "context_management" not in heard(stage).body
    lost = [event for event in gateway.story("betas") if event["event"] == "capability-degraded"]
    assert [event["dropped"] for event in lost] == [["context_management"]]


@pytest.mark.parametrize(
    ("budget", "limit", "told"),
    [
        (500, 2000, {"type": "enabled", "budget_tokens": 1024}),
        (500, 1000, None),
        (1500, 2000, {"type": "enabled", "budget_tokens": 1500}),
    ],
)
def test_a_thinking_budget_that_would_be_refused_is_raised_or_left_out(
    gateway: Gateway, stage: Stage, budget: int, limit: int, told: dict[str, Any] | None
) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}

    post(gateway, "/v1/messages", messages("first-anthropic", max_tokens=limit, thinking=thinking))

    assert heard(stage).body.get("thinking") == told


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_a_provider_that_demands_reasoning_gets_it_with_every_turn_that_calls_tools(
    gateway: Gateway, stage: Stage, path: str
) -> None:
    if path == "/v1/messages":
        use = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
        called: dict[str, Any] = {"role": "assistant", "content": [use]}
    else:
        call = {"id": "toolu_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
        called = {"role": "assistant", "content": None, "tool_calls": [call]}
    said = [{"role": "user", "content": "Go."}, called, {"role": "user", "content": "And?"}]

    post(gateway, path, {"model": "thoughtful-openai_compat", "max_tokens": 9, "messages": said})

    assert heard(stage).body["messages"][1]["reasoning_content"] == ""
