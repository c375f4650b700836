"""What Responses requests say, and which of them are refused."""

import json
from typing import Any

import pytest

from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import (
    AnswerSchema,
    ChatRequest,
    Conversation,
    MalformedRequest,
    Message,
    Role,
    ToolChoice,
    ToolUse,
)


def request(**fields: Any) -> ChatRequest:
    return OPENAI_RESPONSES.decode_request(json.dumps({"model": "m", "input": "hi"} | fields).encode(), {})


def conversation(**fields: Any) -> Conversation:
    return request(**fields).conversation


def parts(*items: dict[str, Any]) -> list[Any]:
    return [part for message in conversation(input=list(items)).messages for part in message.parts]


def test_a_request_tells_at_once_what_every_route_must_know() -> None:
    asked = request(stream=True, profile="coding", tools=[{"type": "web_search"}])

    assert (asked.dialect, asked.model, asked.stream, asked.profile) == (
        "openai_responses",
        "m",
        True,
        "coding",
    )
    assert asked.declares_tools
    assert asked.wants_usage


def test_a_string_is_what_the_user_says_and_instructions_come_first() -> None:
    assert conversation(instructions="Be brief.", input="hi").messages == (
        Message(role=Role.SYSTEM, parts=(Text(text="Be brief."),)),
        Message(role=Role.USER, parts=(Text(text="hi"),)),
    )


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_messages_keep_their_role_with_or_without_a_type(role: str) -> None:
    plain = {"role": role, "content": "words"}

    for item in (plain, {"type": "message", **plain}):
        assert conversation(input=[item]).messages == (Message(role=Role(role), parts=(Text(text="words"),)),)


def test_every_kind_of_content_is_read() -> None:
    content = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "high"},
        {"type": "input_image", "image_url": "https://x.test/a.png"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"},
        {"type": "input_file", "filename": "a.txt", "file_data": "CCCC"},
        {"type": "input_file", "file_url": "https://x.test/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "DDDD", "format": "wav"}},
    ]

    read = parts({"role": "user", "content": content})

    assert read[0] == Text(text="look")
    assert [part.source for part in read[1:7]] == [
        InlineData(media_type="image/png", base64="AAAA"),
        Link(url="https://x.test/a.png"),
        FileReference(file_id="file-1"),
        InlineData(media_type="application/pdf", base64="BBBB"),
        InlineData(media_type="text/plain", base64="CCCC"),
        Link(url="https://x.test/a.pdf"),
    ]
    assert isinstance(read[1], Image)
    assert isinstance(read[4], Document)
    assert read[4].title == "a.pdf"
    assert isinstance(read[7], ForeignPart)


def test_a_turn_of_the_assistant_is_one_message_whatever_items_tell_it() -> None:
    asked = conversation(
        input=[
            {"type": "message", "role": "user", "content": "go"},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {
                "type": "message",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "Looking.", "annotations": []},
                    {"type": "refusal", "refusal": "Not there."},
                ],
            },
            {"type": "function_call", "call_id": "a", "name": "read", "arguments": '{"p": 1}'},
            {"type": "function_call", "call_id": "b", "name": "list", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "text"},
            {
                "type": "function_call_output",
                "call_id": "b",
                "output": [
                    {"type": "input_text", "text": "seen"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                ],
            },
        ]
    )

    user, assistant, results = asked.messages
    assert user.role is Role.USER
    assert [type(part) for part in assistant.parts] == [Thinking, Text, Refusal, ToolCall, ToolCall]
    assert assistant.parts[3] == ToolCall(id="a", name="read", arguments='{"p": 1}')
    assert results.role is Role.TOOL
    assert results.parts[0] == ToolResult(call_id="a", content=(Text(text="text"),))
    assert isinstance(results.parts[1], ToolResult)
    assert [type(part) for part in results.parts[1].content] == [Text, Image]


def test_calls_of_free_text_tools_become_calls_of_functions() -> None:
    call, result = parts(
        {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": 'say "hi"\n'},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "Done"},
    )

    assert json.loads(call.arguments) == {"input": 'say "hi"\n'}
    assert (result.call_id, result.content) == ("a", (Text(text="Done"),))


def test_reasoning_that_openai_sealed_is_kept_for_openai_and_shown_to_nobody_else() -> None:
    (thought,) = parts({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"})

    assert (thought.text, thought.signature, thought.redacted) == ("", None, None)
    assert thought.extensions["openai_responses"]["encrypted_content"] == "gAAAA"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "local_shell_call", "id": "l", "call_id": "c", "action": {}, "status": "completed"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "something_of_next_year", "content": {"deep": [1]}},
    ],
)
def test_items_that_nobody_else_can_read_are_left_out(item: dict[str, Any]) -> None:
    assert parts({"role": "user", "content": "hi"}, item) == [Text(text="hi")]


def test_how_to_draw_tokens_is_read() -> None:
    sampling = conversation(
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=100,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True}},
    ).sampling

    assert (sampling.temperature, sampling.top_p, sampling.max_output_tokens) == (0.5, 0.9, 100)
    assert sampling.reasoning_effort == "low"
    assert sampling.answer_schema == AnswerSchema(name="a", schema={"type": "object"}, strict=True)
    assert conversation(text={"format": {"type": "json_object"}}).sampling.answer_schema == AnswerSchema()
    assert conversation(text={"format": {"type": "text"}}).sampling.answer_schema is None


FUNCTION = {"type": "function", "name": "read", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("said", "use", "name"),
    [
        ("auto", ToolUse.AUTO, None),
        ("none", ToolUse.NONE, None),
        ("required", ToolUse.REQUIRED, None),
        ({"type": "function", "name": "read"}, ToolUse.NAMED, "read"),
        ({"type": "custom", "name": "patch"}, ToolUse.NAMED, "patch"),
        ({"type": "web_search"}, ToolUse.AUTO, None),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"name": "read"}]}, ToolUse.REQUIRED, None),
    ],
)
def test_a_choice_of_tools_is_read(said: Any, use: ToolUse, name: str | None) -> None:
    tools = [FUNCTION, {"type": "custom", "name": "patch"}]

    choice = conversation(tools=tools, tool_choice=said, parallel_tool_calls=False).tool_choice

    assert choice is not None
    assert (choice.use, choice.name, choice.parallel) == (use, name, False)


def test_whether_calls_may_be_parallel_can_be_said_alone() -> None:
    assert conversation(parallel_tool_calls=True).tool_choice == ToolChoice(parallel=True)
    assert conversation().tool_choice is None


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "send the full input"),
        ({"conversation": "conv_1"}, "conversation", "send the full input"),
        ({"background": True}, "background", "not kept here"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "no prompts are stored"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type", "send the item itself"),
        ({"input": [{"id": "msg_1"}]}, "input[0].type", "send the item itself"),
    ],
)
def test_state_that_is_kept_elsewhere_is_refused_with_the_way_out(
    fields: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(MalformedRequest, match=words) as refusal:
        request(**fields)

    assert refusal.value.path == path


def test_wishes_that_change_nothing_here_are_allowed() -> None:
    asked = request(
        store=True,
        background=False,
        previous_response_id=None,
        conversation=None,
        include=["reasoning.encrypted_content"],
        truncation="auto",
        metadata={"a": "b"},
        service_tier="flex",
        client_metadata={"x": "y"},
        stream_options={"include_obfuscation": False},
    )

    assert asked.conversation.messages


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": [{"type": 5}]}, "input[0].type"),
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"stream": "yes"}, "stream"),
        ({"model": 5}, "model"),
        ({"profile": 5}, "profile"),
        ({"tools": {}}, "tools"),
        ({"store": "no"}, "store"),
        ({"max_output_tokens": "many"}, "max_output_tokens"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_a_wrong_field_is_named_at_once(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedRequest) as fault:
        request(**fields)

    assert fault.value.path == path


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"instructions": 5}, "instructions"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0].file_data"),
        ({"input": [{"type": "function_call", "name": "a"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "a"}]}, "input[0].call_id"),
        ({"input": [{"type": "custom_tool_call", "call_id": "a", "name": "b"}]}, "input[0].input"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{"name": "x"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{}]}]}, "tools[0].tools[0].type"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"temperature": "hot"}, "temperature"),
        ({"reasoning": 5}, "reasoning"),
        ({"text": {"format": 5}}, "text.format"),
    ],
)
def test_a_fault_deeper_down_is_named_when_the_conversation_is_read(
    fields: dict[str, Any], path: str
) -> None:
    with pytest.raises(MalformedRequest) as fault:
        conversation(**fields)

    assert fault.value.path == path


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"model": "m"}', b"[" * 100_000])
def test_a_body_that_is_no_request_is_the_clients_fault(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        OPENAI_RESPONSES.decode_request(body, {})
