"""An agent in a loop is told of, hinted or ended, whatever language it speaks."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.clients import TLS
from tests.e2e.gateway import Gateway, running
from tests.e2e.stage import Stage, fresh_id

CLIENT = pytest.mark.parametrize("client", ["openai_chat", "anthropic_messages", "openai_responses"])
STREAM = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(scope="module")
def gateway(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    profiles = [
        {"name": f"{action}-{kind}", "providers": [f"first-{kind}"], "tool_loop_action": action}
        for action in ("warn", "inject", "break")
        for kind in ("openai_compat", "anthropic")
    ]
    with running(tmp_path_factory.mktemp("gateway"), whole_stage.config(profiles=profiles)) as gateway:
        yield gateway


def looping(client: str, model: str, *, stream: bool = False, times: int = 3) -> tuple[str, dict[str, Any]]:
    """The same file is read over and over."""
    numbers = range(times)
    match client:
        case "openai_chat":
            function = {"name": "read", "arguments": '{"path": "a"}'}
            said = [{"role": "user", "content": "Read."}]
            for number in numbers:
                made = [{"id": f"c{number}", "type": "function", "function": function}]
                said.append({"role": "assistant", "content": None, "tool_calls": made})  # type: ignore[dict-item]
                said.append({"role": "tool", "tool_call_id": f"c{number}", "content": "b"})
            tools: list[Any] = [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}]
            return "/v1/chat/completions", {
                "model": model,
                "messages": said,
                "tools": tools,
                "stream": stream,
            }
        case "anthropic_messages":
            turns: list[Any] = [{"role": "user", "content": "Read."}]
            for number in numbers:
                use = {"type": "tool_use", "id": f"c{number}", "name": "read", "input": {"path": "a"}}
                result = {"type": "tool_result", "tool_use_id": f"c{number}", "content": "b"}
                turns.append({"role": "assistant", "content": [use]})
                turns.append({"role": "user", "content": [result]})
            tools = [{"name": "read", "input_schema": SCHEMA}]
            body = {"model": model, "max_tokens": 50, "messages": turns, "tools": tools, "stream": stream}
            return "/v1/messages", body
        case _:
            items: list[Any] = [{"role": "user", "content": "Read."}]
            for number in numbers:
                named = {"type": "function_call", "call_id": f"c{number}", "name": "read"}
                items.append({**named, "arguments": '{"path":"a"}'})
                items.append({"type": "function_call_output", "call_id": f"c{number}", "output": "b"})
            tools = [{"type": "function", "name": "read", "parameters": SCHEMA, "strict": False}]
            return "/v1/responses", {"model": model, "input": items, "tools": tools, "stream": stream}


SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}


def post(gateway: Gateway, path: str, body: dict[str, Any], request_id: str) -> httpx.Response:
    headers = {"x-request-id": request_id}
    return httpx.post(gateway.address + path, json=body, headers=headers, timeout=30, verify=TLS)


def detected(gateway: Gateway, request_id: str) -> list[dict[str, Any]]:
    return [event for event in gateway.story(request_id) if event["event"] == "tool-loop-detected"]


@CLIENT
@STREAM
def test_a_loop_is_told_of_and_answered(gateway: Gateway, stage: Stage, client: str, stream: bool) -> None:
    asked = fresh_id()

    answer = post(gateway, *looping(client, "warn-openai_compat", stream=stream), asked)

    (event,) = detected(gateway, asked)
    assert answer.status_code == 200
    assert (event["tool_name"], event["repeat_count"], event["period"]) == ("read", 3, 1)
    assert (event["profile"], event["action"], event["threshold"]) == ("warn-openai_compat", "warn", 3)
    assert "same tool calls" not in str(stage["first"].chats[-1].body)


@CLIENT
def test_two_of_the_same_calls_are_no_loop(gateway: Gateway, stage: Stage, client: str) -> None:
    asked = fresh_id()

    assert post(gateway, *looping(client, "break-openai_compat", times=2), asked).status_code == 200
    assert detected(gateway, asked) == []


@CLIENT
@pytest.mark.parametrize("kind", ["openai_compat", "anthropic"])
def test_the_model_is_hinted(gateway: Gateway, stage: Stage, client: str, kind: str) -> None:
    answer = post(gateway, *looping(client, f"inject-{kind}"), fresh_id())

    told = stage["first"].chats[-1].body
    instructions = told["system"] if kind == "anthropic" else told["messages"][0]
    assert answer.status_code == 200
    assert "same tool calls" in str(instructions)


@CLIENT
@STREAM
def test_a_run_is_ended_before_anybody_is_asked(
    gateway: Gateway, stage: Stage, client: str, stream: bool
) -> None:
    asked = fresh_id()

    answer = post(gateway, *looping(client, "break-openai_compat", stream=stream), asked)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "'read' 3 times" in answer.json()["error"]["message"]
    assert stage["first"].chats == []
    assert gateway.completed(asked)["outcome"] == "rejected"
