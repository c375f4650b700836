"""How requests of this dialect are written: at home byte for byte, from abroad by its rules."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Outgoing, Quirks
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
from tests.adapters.dialects.anthropic_messages.recordings import cases, recorded

EPHEMERAL = {"type": "ephemeral"}
OURS = "anthropic_messages"


def at_home(body: bytes, **changes: Any) -> bytes:
    request = ANTHROPIC_MESSAGES.decode_request(body, {})
    outgoing = Outgoing(request=request, model=request.model, stream=request.stream)
    return ANTHROPIC_MESSAGES.encode_request(replace(outgoing, **changes))


def says(role: Role, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def user(text: str) -> Message:
    return says(Role.USER, Text(text=text))


def call(id: str, arguments: str = "{}") -> ToolCall:
    return ToolCall(id=id, name="f", arguments=arguments)


def result(id: str, text: str = "ok") -> Message:
    return says(Role.TOOL, ToolResult(call_id=id, content=(Text(text=text),)))


def abroad(*messages: Message, outgoing: Any = None, choices: int = 1, **fields: Any) -> dict[str, Any]:
    content = Conversation(messages=messages, **fields)
    request = ChatRequest(dialect="openai_chat", model="x", source=Built(content), choices=choices)
    sent = Outgoing(request=request, model="claude", stream=False, **(outgoing or {}))
    body: dict[str, Any] = json.loads(ANTHROPIC_MESSAGES.encode_request(sent))
    return body


@pytest.mark.parametrize("case", cases("request.json"))
def test_a_request_leaves_as_it_came(case: str) -> None:
    body = recorded(case, "request.json")
    assert at_home(body) == body


@pytest.mark.parametrize("case", cases("request.json"))
def test_only_the_model_and_the_stream_flag_change(case: str) -> None:
    body = recorded(case, "request.json")
    out = at_home(body, model="local", stream=True)
    before, after = json.loads(body), json.loads(out)
    assert after == {**before, "model": "local", "stream": True}
    name = before.get("model", "").encode()
    assert not name or (
        out.replace(b'"model":"local"', b'"model":"%b"' % name).replace(
            b'"model": "local"', b'"model": "%b"' % name
        )[:200]
        == body[:200]
    )


def test_what_is_ours_goes_and_what_the_configuration_adds_lies_below() -> None:
    body = (
        b'{"model":"m","profile":"p" , "max_tokens":1,"top_k":3,"messages":[{"role":"user","content":"x"}]}'
    )
    extra = {
        "top_k": 9,
        "service_tier": "auto",
        "anthropic_version": "bedrock",
        "model": "no",
        "profile": "q",
    }
    assert at_home(body, model="n", extra_body=extra) == (
        b'{"model":"n", "max_tokens":1,"top_k":3,"messages":[{"role":"user","content":"x"}],'
        b'"service_tier":"auto"}'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b',"system":"S"'),
        (b',"system":null', b',"system":"S"'),
        (b',"system":""', b',"system":"S"'),
        (b',"system":"\\u00e9"', b',"system":"\\u00e9\\n\\nS"'),
        (b',"system":[]', b',"system":[{"type":"text","text":"S"}]'),
        (
            b',"system":[ {"type":"text", "text":"a"} ]',
            b',"system":[ {"type":"text", "text":"a"},{"type":"text","text":"S"}]',
        ),
    ],
)
def test_instructions_of_the_configuration_come_last(before: bytes, after: bytes) -> None:
    body = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]%b}'
    assert at_home(body % before, system_suffix="S") == body % after


def test_a_key_that_stands_twice_is_refused() -> None:
    body = b'{"model":"m","model":"n","max_tokens":1,"messages":[{"role":"user","content":"x"}]}'
    with pytest.raises(MalformedRequest):
        at_home(body)


@pytest.mark.parametrize("case", cases("request.json"))
def test_a_changed_conversation_of_this_dialect_keeps_what_it_said(case: str) -> None:
    request = ANTHROPIC_MESSAGES.decode_request(recorded(case, "request.json"), {})
    rebuilt = replace(request, source=Built(request.conversation))
    out = ANTHROPIC_MESSAGES.encode_request(Outgoing(request=rebuilt, model=request.model, stream=True))
    again = ANTHROPIC_MESSAGES.decode_request(out, {})
    assert again.conversation == request.conversation


def test_leading_instructions_become_the_system_prompt() -> None:
    body = abroad(says(Role.SYSTEM, Text(text="a")), says(Role.DEVELOPER, Text(text="b")), user("x"))
    assert body["system"] == "a\n\nb"
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "x"}]}]


def test_cache_breakpoints_of_instructions_survive() -> None:
    body = abroad(says(Role.SYSTEM, Text(text="a", cache_control=EPHEMERAL)), user("x"))
    assert body["system"] == [{"type": "text", "text": "a", "cache_control": EPHEMERAL}]


def test_the_configurations_instructions_are_added_abroad_too() -> None:
    body = abroad(says(Role.SYSTEM, Text(text="a")), user("x"), outgoing={"system_suffix": "S"})
    assert body["system"] == "a\n\nS"


def test_later_instructions_join_the_users_turn_in_their_place() -> None:
    body = abroad(user("a"), says(Role.SYSTEM, Text(text="b")), user("c"))
    assert [block["text"] for block in body["messages"][0]["content"]] == ["a", "b", "c"]


def test_instructions_alone_become_a_question() -> None:
    assert abroad(says(Role.SYSTEM, Text(text="a")))["messages"][0]["role"] == "user"


def test_results_stand_first_after_their_calls_and_in_their_order() -> None:
    body = abroad(
        user("go"),
        says(Role.ASSISTANT, Text(text="well"), call("a"), call("b")),
        says(Role.DEVELOPER, Text(text="note")),
        result("b", "two"),
        result("a", "one"),
        user("and?"),
    )
    turns = body["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "one"},
        {"type": "tool_result", "tool_use_id": "b", "content": "two"},
        {"type": "text", "text": "note"},
        {"type": "text", "text": "and?"},
    ]


@pytest.mark.parametrize("following", [(), (user("stop"),), (says(Role.ASSISTANT, Text(text="hm")),)])
def test_a_call_without_a_result_is_told_to_be_interrupted(following: tuple[Message, ...]) -> None:
    body = abroad(user("go"), says(Role.ASSISTANT, call("a")), *following)
    answer = body["messages"][2]["content"][0]
    assert (answer["type"], answer["tool_use_id"], answer["is_error"]) == ("tool_result", "a", True)
    assert "interrupted" in answer["content"]


def test_a_result_without_its_call_becomes_text() -> None:
    body = abroad(user("go"), result("gone", "42"))
    assert [block["type"] for block in body["messages"][0]["content"]] == ["text", "text"]
    assert "42" in body["messages"][0]["content"][1]["text"]


def test_ids_that_this_dialect_refuses_are_changed_on_both_sides() -> None:
    body = abroad(
        user("go"),
        says(Role.ASSISTANT, call("functions.f:0")),
        result("functions.f:0", "one"),
        says(Role.ASSISTANT, call("functions.f:0")),
        result("functions.f:0", "two"),
    )
    ids = [turn["content"][0].get("id") or turn["content"][0]["tool_use_id"] for turn in body["messages"][1:]]
    assert ids == ["functions_f_0", "functions_f_0", "functions_f_0_2", "functions_f_0_2"]
    assert [turn["content"][0]["content"] for turn in body["messages"][2::2]] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "expected_input"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ('"Paris"', {"_raw": '"Paris"'}),
        ('{"a":', {"_raw": '{"a":'}),
    ],
)
def test_arguments_become_an_object(arguments: str, expected_input: Any) -> None:
    body = abroad(user("go"), says(Role.ASSISTANT, call("a", arguments)), result("a"))
    assert body["messages"][1]["content"][0]["input"] == expected_input


def test_nothing_empty_is_sent() -> None:
    body = abroad(user("go"), says(Role.ASSISTANT, Text(text="")), user(" "), user("x"))
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "go"}, {"type": "text", "text": "x"}]}
    ]


def test_only_signed_thinking_is_sent() -> None:
    body = abroad(
        user("go"),
        says(
            Role.ASSISTANT,
            Thinking(text="a"),
            Thinking(text="b", signature="s"),
            Thinking(redacted="r"),
            Refusal(text="no"),
        ),
    )
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "b", "signature": "s"},
        {"type": "redacted_thinking", "data": "r"},
        {"type": "text", "text": "no"},
    ]


def test_media_are_sent_also_inside_results() -> None:
    image = Image(source=InlineData(media_type="image/png", base64="iVBO"))
    body = abroad(
        says(
            Role.USER,
            Image(source=Link(url="https://x/y.png")),
            Document(source=InlineData(media_type="application/pdf", base64="JVBE"), title="T"),
            Document(source=InlineData(media_type="text/plain", base64="aGk=")),
        ),
        says(Role.ASSISTANT, call("a")),
        says(Role.TOOL, ToolResult(call_id="a", content=(Text(text="see"), image), is_error=True)),
    )
    assert [block["source"] for block in body["messages"][0]["content"]] == [
        {"type": "url", "url": "https://x/y.png"},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        {"type": "text", "media_type": "text/plain", "data": "hi"},
    ]
    answer = body["messages"][2]["content"][0]
    assert answer["is_error"]
    assert [block["type"] for block in answer["content"]] == ["text", "image"]


@pytest.mark.parametrize(
    "part",
    [
        ForeignPart(dialect="openai_chat", payload=b'{"type":"input_audio"}'),
        Image(source=FileReference(file_id="f")),
        Document(source=InlineData(media_type="text/plain", base64="a")),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_place(part: Part) -> None:
    with pytest.raises(MalformedRequest) as caught:
        abroad(user("a"), says(Role.USER, Text(text="b"), part))
    assert caught.value.path == "messages[1].content[1]"


def test_several_answers_are_refused() -> None:
    with pytest.raises(MalformedRequest) as caught:
        abroad(user("a"), choices=2)
    assert caught.value.path == "n"


def test_sampling_is_brought_into_this_dialects_bounds() -> None:
    body = abroad(
        user("a"),
        sampling=Sampling(temperature=1.7, top_p=0.5, stop=("\n", "END", ""), seed=3, max_output_tokens=0),
        outgoing={"quirks": Quirks(default_max_tokens=77)},
    )
    assert body["temperature"] == 1
    assert body["stop_sequences"] == ["END"]
    assert body["max_tokens"] == 77
    assert "seed" not in body


def test_the_configurations_limit_lies_between_the_clients_and_the_default() -> None:
    extra = {"extra_body": {"max_tokens": 5, "anthropic_version": "v"}}
    assert abroad(user("a"), outgoing=extra)["max_tokens"] == 5
    assert abroad(user("a"), outgoing=extra, sampling=Sampling(max_output_tokens=3))["max_tokens"] == 3
    assert "anthropic_version" not in abroad(user("a"), outgoing=extra)


def test_tools_are_sent_with_a_schema() -> None:
    tools = (
        Tool(name="f"),
        Tool(name="g", description="d", parameters={"properties": {"a": {}}}, cache_control=EPHEMERAL),
        ForeignTool(dialect="openai_chat", payload=b"{}"),
    )
    assert abroad(user("a"), tools=tools)["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}},
        {
            "name": "g",
            "description": "d",
            "input_schema": {"type": "object", "properties": {"a": {}}},
            "cache_control": EPHEMERAL,
        },
    ]


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        (ToolChoice(), {"type": "auto"}),
        (ToolChoice(parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(use=ToolUse.REQUIRED), {"type": "any"}),
        (ToolChoice(use=ToolUse.NONE, parallel=False), {"type": "none"}),
        (ToolChoice(use=ToolUse.NAMED, name="f"), {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choice_is_told_in_this_dialects_words(choice: ToolChoice, word: Any) -> None:
    assert abroad(user("a"), tools=(Tool(name="f"),), tool_choice=choice)["tool_choice"] == word


def test_a_tool_choice_without_tools_is_left_out() -> None:
    assert "tool_choice" not in abroad(user("a"), tool_choice=ToolChoice())


def test_at_most_four_cache_breakpoints_are_sent() -> None:
    marked = [says(Role.USER, Text(text=str(n), cache_control=EPHEMERAL)) for n in range(6)]
    blocks = abroad(*marked)["messages"][0]["content"]
    assert [block["text"] for block in blocks if "cache_control" in block] == ["2", "3", "4", "5"]


_PARTS = {
    Role.USER: st.builds(Text, text=st.text(max_size=3)),
    Role.ASSISTANT: st.one_of(
        st.builds(Text, text=st.text(max_size=3)),
        st.builds(call, st.sampled_from(["a", "b", "c.d", ""]), st.sampled_from(["{}", "x", ""])),
    ),
    Role.TOOL: st.builds(
        ToolResult,
        call_id=st.sampled_from(["a", "b", "c.d", ""]),
        content=st.tuples(st.builds(Text, text=st.text(max_size=3))),
    ),
    Role.SYSTEM: st.builds(Text, text=st.text(max_size=3)),
}
_MESSAGES = st.sampled_from(list(_PARTS)).flatmap(
    lambda role: st.builds(Message, role=st.just(role), parts=st.lists(_PARTS[role], max_size=3).map(tuple))
)


@given(st.lists(_MESSAGES, max_size=8))
def test_any_history_becomes_one_that_the_dialect_accepts(messages: list[Message]) -> None:
    turns = abroad(*messages).get("messages", [])
    calls: list[str] = []
    seen: set[str] = set()
    previous = ""
    for turn in turns:
        assert turn["role"] != previous
        previous = turn["role"]
        results = [block["tool_use_id"] for block in turn["content"] if block["type"] == "tool_result"]
        assert results == calls
        assert all(block["type"] == "tool_result" for block in turn["content"][: len(results)])
        assert all(block["text"].strip() for block in turn["content"] if block["type"] == "text")
        calls = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        assert not seen & set(calls)
        seen |= set(calls)
    assert calls == []
