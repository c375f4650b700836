"""What programs do with OpenAI's SDK and Chat Completions."""

import json
from typing import Any

import pytest
from openai import BadRequestError

from tests.clients.sdks import BEYOND_THE_WINDOW, COUNTING, HELLO, SCHEMA, WEATHER, Case, Sdks

TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
CASES: list[Case] = []


def case(function: Case) -> Case:
    CASES.append(function)
    return function


@case
def lists_models(sdks: Sdks) -> None:
    assert sdks.model in [model.id for model in sdks.openai.models.list()]
    assert sdks.openai.models.retrieve(sdks.model).id == sdks.model


@case
def answers(sdks: Sdks) -> None:
    completion = sdks.openai.chat.completions.create(model=sdks.model, messages=HELLO, max_tokens=8)

    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason in {"stop", "length"}
    assert completion.usage is not None
    assert 0 < completion.usage.completion_tokens <= 8


@case
def has_a_request_id(sdks: Sdks) -> None:
    raw = sdks.openai.chat.completions.with_raw_response.create(
        model=sdks.model, messages=HELLO, max_tokens=2
    )

    assert raw.status_code == 200
    assert raw.headers["x-request-id"]
    assert raw.parse().choices


@case
def streams_with_usage(sdks: Sdks) -> None:
    chunks = list(
        sdks.openai.chat.completions.create(
            model=sdks.model,
            messages=HELLO,
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    told = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in told)
    assert len([choice for choice in told if choice.finish_reason]) == 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens > 0


@case
def streams_without_usage_unless_asked(sdks: Sdks) -> None:
    chunks = list(
        sdks.openai.chat.completions.create(model=sdks.model, messages=HELLO, max_tokens=2, stream=True)
    )

    assert all(chunk.choices for chunk in chunks)


@case
def the_stream_helper_gathers_the_answer(sdks: Sdks) -> None:
    with sdks.openai.chat.completions.stream(
        model=sdks.model, messages=HELLO, max_tokens=200, stop=["!", ".", ","]
    ) as stream:
        types = [event.type for event in stream]
        final = stream.get_final_completion()

    assert "content.delta" in types
    assert final.choices[0].message.content


@case
def stops_where_it_is_told(sdks: Sdks) -> None:
    completion = sdks.openai.chat.completions.create(
        model=sdks.model, messages=COUNTING, max_tokens=24, stop=["e", "o"], temperature=0
    )

    assert completion.choices[0].finish_reason == "stop"
    assert not set("eo") & set(completion.choices[0].message.content or "")


@case
def takes_developers_and_system_words(sdks: Sdks) -> None:
    turns: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Say hello."}]},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Again."},
    ]
    completion = sdks.openai.chat.completions.create(
        model=sdks.model, messages=turns, max_completion_tokens=4, seed=7, user="somebody"
    )

    assert completion.choices


@case
def makes_a_tool_round_trip(sdks: Sdks) -> None:
    first = sdks.openai.chat.completions.create(
        model=sdks.model, messages=WEATHER, tools=TOOLS, tool_choice="required", max_tokens=128
    )
    message = first.choices[0].message
    calls = message.tool_calls or []
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    turns: Any = [*WEATHER, message.model_dump(exclude_none=True), *results]
    second = sdks.openai.chat.completions.create(
        model=sdks.model,
        messages=turns,
        tools=TOOLS,
        max_tokens=8,
    )

    assert first.choices[0].finish_reason == "tool_calls"
    assert calls[0].type == "function"
    assert calls[0].function.name == "weather"
    assert "city" in json.loads(calls[0].function.arguments)
    assert second.choices[0].message.content


@case
def streams_tool_calls(sdks: Sdks) -> None:
    with sdks.openai.chat.completions.stream(
        model=sdks.model, messages=WEATHER, tools=TOOLS, tool_choice="required", max_tokens=128
    ) as stream:
        choice = stream.get_final_completion().choices[0]

    (call, *_) = choice.message.tool_calls or []
    assert choice.finish_reason == "tool_calls"
    assert call.function.name == "weather"
    assert "city" in json.loads(call.function.arguments)


@case
def is_told_of_a_prompt_beyond_the_window(sdks: Sdks) -> None:
    with pytest.raises(BadRequestError) as told:
        sdks.openai.chat.completions.create(model=sdks.model, messages=BEYOND_THE_WINDOW, max_tokens=2)

    # Ours, once the window is known; the server's own before that.
    ours, servers = "prompt is too long: ", "exceeds the available context size"
    assert ours in told.value.message or servers in told.value.message


@case
def takes_a_model_that_nobody_knows(sdks: Sdks) -> None:
    completion = sdks.openai.chat.completions.create(model="no-such-model", messages=HELLO, max_tokens=2)

    assert completion.model == "no-such-model"
    assert completion.choices[0].message.content


@case
def can_be_left_and_asked_again(sdks: Sdks) -> None:
    with sdks.openai.chat.completions.create(
        model=sdks.model, messages=HELLO, max_tokens=500, stream=True
    ) as stream:
        next(iter(stream))

    completion = sdks.openai.chat.completions.create(model=sdks.model, messages=HELLO, max_tokens=2)
    assert completion.choices[0].message.content


def keeps_to_a_schema(sdks: Sdks) -> None:
    greeting = {
        "type": "object",
        "properties": {"greeting": {"type": "string", "maxLength": 10}},
        "required": ["greeting"],
        "additionalProperties": False,
    }
    completion = sdks.openai.chat.completions.create(
        model=sdks.model,
        messages=HELLO,
        max_tokens=64,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "greeting", "schema": greeting, "strict": True},
        },
    )

    assert set(json.loads(completion.choices[0].message.content or "")) == {"greeting"}


def goes_on_with_a_text(sdks: Sdks) -> None:
    completion = sdks.openai.completions.create(model=sdks.model, prompt="Once upon a time", max_tokens=8)
    chunks = list(
        sdks.openai.completions.create(model=sdks.model, prompt="Once upon a time", max_tokens=8, stream=True)
    )

    assert completion.model == sdks.model
    assert completion.choices[0].text
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == completion.choices[0].text
