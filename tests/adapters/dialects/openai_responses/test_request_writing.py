"""Requests on their way to a server that speaks Responses."""

import json
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Outgoing
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.built import Built
from domain.conversation.extensions import Json
from domain.conversation.request import ChatRequest, MalformedRequest

BODY = b'{"model": "mine",  "input":"hi", "profile":"p", "stream" : false, "temperature":0.5}'

WHOLE: dict[str, Any] = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Rules."}]},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,AAAA"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BB"},
                {"type": "input_image", "detail": "auto", "file_id": "file-1"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "gAAA",
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]},
        {"type": "function_call", "call_id": "a", "namespace": "n", "name": "read", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": "*** Begin"},
        {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "x"}},
        {"type": "function_call_output", "call_id": "a", "output": "text"},
        {
            "type": "tool_search_output",
            "call_id": "s",
            "execution": "client",
            "status": "completed",
            "tools": [],
        },
        {
            "type": "custom_tool_call_output",
            "call_id": "b",
            "output": [{"type": "input_text", "text": "x"}, {"type": "input_text", "text": "y"}],
        },
    ],
    "tools": [
        {
            "type": "function",
            "name": "f",
            "description": "F.",
            "parameters": {"type": "object"},
            "strict": True,
        },
        {
            "type": "namespace",
            "name": "n",
            "description": "N.",
            "tools": [
                {"type": "function", "name": "read", "description": "R.", "parameters": {}, "strict": False},
                {"type": "custom", "name": "write", "format": {"type": "text"}},
            ],
        },
        {
            "type": "custom",
            "name": "patch",
            "description": "P.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
        },
        {"type": "tool_search", "description": "S.", "parameters": {}, "execution": "client"},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "custom", "name": "patch"},
    "parallel_tool_calls": False,
    "temperature": 0.5,
    "max_output_tokens": 9,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_object"}, "verbosity": "low"},
    "metadata": {"k": "v"},
}


def request(body: bytes) -> ChatRequest:
    return OPENAI_RESPONSES.decode_request(body, {"openai-beta": "x", "authorization": "secret"})


def sent(outgoing: Outgoing) -> Any:
    return json.loads(OPENAI_RESPONSES.encode_request(outgoing))


def test_at_home_only_what_must_change_changes() -> None:
    body = OPENAI_RESPONSES.encode_request(Outgoing(request=request(BODY), model="theirs", stream=True))

    assert body == b'{"model": "theirs",  "input":"hi", "stream" : true, "temperature":0.5}'


def test_fields_of_the_configuration_lie_below_the_clients() -> None:
    extra: dict[str, Json] = {"temperature": 1, "top_p": 0.1, "model": "x", "input": "y"}

    body = sent(Outgoing(request=request(BODY), model="theirs", stream=False, extra_body=extra))

    assert body == {"model": "theirs", "input": "hi", "stream": False, "temperature": 0.5, "top_p": 0.1}


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        (None, "And so on."),
        ("Be brief.", "Be brief.\n\nAnd so on."),
    ],
)
def test_instructions_of_the_configuration_follow_the_clients(given: str | None, whole: str) -> None:
    asked = request(json.dumps({"input": "hi", "instructions": given}).encode())

    body = sent(Outgoing(request=asked, model="m", stream=False, system_suffix="And so on."))

    assert body["instructions"] == whole


def test_a_conversation_that_was_changed_on_the_way_is_written_as_it_would_have_come() -> None:
    asked = request(json.dumps(WHOLE).encode())
    changed = ChatRequest(dialect=asked.dialect, model="m", source=Built(asked.conversation))

    body = sent(Outgoing(request=changed, model="m", stream=False))

    instructions, *items = body.pop("input")
    assert instructions["content"] == [{"type": "input_text", "text": "Be brief."}]
    assert items == WHOLE["input"]
    assert body == {key: value for key, value in WHOLE.items() if key not in {"input", "instructions"}} | {
        "store": False
    }


def test_the_headers_of_the_dialect_are_kept_and_no_others() -> None:
    assert request(BODY).headers == {"openai-beta": "x"}


def test_a_chat_request_can_be_said_in_this_dialect() -> None:
    chat = {
        "model": "m",
        "max_tokens": 9,
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "U"},
            {
                "role": "assistant",
                "content": "A",
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c", "content": "R"},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    }
    asked = OPENAI_CHAT.decode_request(json.dumps(chat).encode(), {})

    body = sent(Outgoing(request=asked, model="gpt", stream=True, system_suffix="More."))

    assert [item.get("role", item["type"]) for item in body["input"]] == [
        "system",
        "user",
        "assistant",
        "function_call",
        "function_call_output",
        "system",
    ]
    assert body["max_output_tokens"] == 9
    assert body["tool_choice"] == {"type": "function", "name": "f"}
    assert body["tools"][0]["parameters"] == {"type": "object", "properties": {}}
    assert body["stream"] is True
    OPENAI_RESPONSES.decode_request(json.dumps(body).encode(), {})


def test_thoughts_of_another_vendors_model_stay_behind() -> None:
    told = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "Yes."}]
    messages = [{"role": "user", "content": "U"}, {"role": "assistant", "content": told}]
    asked = ANTHROPIC_MESSAGES.decode_request(
        json.dumps({"max_tokens": 5, "messages": messages}).encode(), {}
    )

    body = sent(Outgoing(request=asked, model="gpt", stream=False))

    assert [item["type"] for item in body["input"]] == ["message", "message"]


def test_several_answers_at_once_cannot_be_asked() -> None:
    asked = OPENAI_CHAT.decode_request(b'{"n": 2, "messages": [{"role": "user", "content": "x"}]}', {})

    with pytest.raises(MalformedRequest, match="one answer"):
        OPENAI_RESPONSES.encode_request(Outgoing(request=asked, model="m", stream=False))
