"""A conversation from another dialect becomes a body that strict servers accept; nothing vanishes unsaid."""

import json
from typing import Any

import pytest

from adapters.dialects.dialect import Outgoing, Quirks
from adapters.dialects.openai_chat.request import decode_request, encode_request
from domain.conversation.built import Built
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
    Conversation,
    ForeignTool,
    MalformedRequest,
    Message,
    Role,
    Sampling,
    Tool,
    ToolChoice,
    ToolUse,
)

PICTURE = Image(source=InlineData(media_type="image/png", base64="QUJD"))
PICTURE_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
CALL = ToolCall(id="a", name="x", arguments='{"p":1}')
CALL_OBJECT = {"id": "a", "type": "function", "function": {"name": "x", "arguments": '{"p":1}'}}
EPHEMERAL = {"type": "ephemeral"}


def told(
    *messages: Message,
    dialect: str = "anthropic_messages",
    choices: int = 1,
    outgoing: Any = None,
    **fields: Any,
) -> Any:
    """The body that a conversation becomes."""
    content = Conversation(messages=messages, **fields)
    request = ChatRequest(dialect=dialect, model="m", source=Built(content), choices=choices)
    options = {"model": "real", "stream": False} | (outgoing or {})
    return json.loads(encode_request(Outgoing(request=request, **options)))


def turns(*messages: Message, **fields: Any) -> Any:
    return told(*messages, **fields)["messages"]


def user(*parts: Part) -> Message:
    return Message(role=Role.USER, parts=parts)


def assistant(*parts: Part) -> Message:
    return Message(role=Role.ASSISTANT, parts=parts)


def system(*parts: Part) -> Message:
    return Message(role=Role.SYSTEM, parts=parts)


def result(*content: Any, call_id: str = "a", **fields: Any) -> ToolResult:
    return ToolResult(call_id=call_id, content=content, **fields)


def test_a_plain_question_is_a_plain_body() -> None:
    assert told(user(Text(text="hi"))) == {"model": "real", "messages": [{"role": "user", "content": "hi"}]}


def test_instructions_become_one_leading_system_message() -> None:
    messages = turns(
        system(Text(text="A"), Text(text="B")),
        user(Text(text="hi")),
        Message(role=Role.DEVELOPER, parts=(Text(text="C"),)),
    )

    assert messages == [{"role": "system", "content": "A\n\nB\n\nC"}, {"role": "user", "content": "hi"}]


def test_instructions_with_a_cache_breakpoint_stay_in_parts() -> None:
    message = system(Text(text="A", cache_control=EPHEMERAL), Text(text="B"))

    assert turns(message, user(Text(text="hi")))[0]["content"] == [
        {"type": "text", "text": "A", "cache_control": EPHEMERAL},
        {"type": "text", "text": "B"},
    ]
    strict = {"quirks": Quirks(cache_control=False)}
    assert turns(message, user(Text(text="hi")), outgoing=strict)[0]["content"] == "A\n\nB"


def test_the_suffix_follows_the_instructions() -> None:
    outgoing = {"system_suffix": "Be brief."}

    assert turns(system(Text(text="A")), outgoing=outgoing)[0]["content"] == "A\n\nBe brief."
    assert turns(user(Text(text="hi")), outgoing=outgoing)[0] == {"role": "system", "content": "Be brief."}


def test_pictures_and_files_are_parts() -> None:
    pdf = Document(source=InlineData(media_type="application/pdf", base64="QUJD"), title="a.pdf")
    text = Document(source=Text(text="words"), title="T")

    [message] = turns(
        user(Text(text="see"), Text(text=""), PICTURE, Image(source=Link(url="https://x")), pdf, text)
    )

    assert message["content"] == [
        {"type": "text", "text": "see"},
        PICTURE_PART,
        {"type": "image_url", "image_url": {"url": "https://x"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
        {"type": "text", "text": "T\n\nwords"},
    ]


@pytest.mark.parametrize(
    "part",
    [
        Image(source=FileReference(file_id="f")),
        Document(source=FileReference(file_id="f")),
        Document(source=Link(url="https://x/y.pdf")),
    ],
)
def test_media_that_would_vanish_is_refused_with_its_place(part: Part) -> None:
    with pytest.raises(MalformedRequest) as caught:
        turns(system(Text(text="A")), user(Text(text="see"), part))

    assert caught.value.path.startswith("messages[1].content")


def test_an_assistants_turn_holds_thinking_and_calls() -> None:
    messages = turns(
        user(Text(text="hi")),
        assistant(Thinking(text="hm", signature="s"), Thinking(redacted="r"), Text(text="so"), CALL),
        user(result(Text(text="18C"))),
        assistant(CALL),
        user(result()),
    )

    assert messages[1] == {
        "role": "assistant",
        "content": "so",
        "reasoning_content": "hm",
        "tool_calls": [CALL_OBJECT],
    }
    assert messages[3] == {"role": "assistant", "content": None, "tool_calls": [CALL_OBJECT]}
    assert messages[4] == {"role": "tool", "tool_call_id": "a", "content": ""}


def test_a_turn_of_nothing_but_sealed_thinking_is_left_out() -> None:
    assert len(turns(user(Text(text="hi")), assistant(Thinking(redacted="r")), user(Text(text="go")))) == 2


def test_a_refusal_has_its_own_field() -> None:
    assert turns(assistant(Refusal(text="no")))[0] == {"role": "assistant", "content": None, "refusal": "no"}


class TestToolResults:
    """Results stand directly after their calls, in the order of the calls."""

    two_calls = assistant(CALL, ToolCall(id="b", name="y", arguments=""))

    def test_results_come_first_and_in_the_order_of_the_calls(self) -> None:
        messages = turns(
            self.two_calls,
            user(
                Text(text="well"), result(Text(text="B"), call_id="b"), result(Text(text="A"), Text(text="2"))
            ),
        )

        assert messages[0]["tool_calls"][1]["function"]["arguments"] == "{}"
        assert messages[1:] == [
            {"role": "tool", "tool_call_id": "a", "content": "A\n2"},
            {"role": "tool", "tool_call_id": "b", "content": "B"},
            {"role": "user", "content": "well"},
        ]

    def test_a_picture_moves_to_the_users_next_message(self) -> None:
        messages = turns(assistant(CALL), user(result(PICTURE), Text(text="see?")))

        assert messages[1] == {"role": "tool", "tool_call_id": "a", "content": "[shown in the next message]"}
        assert messages[2]["role"] == "user"
        assert messages[2]["content"] == [
            {"type": "text", "text": "[from the result of tool call a]"},
            PICTURE_PART,
            {"type": "text", "text": "see?"},
        ]
        assert turns(assistant(CALL), user(result(Text(text="t"), PICTURE)))[2]["content"][1] == PICTURE_PART

    def test_a_call_without_result_was_interrupted(self) -> None:
        messages = turns(self.two_calls, user(result(Text(text="A"))))

        assert messages[2] == {
            "role": "tool",
            "tool_call_id": "b",
            "content": "[interrupted: the tool gave no result]",
        }
        assert len(turns(user(Text(text="hi")), self.two_calls)) == 2

    def test_a_result_without_call_is_told_in_words(self) -> None:
        [message] = turns(user(result(Text(text="18C"), call_id="z")))

        assert message["role"] == "user"
        assert "tool call z" in message["content"][0]["text"]
        assert "18C" in message["content"][0]["text"]

    def test_a_failure_is_told(self) -> None:
        messages = turns(assistant(CALL), user(result(Text(text="no such file"), is_error=True)))

        assert messages[1]["content"] == "[the tool failed]\nno such file"

    def test_a_cache_breakpoint_moves_to_the_last_text(self) -> None:
        messages = turns(assistant(CALL), user(result(Text(text="t"), cache_control=EPHEMERAL)))

        assert messages[1]["content"] == [{"type": "text", "text": "t", "cache_control": EPHEMERAL}]

    def test_what_only_another_dialect_knows_is_shown_as_json(self) -> None:
        foreign = ForeignPart(
            dialect="anthropic_messages", payload=b'{"type":"tool_reference","tool_name":"x"}'
        )

        assert "tool_reference" in turns(assistant(CALL), user(result(foreign)))[1]["content"]


def test_tools_are_functions_and_other_servers_tools_are_left_out() -> None:
    body = told(
        user(Text(text="hi")),
        tools=(
            Tool(name="x", cache_control=EPHEMERAL),
            Tool(name="y", description="d", parameters={"type": "object"}),
            ForeignTool(dialect="anthropic_messages", payload=b"{}"),
        ),
        tool_choice=ToolChoice(use=ToolUse.NAMED, name="y", parallel=False),
    )

    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "x", "parameters": {"type": "object", "properties": {}}},
            "cache_control": EPHEMERAL,
        },
        {"type": "function", "function": {"name": "y", "description": "d", "parameters": {"type": "object"}}},
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "y"}}
    assert body["parallel_tool_calls"] is False


@pytest.mark.parametrize("use", [ToolUse.AUTO, ToolUse.REQUIRED, ToolUse.NONE])
def test_a_tool_choice_is_a_word(use: ToolUse) -> None:
    fields: Any = {"tools": (Tool(name="x"),), "tool_choice": ToolChoice(use=use)}

    assert told(user(Text(text="hi")), **fields)["tool_choice"] == use.value


def test_without_tools_there_is_nothing_to_choose() -> None:
    foreign = ForeignTool(dialect="anthropic_messages", payload=b"{}")

    body = told(user(Text(text="hi")), tools=(foreign,), tool_choice=ToolChoice(use=ToolUse.REQUIRED))

    assert not {"tools", "tool_choice"} & set(body)


def test_sampling_goes_by_the_servers_names() -> None:
    body = told(
        user(Text(text="hi")),
        sampling=Sampling(max_output_tokens=9, temperature=0.0, top_p=0.5, top_k=4, stop=("x",), seed=1),
        outgoing={
            "stream": True,
            "quirks": Quirks(max_tokens_field="max_completion_tokens"),
            "extra_body": {"temperature": 1, "min_p": 0.1, "max_tokens": 1},
        },
    )

    del body["messages"]
    assert body == {
        "model": "real",
        "max_completion_tokens": 9,
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["x"],
        "seed": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
        "min_p": 0.1,
    }


def test_several_answers_cannot_be_asked_of_another_dialect() -> None:
    with pytest.raises(MalformedRequest) as caught:
        told(user(Text(text="hi")), choices=2)

    assert caught.value.path == "n"
    assert told(user(Text(text="hi")), choices=2, dialect="openai_chat")["n"] == 2


def test_a_request_of_this_dialect_is_written_anew_without_loss() -> None:
    body = {
        "model": "real",
        "messages": [
            {"role": "system", "content": "A"},
            {
                "role": "user",
                "name": "bob",
                "content": [
                    {"type": "text", "text": "a", "cache_control": EPHEMERAL},
                    {"type": "text", "text": "b", "x": 1},
                    {
                        "type": "image_url",
                        "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"},
                    },
                    {"type": "file", "file": {"file_id": "f"}},
                    {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "reasoning": "hm",
                "x_vendor": 2,
                "tool_calls": [
                    CALL_OBJECT,
                    {"id": "c", "type": "custom", "custom": {"name": "y", "input": "1"}},
                ],
            },
            {"role": "tool", "name": "x", "tool_call_id": "a", "content": "18C"},
            {"role": "system", "content": "later"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "x", "parameters": {}, "strict": True}},
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        "max_tokens": 5,
        "top_k": 3,
        "response_format": {"type": "text"},
    }
    conversation = decode_request(json.dumps(body).encode(), {}).conversation
    request = ChatRequest(dialect="openai_chat", model="m", source=Built(conversation))

    assert json.loads(encode_request(Outgoing(request=request, model="real", stream=False))) == body


def test_turns_that_call_tools_have_reasoning_where_that_is_demanded() -> None:
    said = [assistant(CALL), user(result(Text(text="b"))), assistant(Thinking(text="hm"), CALL), user()]
    said += [assistant(Text(text="yes"))]
    demanding = {"quirks": Quirks(fills_reasoning=True)}

    filled = [turn for turn in turns(*said, outgoing=demanding) if turn["role"] == "assistant"]

    assert [turn.get("reasoning_content") for turn in filled] == ["", "hm", None]
    assert [turn.get("reasoning_content") for turn in turns(*said) if turn["role"] == "assistant"] == [
        None,
        "hm",
        None,
    ]


def test_what_the_assistant_says_in_a_row_is_one_turn_that_keeps_all_its_results() -> None:
    """As Anthropic reads it; a chat server refuses a call whose result stands elsewhere."""
    other = ToolCall(id="b", name="x", arguments="{}")
    said = [
        assistant(Text(text="I look."), CALL),
        assistant(other),
        user(result(Text(text="1")), result(Text(text="2"), call_id="b")),
    ]

    told_turns = turns(user(Text(text="Look.")), *said)

    assert [turn["role"] for turn in told_turns] == ["user", "assistant", "tool", "tool"]
    assert told_turns[1]["content"] == "I look."
    assert [call["id"] for call in told_turns[1]["tool_calls"]] == ["a", "b"]
    assert [(turn["tool_call_id"], turn["content"]) for turn in told_turns[2:]] == [("a", "1"), ("b", "2")]
