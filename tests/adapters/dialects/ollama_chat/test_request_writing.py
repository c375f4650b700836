"""Requests are written in Ollama's own words, whatever dialect they came in."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import NO_FIELDS, Outgoing, Quirks
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.extensions import Json
from domain.conversation.request import ChatRequest, MalformedRequest

HELLO = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
TIME = {"type": "function", "function": {"name": "get_time"}}


def chat(**fields: object) -> ChatRequest:
    return OPENAI_CHAT.decode_request(json.dumps({**HELLO, **fields}).encode(), {})


def messages(**fields: object) -> ChatRequest:
    body = {**HELLO, "max_tokens": 100, **fields}
    return ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})


def responses(**fields: object) -> ChatRequest:
    return OPENAI_RESPONSES.decode_request(json.dumps({"model": "any", "input": "hi", **fields}).encode(), {})


def written(
    request: ChatRequest,
    *,
    stream: bool = True,
    extra_body: Mapping[str, Json] = NO_FIELDS,
    suffix: str = "",
    quirks: Quirks | None = None,
) -> Any:
    outgoing = Outgoing(
        request=request,
        model="qwen3:8b",
        stream=stream,
        extra_body=extra_body,
        system_suffix=suffix,
        quirks=quirks or Quirks(),
    )
    return json.loads(OLLAMA_CHAT.encode_request(outgoing))


def test_a_plain_request_says_no_more_than_it_must() -> None:
    assert written(chat(), stream=False) == {
        "model": "qwen3:8b",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": False,
    }


def test_sampling_goes_into_options() -> None:
    request = chat(max_tokens=64, temperature=0.5, top_p=0.9, seed=7, stop=["END"])

    assert written(request)["options"] == {
        "num_predict": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
    }
    assert written(messages(top_k=40))["options"] == {"num_predict": 100, "top_k": 40}


def test_the_configuration_lies_below_what_the_client_says() -> None:
    extra: dict[str, Json] = {
        "options": {"num_ctx": 32768, "temperature": 0.1},
        "keep_alive": "1h",
        "think": False,
        "stream": False,
    }

    body = written(chat(temperature=0.7), extra_body=extra)

    assert body["options"] == {"num_ctx": 32768, "temperature": 0.7}
    assert (body["keep_alive"], body["think"], body["stream"]) == ("1h", False, True)


def test_a_client_may_say_how_long_the_model_stays_loaded() -> None:
    assert written(chat(keep_alive="5m"), extra_body={"keep_alive": "1h"})["keep_alive"] == "5m"


def test_instructions_lead_in_one_message_with_the_configured_ones_last() -> None:
    request = chat(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {"role": "developer", "content": "Be kind."},
        ]
    )

    assert written(request, suffix="Be honest.")["messages"] == [
        {"role": "system", "content": "Be brief.\n\nBe kind.\n\nBe honest."},
        {"role": "user", "content": "hi"},
    ]


def test_a_tool_turn_names_the_tools_and_carries_arguments_as_objects() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rom"}'}},
        {"id": "c2", "type": "function", "function": {"name": "get_time", "arguments": ""}},
        {"id": "c3", "type": "function", "function": {"name": "odd", "arguments": '"Paris"'}},
    ]
    request = chat(
        tools=[WEATHER, TIME],
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": None, "reasoning_content": "Look first.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
            {"role": "tool", "tool_call_id": "c2", "content": "noon"},
            {"role": "tool", "tool_call_id": "lost", "content": "?"},
        ],
    )

    body = written(request)

    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "thinking": "Look first.",
            "tool_calls": [
                {"id": "c1", "function": {"name": "get_weather", "arguments": {"city": "Rom"}}},
                {"id": "c2", "function": {"name": "get_time", "arguments": {}}},
                {"id": "c3", "function": {"name": "odd", "arguments": {"arguments": "Paris"}}},
            ],
        },
        {"role": "tool", "content": "sunny", "tool_call_id": "c1", "tool_name": "get_weather"},
        {"role": "tool", "content": "noon", "tool_call_id": "c2", "tool_name": "get_time"},
        {"role": "tool", "content": "?", "tool_call_id": "lost"},
    ]
    assert body["tools"] == [
        WEATHER,
        {
            "type": "function",
            "function": {
                "name": "get_time",
                "description": "",
                "parameters": {"type": "object", "properties": {}},
            },
        },
    ]


def test_pictures_are_bare_base64_also_from_tools() -> None:
    def picture(data: str) -> dict[str, object]:
        return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}

    shown = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "is_error": True,
        "content": [{"type": "text", "text": "here"}, picture("BBBB")],
    }
    request = messages(
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "look"}, picture("AAAA")]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t1", "name": "screenshot", "input": {}}],
            },
            {"role": "user", "content": [shown, {"type": "text", "text": "well?"}]},
        ]
    )

    told = written(request)["messages"]

    assert told[0] == {"role": "user", "content": "look", "images": ["AAAA"]}
    assert told[2:] == [
        {
            "role": "tool",
            "content": "[the tool failed]\nhere",
            "tool_call_id": "t1",
            "tool_name": "screenshot",
        },
        {"role": "user", "content": "[shown by the tool]\nwell?", "images": ["BBBB"]},
    ]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            "pictures as data",
        ),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
            },
            "plain text",
        ),
    ],
)
def test_media_that_cannot_be_carried_are_refused_aloud(part: object, words: str) -> None:
    request = messages(messages=[{"role": "user", "content": [part]}])

    with pytest.raises(MalformedRequest, match=words) as caught:
        written(request)

    assert caught.value.path == "messages[0].content[0]"


def test_a_plain_document_is_shown_as_its_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Once upon a time"}
    document = {"type": "document", "title": "Tale", "source": source}

    told = written(messages(messages=[{"role": "user", "content": [document]}]))["messages"]

    assert told == [{"role": "user", "content": "Tale\nOnce upon a time"}]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["get_weather", "get_time"]),
        ("none", None),
        ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
    ],
)
def test_tools_that_must_not_be_used_are_not_offered(choice: object, names: list[str] | None) -> None:
    body = written(chat(tools=[WEATHER, TIME], tool_choice=choice))

    offered = body.get("tools")
    assert names == (offered and [tool["function"]["name"] for tool in offered])


def test_the_form_of_the_answer_is_asked_for() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "number"}}}
    strict = {"format": {"type": "json_schema", "name": "s", "schema": schema}}

    assert written(responses(text=strict))["format"] == schema
    assert written(responses(text={"format": {"type": "json_object"}}))["format"] == "json"


def test_several_answers_at_once_are_refused() -> None:
    with pytest.raises(MalformedRequest):
        written(chat(n=2))
