"""OpenAI's Responses, as its SDK speaks it, in front of providers that speak something else."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall

from tests.e2e.clients import TLS
from tests.e2e.gateway import Gateway
from tests.e2e.stage import KINDS, Kind, Stage, fresh_id
from tests.upstream.behaviours import Answer, CutAfter, Status, Text, ToolCall, Usage

KIND = pytest.mark.parametrize("kind", KINDS)
PARALLEL = Answer(
    parts=(
        Text("Let me look."),
        ToolCall("weather", '{"city": "Paris"}', "call_1"),
        ToolCall("weather", '{"city": "Zürich"}', "call_2"),
    ),
    finish="tool_calls",
    usage=Usage(prompt=40, completion=12),
)
CITIES = [{"city": "Paris"}, {"city": "Zürich"}]
TOOLS: list[FunctionToolParam] = [
    {
        "type": "function",
        "name": "weather",
        "description": "Tells it.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    }
]


pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture(scope="module")
def openai(whole_gateway: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=whole_gateway.openai_base_url, api_key="of-the-client", max_retries=0) as client:
        yield client


@KIND
def test_a_whole_answer_is_read(openai: OpenAI, stage: Stage, kind: Kind) -> None:
    response = openai.responses.create(
        model=f"first-{kind}", instructions="Be brief.", input="Say hello.", max_output_tokens=50
    )

    assert response.status == "completed"
    assert response.output_text == "hello world"
    assert response.model == f"first-{kind}"
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (19, 7)
    sent = stage["first"].chats[0]
    assert sent.body["max_tokens"] == 50
    assert "Be brief." in json.dumps(sent.body)
    assert "Say hello." in json.dumps(sent.body)


@KIND
def test_the_stream_helper_gathers_text_and_parallel_tool_calls(
    openai: OpenAI, stage: Stage, kind: Kind
) -> None:
    stage.plays(first=PARALLEL)

    with openai.responses.stream(model=f"first-{kind}", input="What is the weather?", tools=TOOLS) as stream:
        events = list(stream)
        final = stream.get_final_response()

    types = [event.type for event in events]
    assert types[0] == "response.created"
    assert types[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert final.output_text == "Let me look."
    calls = [item for item in final.output if isinstance(item, ResponseFunctionToolCall)]
    assert [call.call_id for call in calls] == ["call_1", "call_2"]
    assert [json.loads(call.arguments) for call in calls] == CITIES
    assert final.usage is not None
    assert (final.usage.input_tokens, final.usage.output_tokens) == (40, 12)


@KIND
def test_tool_results_are_brought_back(openai: OpenAI, stage: Stage, kind: Kind) -> None:
    stage.plays(first=[PARALLEL, Answer.text("Sunny in both.")])
    turns: list[Any] = [{"role": "user", "content": "What is the weather?"}]

    first = openai.responses.create(model=f"first-{kind}", input=turns, tools=TOOLS)
    calls = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
    turns += [item.model_dump(exclude_none=True) for item in first.output]
    turns += [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"sunny {number}"}
        for number, call in enumerate(calls, start=1)
    ]
    second = openai.responses.create(model=f"first-{kind}", input=turns, tools=TOOLS)

    assert second.output_text == "Sunny in both."
    sent = json.dumps(stage["first"].chats[1].body)
    assert all(word in sent for word in ("call_1", "call_2", "sunny 1", "sunny 2"))


@KIND
def test_an_answer_that_breaks_off_fails_and_never_completes(
    gateway: Gateway, stage: Stage, kind: Kind
) -> None:
    stage.plays(first=CutAfter(events=4))
    request_id = fresh_id()

    answer = httpx.post(
        f"{gateway.openai_base_url}/responses",
        json={"model": f"first-{kind}", "input": "Say hello.", "stream": True},
        headers={"x-request-id": request_id},
        verify=TLS,
    )

    assert answer.status_code == 200
    assert answer.text.count("event: response.failed") == 1
    assert "response.completed" not in answer.text
    assert gateway.completed(request_id)["outcome"] == "broken-off"


@KIND
@pytest.mark.parametrize("stream", [False, True])
def test_a_request_fault_is_told_in_openais_envelope(
    openai: OpenAI, stage: Stage, kind: Kind, stream: bool
) -> None:
    stage.plays(first=Status(400))

    with pytest.raises(BadRequestError) as told:
        openai.responses.create(model=f"first-{kind}", input="Say hello.", stream=stream)

    assert told.value.type == "invalid_request_error"
    assert "scripted 400" in told.value.message


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": 7, "input": []}', b'{"model": "default"}'])
def test_a_bad_request_is_told_in_openais_envelope(gateway: Gateway, stage: Stage, body: bytes) -> None:
    answer = httpx.post(f"{gateway.openai_base_url}/responses", content=body, verify=TLS)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"]
    assert stage["first"].chats == []


def test_other_methods_are_refused(gateway: Gateway) -> None:
    answer = httpx.get(f"{gateway.openai_base_url}/responses", verify=TLS)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
