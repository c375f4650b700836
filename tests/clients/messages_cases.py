"""What programs do with Anthropic's SDK, alone and beside OpenAI's."""

import asyncio
from typing import Any

import pytest
from anthropic import BadRequestError

from tests.clients.sdks import BEYOND_THE_WINDOW, COUNTING, HELLO, SCHEMA, WEATHER, Case, Sdks

TOOLS: Any = [{"name": "weather", "input_schema": SCHEMA}]
CASES: list[Case] = []


def case(function: Case) -> Case:
    CASES.append(function)
    return function


@case
def lists_models(sdks: Sdks) -> None:
    assert sdks.model in [model.id for model in sdks.anthropic.models.list()]
    assert sdks.anthropic.models.retrieve(sdks.model).id == sdks.model


@case
def answers(sdks: Sdks) -> None:
    message = sdks.anthropic.messages.create(model=sdks.model, messages=HELLO, max_tokens=8)

    assert message.content[0].type == "text"
    assert message.content[0].text
    assert message.stop_reason in {"end_turn", "max_tokens"}
    assert 0 < message.usage.output_tokens <= 8


@case
def streams(sdks: Sdks) -> None:
    system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    with sdks.anthropic.messages.stream(
        model=sdks.model, messages=HELLO, max_tokens=8, system=system
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text
    assert final.stop_reason in {"end_turn", "max_tokens"}
    assert final.usage.output_tokens > 0


@case
def stops_where_it_is_told(sdks: Sdks) -> None:
    message = sdks.anthropic.messages.create(
        model=sdks.model, messages=COUNTING, max_tokens=24, stop_sequences=["e", "o"]
    )

    assert message.stop_reason in {"stop_sequence", "end_turn"}
    assert not any(set("eo") & set(block.text) for block in message.content if block.type == "text")


@case
def makes_a_tool_round_trip(sdks: Sdks) -> None:
    first = sdks.anthropic.messages.create(
        model=sdks.model,
        messages=WEATHER,
        tools=TOOLS,
        tool_choice={"type": "any"},
        max_tokens=128,
    )
    calls = [block for block in first.content if block.type == "tool_use"]
    said = [block.model_dump(exclude_none=True) for block in first.content]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    turns: Any = [*WEATHER, {"role": "assistant", "content": said}, {"role": "user", "content": results}]
    second = sdks.anthropic.messages.create(model=sdks.model, messages=turns, tools=TOOLS, max_tokens=8)

    assert first.stop_reason == "tool_use"
    assert calls[0].name == "weather"
    assert "city" in calls[0].input
    assert [block.type for block in second.content] == ["text"]


@case
def streams_tool_calls(sdks: Sdks) -> None:
    with sdks.anthropic.messages.stream(
        model=sdks.model,
        messages=WEATHER,
        tools=TOOLS,
        tool_choice={"type": "any"},
        max_tokens=128,
    ) as stream:
        final = stream.get_final_message()

    calls = [block for block in final.content if block.type == "tool_use"]
    assert final.stop_reason == "tool_use"
    assert calls[0].name == "weather"
    assert "city" in calls[0].input


@case
def is_told_of_a_prompt_beyond_the_window(sdks: Sdks) -> None:
    with pytest.raises(BadRequestError) as told:
        sdks.anthropic.messages.create(model=sdks.model, messages=BEYOND_THE_WINDOW, max_tokens=2)

    # Ours, once the window is known; the server's own before that.
    ours, servers = "prompt is too long: ", "exceeds the available context size"
    assert ours in told.value.message or servers in told.value.message


@case
def takes_betas(sdks: Sdks) -> None:
    message = sdks.anthropic.beta.messages.create(
        model=sdks.model,
        messages=HELLO,
        max_tokens=4,
        betas=["context-management-2025-06-27"],
        context_management={"edits": []},
    )

    assert message.stop_reason in {"end_turn", "max_tokens"}


@case
def takes_thinking(sdks: Sdks) -> None:
    message = sdks.anthropic.messages.create(
        model=sdks.model,
        messages=HELLO,
        max_tokens=1040,
        stop_sequences=["e"],
        thinking={"type": "enabled", "budget_tokens": 1024},
    )

    assert {block.type for block in message.content} <= {"text", "thinking"}


@case
def counts_tokens(sdks: Sdks) -> None:
    few = sdks.anthropic.messages.count_tokens(model=sdks.model, messages=HELLO).input_tokens
    more = sdks.anthropic.messages.count_tokens(model=sdks.model, messages=HELLO, tools=TOOLS).input_tokens

    assert 0 < few < more


@case
def both_sdks_ask_at_once(sdks: Sdks) -> None:
    async def ask() -> None:
        async with sdks.async_openai() as openai, sdks.async_anthropic() as anthropic:
            completion, message = await asyncio.gather(
                openai.chat.completions.create(model=sdks.model, messages=HELLO, max_tokens=4),
                anthropic.messages.create(model=sdks.model, messages=HELLO, max_tokens=4),
            )
        assert completion.choices[0].message.content
        assert message.content

    asyncio.run(ask())
