"""The vendors' own SDKs, unchanged, against providers of either kind."""

import json
from collections.abc import Iterator

import pytest
from anthropic import Anthropic
from anthropic.types import ToolParam, ToolUseBlock
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageFunctionToolCall, ChatCompletionToolParam

from tests.e2e.gateway import Gateway
from tests.e2e.stage import KINDS, Kind, Stage
from tests.upstream.behaviours import Answer, Text, ToolCall, Usage

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
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
OPENAI_TOOLS: list[ChatCompletionToolParam] = [
    {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
]
ANTHROPIC_TOOLS: list[ToolParam] = [
    {"name": "weather", "description": "Tells it.", "input_schema": SCHEMA},
]


pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture(scope="module")
def openai(whole_gateway: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=whole_gateway.openai_base_url, api_key="of-the-client", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic(whole_gateway: Gateway) -> Iterator[Anthropic]:
    with Anthropic(base_url=whole_gateway.address, api_key="of-the-client", max_retries=0) as client:
        yield client


@KIND
def test_openai_reads_a_whole_answer(openai: OpenAI, stage: Stage, kind: Kind) -> None:
    completion = openai.chat.completions.create(
        model=f"first-{kind}", messages=[{"role": "user", "content": "Say hello."}]
    )

    assert completion.model == f"first-{kind}"
    assert completion.choices[0].message.content == "hello world"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (19, 7)


@KIND
def test_openai_reads_a_stream(openai: OpenAI, stage: Stage, kind: Kind) -> None:
    chunks = list(
        openai.chat.completions.create(
            model=f"first-{kind}",
            messages=[{"role": "user", "content": "Say hello."}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    told = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in told) == "hello world"
    assert [choice.finish_reason for choice in told if choice.finish_reason] == ["stop"]
    assert {chunk.model for chunk in chunks} == {f"first-{kind}"}
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (19, 7)


@KIND
def test_openai_reads_parallel_tool_calls(openai: OpenAI, stage: Stage, kind: Kind) -> None:
    stage.plays(first=PARALLEL)

    completion = openai.chat.completions.create(
        model=f"first-{kind}",
        messages=[{"role": "user", "content": "What is the weather?"}],
        tools=OPENAI_TOOLS,
    )

    message = completion.choices[0].message
    calls = [c for c in message.tool_calls or () if isinstance(c, ChatCompletionMessageFunctionToolCall)]
    assert completion.choices[0].finish_reason == "tool_calls"
    assert message.content == "Let me look."
    assert [call.id for call in calls] == ["call_1", "call_2"]
    assert [json.loads(call.function.arguments) for call in calls] == CITIES


@KIND
def test_openais_stream_helper_gathers_text_and_parallel_tool_calls(
    openai: OpenAI, stage: Stage, kind: Kind
) -> None:
    stage.plays(first=PARALLEL)

    with openai.chat.completions.stream(
        model=f"first-{kind}",
        messages=[{"role": "user", "content": "What is the weather?"}],
        tools=OPENAI_TOOLS,
    ) as stream:
        seen = [event.type for event in stream]
        final = stream.get_final_completion()

    message = final.choices[0].message
    assert seen.count("tool_calls.function.arguments.done") == 2
    assert "content.done" in seen
    assert message.content == "Let me look."
    assert final.choices[0].finish_reason == "tool_calls"
    assert [json.loads(call.function.arguments) for call in message.tool_calls or ()] == CITIES


@KIND
def test_openai_brings_tool_results_back(openai: OpenAI, stage: Stage, kind: Kind) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    completion = openai.chat.completions.create(
        model=f"first-{kind}",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is the weather?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},  # type: ignore[list-item]
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        ],
        tools=OPENAI_TOOLS,
    )

    assert completion.choices[0].message.content == "hello world"
    sent = json.dumps(stage["first"].chats[0].body)
    assert "sunny" in sent
    assert "Be brief." in sent


@KIND
def test_anthropic_reads_a_whole_answer(anthropic: Anthropic, stage: Stage, kind: Kind) -> None:
    message = anthropic.messages.create(
        model=f"first-{kind}", max_tokens=50, messages=[{"role": "user", "content": "Say hello."}]
    )

    assert message.model == f"first-{kind}"
    assert [block.text for block in message.content if block.type == "text"] == ["hello world"]
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (19, 7)


@KIND
def test_anthropic_reads_a_stream(anthropic: Anthropic, stage: Stage, kind: Kind) -> None:
    events = list(
        anthropic.messages.create(
            model=f"first-{kind}",
            max_tokens=50,
            messages=[{"role": "user", "content": "Say hello."}],
            stream=True,
        )
    )

    types = [event.type for event in events]
    assert (types[0], types[-1]) == ("message_start", "message_stop")
    assert (types.count("message_start"), types.count("message_stop"), types.count("message_delta")) == (
        1,
        1,
        1,
    )
    assert types.count("content_block_start") == types.count("content_block_stop") == 1
    assert events[0].type == "message_start"
    assert events[0].message.model == f"first-{kind}"


@KIND
def test_anthropics_stream_helper_gathers_text_and_usage(
    anthropic: Anthropic, stage: Stage, kind: Kind
) -> None:
    with anthropic.messages.stream(
        model=f"first-{kind}", max_tokens=50, messages=[{"role": "user", "content": "Say hello."}]
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text == "hello world"
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == 7


@KIND
def test_anthropic_reads_parallel_tool_calls(anthropic: Anthropic, stage: Stage, kind: Kind) -> None:
    stage.plays(first=PARALLEL)

    message = anthropic.messages.create(
        model=f"first-{kind}",
        max_tokens=50,
        messages=[{"role": "user", "content": "What is the weather?"}],
        tools=ANTHROPIC_TOOLS,
    )

    calls = [block for block in message.content if isinstance(block, ToolUseBlock)]
    assert message.stop_reason == "tool_use"
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert [call.id for call in calls] == ["call_1", "call_2"]
    assert [call.input for call in calls] == CITIES


@KIND
def test_anthropics_stream_helper_gathers_parallel_tool_calls(
    anthropic: Anthropic, stage: Stage, kind: Kind
) -> None:
    stage.plays(first=PARALLEL)

    with anthropic.messages.stream(
        model=f"first-{kind}",
        max_tokens=50,
        messages=[{"role": "user", "content": "What is the weather?"}],
        tools=ANTHROPIC_TOOLS,
    ) as stream:
        final = stream.get_final_message()

    calls = [block for block in final.content if isinstance(block, ToolUseBlock)]
    assert final.stop_reason == "tool_use"
    assert [block.text for block in final.content if block.type == "text"] == ["Let me look."]
    assert [call.input for call in calls] == CITIES


@KIND
def test_anthropic_brings_tool_results_back(anthropic: Anthropic, stage: Stage, kind: Kind) -> None:
    message = anthropic.messages.create(
        model=f"first-{kind}",
        max_tokens=50,
        system="Be brief.",
        messages=[
            {"role": "user", "content": "What is the weather?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "call_1", "name": "weather", "input": {}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}],
            },
        ],
        tools=ANTHROPIC_TOOLS,
    )

    assert [block.text for block in message.content if block.type == "text"] == ["hello world"]
    sent = json.dumps(stage["first"].chats[0].body)
    assert "sunny" in sent
    assert "Be brief." in sent


@pytest.mark.parametrize("model", ["default", "first-anthropic"])
def test_both_sdks_list_the_models_and_find_one(openai: OpenAI, anthropic: Anthropic, model: str) -> None:
    assert model in [each.id for each in openai.models.list()]
    assert openai.models.retrieve(model).id == model
    assert model in [each.id for each in anthropic.models.list()]
    assert anthropic.models.retrieve(model).id == model
