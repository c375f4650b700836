"""The gateway in front of a real model server: both client dialects, both kinds of provider."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from openai import OpenAI

from tests.e2e.clients import DIALECTS, ClientDialect, ask, frames, is_terminated, said
from tests.e2e.gateway import Gateway, only, running
from tests.e2e.stage import KINDS, Kind
from tests.upstream.scripted_upstream import wait_until

pytestmark = pytest.mark.timeout(300)  # a busy Raspberry Pi reads ten tokens a second

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"command": {"type": "string"}},
    "required": ["command"],
}
KIND = pytest.mark.parametrize("kind", KINDS)
DIALECT = pytest.mark.parametrize("dialect", DIALECTS)


def providers(name: str, url: str) -> list[dict[str, Any]]:
    """The server as a provider of either kind."""
    paths = {"openai_compat": "/v1", "anthropic": ""}
    return [
        {"name": f"{name}-{kind}", "kind": kind, "base_url": f"{url}{path}", "model": "smollm2-135m"}
        for kind, path in paths.items()
    ]


@pytest.fixture(scope="module")
def gateway(
    llama_server: str, tool_llama_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    config = {
        "providers": [*providers("plain", llama_server), *providers("tools", tool_llama_server)],
        "profiles": [{"name": "default", "providers": ["plain-openai_compat"]}],
    }
    with running(tmp_path_factory.mktemp("gateway"), config) as gateway:
        yield gateway


@DIALECT
@KIND
def test_a_whole_answer_has_text_and_usage(gateway: Gateway, dialect: ClientDialect, kind: Kind) -> None:
    answer = ask(gateway, dialect, f"plain-{kind}", max_tokens=12)

    assert answer.status_code == 200, answer.text
    assert said(dialect, answer).strip()
    assert answer.json()["model"] == f"plain-{kind}"
    assert answer.headers["x-coderouter-model"] == "smollm2-135m"
    completed = gateway.completed(answer.headers["x-request-id"])
    assert completed["input_tokens"] + (completed["cache_read_tokens"] or 0) > 0
    assert 0 < completed["output_tokens"] <= 12


@DIALECT
@KIND
def test_a_stream_has_text_usage_and_one_end(gateway: Gateway, dialect: ClientDialect, kind: Kind) -> None:
    fields: dict[str, Any] = {"stream_options": {"include_usage": True}} if dialect == "openai_chat" else {}

    answer = ask(gateway, dialect, f"plain-{kind}", max_tokens=12, stream=True, **fields)

    assert answer.status_code == 200, answer.text
    assert said(dialect, answer).strip()
    assert is_terminated(dialect, answer.text)
    assert _output_tokens(answer) > 0
    completed = gateway.completed(answer.headers["x-request-id"])
    assert completed["outcome"] == "answered"
    assert completed["output_tokens"] == _output_tokens(answer)


def _output_tokens(answer: httpx.Response) -> int:
    usages = [frame["usage"] for frame in frames(answer.text) if frame.get("usage")]
    return int(usages[-1].get("completion_tokens", usages[-1].get("output_tokens", 0)))


@DIALECT
@KIND
@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_beyond_the_window_is_a_400_in_words(
    gateway: Gateway, dialect: ClientDialect, kind: Kind, stream: bool
) -> None:
    learn_the_window(gateway, f"plain-{kind}")
    prompt = [{"role": "user", "content": "word " * 9000}]

    answer = ask(gateway, dialect, f"plain-{kind}", messages=prompt, stream=stream)

    assert answer.status_code == 400, answer.text
    told = re.search(r"prompt is too long: (\d+) tokens > (\d+) maximum", answer.json()["error"]["message"])
    assert told, answer.text
    assert int(told[1]) > int(told[2])
    assert int(told[2]) < 8192  # what is left of the server's window beside the room for an answer


def learn_the_window(gateway: Gateway, provider: str) -> None:
    """Servers at home are asked for their windows once the gateway runs, not before it answers."""
    wait_until(lambda: provider in _with_known_window(gateway), within_s=60)


def _with_known_window(gateway: Gateway) -> set[str]:
    return {event["provider"] for event in only(gateway.events(), "context-window-learned")}


STEADY = {"temperature": 0}
"""Else so small a model may add words behind its call that the server takes for a broken one."""


@KIND
def test_openais_sdk_makes_a_tool_round_trip(gateway: Gateway, kind: Kind) -> None:
    with OpenAI(base_url=gateway.openai_base_url, api_key="x", max_retries=0) as client:
        tools: Any = [{"type": "function", "function": {"name": "Bash", "parameters": SCHEMA}}]
        turns: list[Any] = [{"role": "user", "content": "Say x."}]
        with client.chat.completions.stream(
            model=f"tools-{kind}", messages=turns, tools=tools, max_tokens=24, temperature=0
        ) as stream:
            first = stream.get_final_completion().choices[0]
        (call,) = first.message.tool_calls or []
        turns += [
            {"role": "assistant", "content": None, "tool_calls": [_repeated(call)]},
            {"role": "tool", "tool_call_id": call.id, "content": "x"},
        ]
        second = client.chat.completions.create(
            model=f"tools-{kind}", messages=turns, tools=tools, max_tokens=24, temperature=0
        )

    assert first.finish_reason == "tool_calls"
    assert call.function.name == "Bash"
    assert json.loads(call.function.arguments) == {"command": "echo x"}
    assert (second.choices[0].message.content or "").startswith("The tool returned:")


def _repeated(call: Any) -> dict[str, Any]:
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


@KIND
def test_anthropics_sdk_makes_a_tool_round_trip(gateway: Gateway, kind: Kind) -> None:
    with Anthropic(base_url=gateway.address, api_key="x", max_retries=0) as client:
        tools: Any = [{"name": "Bash", "input_schema": SCHEMA}]
        turns: list[Any] = [{"role": "user", "content": "Say x."}]
        with client.messages.stream(
            model=f"tools-{kind}", messages=turns, tools=tools, max_tokens=24, extra_body=STEADY
        ) as stream:
            first = stream.get_final_message()
        (call,) = [block for block in first.content if block.type == "tool_use"]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "x"}
        turns += [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}],
            },
            {"role": "user", "content": [result]},
        ]
        second = client.messages.create(
            model=f"tools-{kind}", messages=turns, tools=tools, max_tokens=24, extra_body=STEADY
        )

    assert first.stop_reason == "tool_use"
    assert (call.name, call.input) == ("Bash", {"command": "echo x"})
    text = "".join(block.text for block in second.content if block.type == "text")
    assert text.startswith("The tool returned:")
