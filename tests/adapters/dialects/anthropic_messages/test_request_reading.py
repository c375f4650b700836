"""How requests of this dialect are read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.conversation import careful_message, careful_tool
from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.anthropic_messages.quick_reading import plain_message, plain_messages, plain_tools
from adapters.dialects.anthropic_messages.request import decode_count_request
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
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
from tests.adapters.dialects.anthropic_messages.recordings import recorded

OURS = "anthropic_messages"
EPHEMERAL = {"type": "ephemeral"}


def request(**fields: Any) -> ChatRequest:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **fields}
    return ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})


def parts(*blocks: Any, role: str = "user") -> tuple[Any, ...]:
    return request(messages=[{"role": role, "content": list(blocks)}]).conversation.messages[0].parts


def test_claude_codes_request_is_read_as_far_as_every_route_needs_it() -> None:
    headers = {"anthropic-beta": "a,b", "anthropic-version": "2023-06-01", "x-api-key": "k"}
    read = ANTHROPIC_MESSAGES.decode_request(recorded("claude-code-tool-result", "request.json"), headers)
    assert (read.dialect, read.model, read.stream, read.declares_tools) == (
        OURS,
        "claude-opus-5-5",
        True,
        True,
    )
    assert read.headers == {"anthropic-beta": "a,b", "anthropic-version": "2023-06-01"}
    assert repr(read.source).endswith("decoded=False>")


def test_claude_codes_conversation_is_read() -> None:
    content = ANTHROPIC_MESSAGES.decode_request(
        recorded("claude-code-tool-result", "request.json"), {}
    ).conversation
    roles = [message.role for message in content.messages]
    assert roles == [Role.SYSTEM, Role.USER, Role.SYSTEM, Role.ASSISTANT, Role.USER]
    assert [bool(part.cache_control) for part in content.messages[0].parts if isinstance(part, Text)] == [
        False,
        True,
        True,
    ]
    assert content.messages[2].extensions == {OURS: {"output_config": {"effort": "medium"}}}
    assert content.messages[3].parts == (
        ToolCall(
            id="toolu_rec0001",
            name="Bash",
            arguments='{"command":"echo hello-from-tool","description":"say hello"}',
        ),
    )
    assert content.messages[4].parts == (
        ToolResult(
            call_id="toolu_rec0001",
            content=(Text(text="hello-from-tool"),),
            cache_control=EPHEMERAL,
        ),
    )
    assert content.sampling == Sampling(max_output_tokens=128000, reasoning_effort="medium")
    assert set(content.extensions[OURS]) == {"thinking", "metadata", "context_management", "output_config"}
    deferred = [t for t in content.tools if isinstance(t, Tool) and t.extensions]
    assert [t.extensions for t in deferred] == [{OURS: {"defer_loading": True}}]


def test_a_conversation_is_decoded_once() -> None:
    read = request()
    assert read.conversation is read.conversation


def test_a_tool_that_the_vendor_runs_is_foreign() -> None:
    read = ANTHROPIC_MESSAGES.decode_request(recorded("claude-code-web-search", "request.json"), {})
    (tool,) = read.conversation.tools
    assert isinstance(tool, ForeignTool)
    assert json.loads(tool.payload) == {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    assert read.conversation.tool_choice == ToolChoice()


@pytest.mark.parametrize(
    ("given_system", "expected_parts"),
    [
        ("be brief", (Text(text="be brief"),)),
        (
            [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": EPHEMERAL}],
            (Text(text="a"), Text(text="b", cache_control=EPHEMERAL)),
        ),
    ],
)
def test_instructions_lead(given_system: Any, expected_parts: tuple[Text, ...]) -> None:
    first = request(system=given_system).conversation.messages[0]
    assert first == Message(role=Role.SYSTEM, parts=expected_parts)


def test_every_kind_of_part_is_read() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    read = parts(
        {"type": "text", "text": "a", "citations": [], "cache_control": EPHEMERAL},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "f1"}},
        {"type": "document", "source": pdf, "title": "T", "context": "c"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "in"}]}},
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "seal"},
    )
    assert read == (
        Text(text="a", cache_control=EPHEMERAL, extensions={OURS: {"citations": []}}),
        Image(source=InlineData(media_type="image/png", base64="iVBO")),
        Image(source=Link(url="https://x/y.png")),
        Image(source=FileReference(file_id="f1")),
        Document(
            source=InlineData(media_type="application/pdf", base64="JVBE"),
            title="T",
            extensions={OURS: {"context": "c"}},
        ),
        Document(source=Text(text="words")),
        Document(source=Link(url="https://x/y.pdf")),
        Document(
            source=Text(text="in"),
            extensions={OURS: {"source": {"type": "content", "content": [{"type": "text", "text": "in"}]}}},
        ),
        Thinking(text="hm", signature="c2ln"),
        Thinking(redacted="seal"),
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "from_the_future", "x": [1]},
        {"type": "image", "source": {"type": "from_the_future"}},
        {
            "type": "document",
            "source": {
                "type": "content",
                "content": [{"type": "image", "source": {"type": "url", "url": "u"}}],
            },
        },
    ],
)
def test_what_the_model_has_no_word_for_is_kept_whole(block: dict[str, Any]) -> None:
    (part,) = parts(block)
    assert isinstance(part, ForeignPart)
    assert json.loads(part.payload) == block


def test_arguments_stay_as_they_were_written() -> None:
    body = (
        b'{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"text","text":"x"},'
        b'{"type":"tool_use","id":"a","name":"f","input":{ "b" : 1.0, "a":"\\u00e9" }}]}]}'
    )
    call = ANTHROPIC_MESSAGES.decode_request(body, {}).conversation.messages[0].parts[1]
    assert call == ToolCall(id="a", name="f", arguments='{ "b" : 1.0, "a":"\\u00e9" }')


def test_results_hold_text_pictures_and_references() -> None:
    content = [
        {"type": "text", "text": "a"},
        {"type": "image", "source": {"type": "url", "url": "u"}},
        {"type": "tool_reference", "tool_name": "Read"},
    ]
    (result,) = parts({"type": "tool_result", "tool_use_id": "c", "is_error": True, "content": content})
    assert result == ToolResult(
        call_id="c",
        is_error=True,
        content=(
            Text(text="a"),
            Image(source=Link(url="u")),
            ForeignPart(dialect=OURS, payload=b'{"type":"tool_reference","tool_name":"Read"}'),
        ),
    )


@pytest.mark.parametrize("content", [None, "", []])
def test_a_result_may_be_empty(content: Any) -> None:
    assert parts({"type": "tool_result", "tool_use_id": "c", "content": content}) == (
        ToolResult(call_id="c", content=()),
    )


@pytest.mark.parametrize(
    ("choice", "expected_choice"),
    [
        ({"type": "auto"}, ToolChoice()),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            ToolChoice(use=ToolUse.REQUIRED, parallel=False),
        ),
        ({"type": "none"}, ToolChoice(use=ToolUse.NONE)),
        ({"type": "tool", "name": "f"}, ToolChoice(use=ToolUse.NAMED, name="f")),
    ],
)
def test_tool_choice_is_read(choice: Any, expected_choice: ToolChoice) -> None:
    assert request(tool_choice=choice).conversation.tool_choice == expected_choice


def test_sampling_is_read() -> None:
    read = request(temperature=0.5, top_p=1, top_k=3, stop_sequences=["END"], max_tokens=7)
    assert read.conversation.sampling == Sampling(
        max_output_tokens=7, temperature=0.5, top_p=1, top_k=3, stop=("END",)
    )


def test_a_request_to_count_needs_no_limit() -> None:
    assert decode_count_request(b'{"messages":[{"role":"user","content":"x"}]}', {}).model == ""


def test_a_profile_is_read() -> None:
    assert request(profile="fast").profile == "fast"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": {}}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": -5}, "max_tokens"),
        ({"model": 1}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"profile": []}, "profile"),
        ({"tools": {}}, "tools"),
        ({"system": 5}, "system"),
    ],
)
def test_a_fault_at_the_top_is_named_at_once(fields: Any, path: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        request(**fields)
    assert caught.value.path == path


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"\xff"}'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        ANTHROPIC_MESSAGES.decode_request(body, {})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]},
            "messages[0].content[0].source.url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{}]}],
                    }
                ]
            },
            "messages[0].content[0].content[0].type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "x"}],
                    }
                ]
            },
            "messages[0].content[0].input",
        ),
        ({"system": [{"type": "text"}]}, "system[0].text"),
        ({"tools": [{"description": "x"}]}, "tools[0].name"),
        ({"tools": [{"name": "f", "input_schema": []}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "sometimes"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"stop_sequences": ["a", 1]}, "stop_sequences[1]"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_a_fault_deeper_down_is_named_when_the_conversation_is_read(fields: Any, path: str) -> None:
    read = request(**fields)
    with pytest.raises(MalformedRequest) as caught:
        _ = read.conversation
    assert caught.value.path == path


def test_json_nested_past_all_sense_is_refused() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(MalformedRequest):
        _ = ANTHROPIC_MESSAGES.decode_request(
            b'{"max_tokens":1,"messages":[{"role":"user","content":%b}]}' % deep, {}
        ).conversation


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "source", "content", "role", "id", "input", "name", "data"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
)
_KINDS = ["text", "image", "document", "thinking", "tool_use", "tool_result", "redacted_thinking", "new"]


@given(
    block=st.dictionaries(st.sampled_from(["text", "source", "content", "input", "id", "name"]), _JSON),
    kind=st.sampled_from(_KINDS),
    tools=_JSON,
    system=_JSON,
)
def test_any_json_is_read_or_refused_but_never_crashes(
    block: Any, kind: str, tools: Any, system: Any
) -> None:
    try:
        content = request(
            messages=[{"role": "user", "content": [{**block, "type": kind}]}], tools=tools, system=system
        ).conversation
    except MalformedRequest:
        return
    assert isinstance(content, Conversation)


_BLOCKS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("text"), "text": st.text(max_size=3)},
        optional={"cache_control": _JSON, "new": _JSON},
    ),
    st.fixed_dictionaries(
        {"type": st.just("tool_use"), "id": st.just("a"), "name": st.just("f"), "input": _JSON},
        optional={"cache_control": _JSON},
    ),
    st.fixed_dictionaries(
        {"type": st.just("tool_result"), "tool_use_id": st.just("a")},
        optional={
            "content": st.none()
            | st.text(max_size=2)
            | st.lists(st.just({"type": "text", "text": "x"}) | st.just({"type": "tool_reference"})),
            "is_error": st.none() | st.booleans(),
            "cache_control": _JSON,
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("thinking"), "thinking": st.text(max_size=2)},
        optional={"signature": st.none() | st.text(max_size=2)},
    ),
)


@given(
    content=st.text(max_size=3) | st.lists(_BLOCKS, max_size=3),
    role=st.sampled_from(["user", "assistant", "system"]),
)
def test_the_quick_reader_reads_what_the_careful_one_reads(content: Any, role: str) -> None:
    raw = msgspec.Raw(json.dumps({"role": role, "content": content}).encode())
    quick = plain_message(raw)
    if quick is not None:
        assert quick == careful_message(raw, "messages[0]")


_TOOLS = st.fixed_dictionaries(
    {"name": st.text(max_size=2)},
    optional={
        "type": st.sampled_from([None, "custom", "bash_20250124"]),
        "description": st.none() | st.text(max_size=2) | st.integers(),
        "input_schema": st.none() | st.dictionaries(st.text(max_size=1), st.integers(), max_size=1),
        "cache_control": st.none() | st.just({"type": "ephemeral"}),
        "strict": st.booleans(),
    },
)


@given(tool=_TOOLS)
def test_the_quick_reader_reads_tools_as_the_careful_one_does(tool: dict[str, Any]) -> None:
    quick = plain_tools(msgspec.Raw(json.dumps([tool]).encode()))
    if quick is not None:
        assert quick == (careful_tool(tool, "tools[0]"),)


@given(contents=st.lists(st.text(max_size=3) | st.lists(_BLOCKS, max_size=3), min_size=1, max_size=3))
def test_messages_read_at_once_are_those_read_one_by_one(contents: list[Any]) -> None:
    messages = [json.dumps({"role": "user", "content": content}).encode() for content in contents]
    at_once = plain_messages(msgspec.Raw(b"[" + b",".join(messages) + b"]"))
    one_by_one = [plain_message(msgspec.Raw(message)) for message in messages]
    assert at_once == (None if None in one_by_one else tuple(one_by_one))


def test_ordinary_messages_are_read_quickly() -> None:
    body = recorded("claude-code-tool-result", "request.json")
    messages = msgspec.json.decode(body)["messages"]
    quick = [plain_message(msgspec.Raw(json.dumps(message).encode())) for message in messages]
    assert [message is not None for message in quick] == [True, False, True, True]
