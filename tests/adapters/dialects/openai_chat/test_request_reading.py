"""A request is read at once as far as routes need it, and in full, with exact places, when somebody asks."""

import json
from typing import Any

import pytest

from adapters.dialects.openai_chat.request import decode_request
from domain.conversation.extensions import NO_EXTENSIONS
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import (
    ChatRequest,
    ForeignTool,
    MalformedRequest,
    Message,
    Role,
    Sampling,
    Tool,
    ToolChoice,
    ToolUse,
)

USER = {"role": "user", "content": "hi"}


def request(**fields: Any) -> ChatRequest:
    return decode_request(json.dumps({"model": "m", "messages": [USER]} | fields).encode(), {})


def message(**fields: Any) -> Message:
    return request(messages=[fields]).conversation.messages[0]


def user_part(**part: Any) -> Part:
    return message(role="user", content=[part]).parts[0]


def test_what_every_route_needs_is_known_at_once() -> None:
    asked = decode_request(
        b'{"model":"m","messages":[{"role":"user","content":5}],"stream":true,"profile":"fast","n":2,'
        b'"stream_options":{"include_usage":true},"tools":[{}]}',
        {"openai-beta": "x", "authorization": "secret"},
    )

    assert (asked.model, asked.stream, asked.profile, asked.choices) == ("m", True, "fast", 2)
    assert asked.declares_tools
    assert asked.wants_usage
    assert asked.headers == {"openai-beta": "x"}


def test_nothing_but_messages_is_required() -> None:
    asked = decode_request(b'{"messages":[{"role":"user"}],"tools":[ ],"stream":null}', {})

    assert (asked.model, asked.stream, asked.profile, asked.choices) == ("", False, None, 1)
    assert not asked.declares_tools


def test_older_functions_are_tools_too() -> None:
    asked = request(functions=[{"name": "x"}], function_call={"name": "x"})

    assert asked.declares_tools
    assert asked.conversation.tools == (Tool(name="x"),)
    assert asked.conversation.tool_choice == ToolChoice(use=ToolUse.NAMED, name="x")


def test_the_content_is_decoded_once() -> None:
    asked = request()

    assert asked.conversation is asked.conversation


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"model": 5}, "model", "expected a string, found a number"),
        ({"stream": "yes"}, "stream", "expected a boolean, found a string"),
        ({"profile": []}, "profile", "expected a string, found a list"),
        ({"n": 0}, "n", "expected 1 to 128"),
        ({"n": 1.5}, "n", "expected a whole number"),
        ({"max_tokens": "5"}, "max_tokens", "expected a whole number, found a string"),
        ({"stream_options": []}, "stream_options", "expected an object, found a list"),
        ({"tools": "nonsense"}, "tools", "expected a list, found a string"),
        ({"messages": "hi"}, "messages", "expected a list, found a string"),
        ({"messages": []}, "messages", "expected at least one message"),
        ({"messages": None}, "messages", "expected a list, found null"),
        ({"messages": [USER, "hi"]}, "messages[1]", "expected an object, found a string"),
        ({"messages": [USER, USER, {}]}, "messages[2].role", "expected a string, found null"),
        (
            {"messages": [USER, {"role": "robot"}]},
            "messages[1].role",
            "expected one of system, developer, user",
        ),
    ],
)
def test_a_wrong_head_is_refused_at_once_with_its_place(fields: Any, path: str, words: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        request(**fields)

    assert caught.value.path == path
    assert words in caught.value.message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"m"}', b'{"messages":' + b"[" * 9000])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        decode_request(body, {})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [USER, {"role": "user", "content": [5]}]}, "messages[1].content[0]"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]},
            "messages[0].tool_calls[0].id",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [5]}, "tools[0]"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop"),
    ],
)
def test_a_wrong_field_further_down_is_found_when_the_content_is_needed(fields: Any, path: str) -> None:
    asked = request(**fields)

    with pytest.raises(MalformedRequest) as caught:
        _ = asked.conversation

    assert caught.value.path == path


@pytest.mark.parametrize("content", ["", None])
def test_no_words_are_no_part(content: str | None) -> None:
    assert message(role="user", content=content).parts == ()


def test_text_comes_as_a_string_or_in_parts() -> None:
    marked = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}

    assert message(role="developer", content="a") == Message(role=Role.DEVELOPER, parts=(Text(text="a"),))
    assert user_part(**marked) == Text(text="a", cache_control={"type": "ephemeral"})


def test_pictures_come_inline_or_as_links() -> None:
    inline = user_part(type="image_url", image_url={"url": "data:image/png;base64,QUJD", "detail": "low"})

    assert isinstance(inline, Image)
    assert inline.source == InlineData(media_type="image/png", base64="QUJD")
    assert inline.extensions == {"openai_chat": {"image_url": {"detail": "low"}}}
    assert user_part(type="image_url", image_url="https://x/y.png") == Image(
        source=Link(url="https://x/y.png")
    )


def test_files_are_documents_and_sound_stays_as_it_is() -> None:
    data = "data:application/pdf;base64,QUJD"

    assert user_part(type="file", file={"filename": "a.pdf", "file_data": data}) == Document(
        source=InlineData(media_type="application/pdf", base64="QUJD"), title="a.pdf"
    )
    assert user_part(type="file", file={"file_id": "f1"}) == Document(source=FileReference(file_id="f1"))
    sound = user_part(type="input_audio", input_audio={"data": "x", "format": "wav"})
    assert isinstance(sound, ForeignPart)
    assert json.loads(sound.payload)["input_audio"]["format"] == "wav"


def test_an_assistants_turn_is_thinking_text_refusal_and_calls() -> None:
    told = message(
        role="assistant",
        name="bob",
        content="so",
        reasoning_content="hm",
        refusal="no",
        tool_calls=[
            {"id": "a", "type": "function", "function": {"name": "x", "arguments": "{}"}},
            {"id": "b", "type": "custom", "custom": {"name": "y", "input": "1"}},
        ],
        audio={"id": "z"},
    )

    thinking, text, refusal, call, custom = told.parts
    assert isinstance(thinking, Thinking)
    assert thinking.text == "hm"
    assert (text, refusal) == (Text(text="so"), Refusal(text="no"))
    assert call == ToolCall(id="a", name="x", arguments="{}")
    assert isinstance(custom, ForeignPart)
    assert (told.name, told.extensions) == ("bob", {"openai_chat": {"audio": {"id": "z"}}})


def test_a_tools_answer_names_its_call() -> None:
    told = message(role="tool", tool_call_id="a", content=[{"type": "text", "text": "18C"}])

    assert told == Message(role=Role.TOOL, parts=(ToolResult(call_id="a", content=(Text(text="18C"),)),))


def test_the_older_form_of_calls_and_answers_is_paired() -> None:
    conversation = request(
        messages=[
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "x", "arguments": "{}"}},
            {"role": "function", "name": "x", "content": "1"},
        ]
    ).conversation

    call, result = conversation.messages[1].parts[0], conversation.messages[2].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert call.id == result.call_id


def test_tools_keep_what_only_this_dialect_says() -> None:
    tools = request(
        tools=[
            {
                "type": "function",
                "function": {"name": "x", "parameters": {}, "strict": True},
                "cache_control": {},
            },
            {"type": "web_search"},
        ],
        tool_choice="required",
        parallel_tool_calls=False,
    ).conversation

    assert tools.tools[0] == Tool(
        name="x",
        parameters={},
        strict=True,
        cache_control={},
        extensions={"openai_chat": {"function": {"strict": True}}},
    )
    assert isinstance(tools.tools[1], ForeignTool)
    assert tools.tool_choice == ToolChoice(use=ToolUse.REQUIRED, parallel=False)


def test_sampling_is_understood_and_the_rest_is_kept() -> None:
    conversation = request(
        max_completion_tokens=7, temperature=0, top_p=0.5, stop="x", seed=3, response_format={"type": "text"}
    ).conversation

    assert conversation.sampling == Sampling(
        max_output_tokens=7, temperature=0, top_p=0.5, stop=("x",), seed=3
    )
    assert conversation.extensions == {"openai_chat": {"response_format": {"type": "text"}}}
    assert request().conversation.extensions == NO_EXTENSIONS
