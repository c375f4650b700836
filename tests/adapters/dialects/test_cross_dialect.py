"""What is said in one dialect is said in another without loss, as far as both have the words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, Dialect, DialectError, Outgoing
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.fold import fold
from domain.conversation.parts import Image, InlineData, Part, Text, ToolCall, ToolResult
from domain.conversation.reply import Batch, Completion, Finished, ReplyEvent, StopReason, Usage
from domain.conversation.request import ChatRequest, Conversation, Role, Tool
from tests.adapters.dialects.anthropic_messages.legal_stream import told
from tests.adapters.dialects.strategies import batched, cut, legal_replies

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
FAILED = "[the tool failed]"
ANSWERING = Answering(model="asked-for", reply_id="r1", created=1, wants_usage=True)


def passed_through(request: ChatRequest, dialect: Dialect) -> ChatRequest:
    """The request as an upstream of the dialect would read it."""
    body = dialect.encode_request(Outgoing(request=request, model="m", stream=True))
    return dialect.decode_request(body, {})


def parts(content: Conversation, kind: type[Part]) -> list[Any]:
    return [part for message in content.messages for part in message.parts if isinstance(part, kind)]


def results(content: Conversation) -> list[Any]:
    """
    Ids and words; a cache breakpoint may move from the result to its last word, and that a tool failed is a
    word of its own in chat.
    """
    return [
        (
            result.call_id,
            [part.text for part in result.content if isinstance(part, Text) and part.text != FAILED],
        )
        for result in parts(content, ToolResult)
    ]


def words(content: Conversation) -> str:
    return "".join(part.text for part in parts(content, Text))


def streamed(batches: list[Batch], dialect: Dialect) -> bytes:
    encoder = dialect.stream_encoder(ANSWERING)
    return b"".join(encoder.send(batch) for batch in batches) + encoder.close()


def read(dialect: Dialect, *reads: bytes) -> list[Batch]:
    decoder = dialect.stream_decoder()
    batches = [batch for data in reads for batch in decoder.feed(data)]
    return batches + list(decoder.close())


def completes(dialect: Dialect, path: Path) -> bool:
    try:
        read(dialect, path.read_bytes())
    except DialectError:
        return False
    return True


def recordings(dialect: Dialect, name: str) -> list[Path]:
    return sorted((TRANSCRIPTS / dialect.name).glob(f"*/{name}"))


MESSAGES_REQUESTS = recordings(ANTHROPIC_MESSAGES, "request.json")
CHAT_REQUESTS = recordings(OPENAI_CHAT, "request.json")
STREAMS = [
    (dialect, path)
    for dialect in (ANTHROPIC_MESSAGES, OPENAI_CHAT)
    for path in recordings(dialect, "upstream.sse")
    if completes(dialect, path)
]


def of(path: Path | Dialect) -> str:
    return path.parent.name if isinstance(path, Path) else path.name


@pytest.mark.parametrize("path", MESSAGES_REQUESTS, ids=of)
def test_what_a_messages_client_asks_survives_the_way_through_chat_and_back(path: Path) -> None:
    asked = ANTHROPIC_MESSAGES.decode_request(path.read_bytes(), {})
    in_chat = passed_through(asked, OPENAI_CHAT)
    back = passed_through(in_chat, ANTHROPIC_MESSAGES).conversation
    before = asked.conversation
    system = [m for m in before.messages if m.role is Role.SYSTEM]
    for text in (part.text for message in system for part in message.parts if isinstance(part, Text)):
        assert text in words(back)
    assert [m.role for m in back.messages if m.role is not Role.SYSTEM] == [
        m.role for m in before.messages if m.role is not Role.SYSTEM
    ]
    assert [(c.id, c.name, json.loads(c.arguments)) for c in parts(back, ToolCall)] == [
        (c.id, c.name, json.loads(c.arguments)) for c in parts(before, ToolCall)
    ]
    assert results(back) == results(before)
    assert [(t.name, t.description, t.parameters) for t in back.tools if isinstance(t, Tool)] == [
        (t.name, t.description, t.parameters) for t in before.tools if isinstance(t, Tool)
    ]
    assert back.sampling == before.sampling


@pytest.mark.parametrize("path", CHAT_REQUESTS, ids=of)
def test_what_a_chat_client_asks_survives_the_way_through_messages_and_back(path: Path) -> None:
    asked = OPENAI_CHAT.decode_request(path.read_bytes(), {})
    back = passed_through(passed_through(asked, ANTHROPIC_MESSAGES), OPENAI_CHAT).conversation
    before = asked.conversation
    for part in parts(before, Text):
        assert part.text in words(back)
    assert [(c.id, c.name) for c in parts(back, ToolCall)] == [
        (c.id, c.name) for c in parts(before, ToolCall)
    ]
    assert results(back) == results(before)
    assert [t.name for t in back.tools if isinstance(t, Tool)] == [
        t.name for t in before.tools if isinstance(t, Tool)
    ]


def test_parallel_results_with_pictures_survive_the_way_through_chat() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
    call = {"type": "tool_use", "name": "f", "input": {"a": 1}}
    body = {
        "model": "m",
        "max_tokens": 5,
        "messages": [
            {"role": "user", "content": [picture, {"type": "text", "text": "what is it?"}]},
            {"role": "assistant", "content": [{**call, "id": "c1"}, {**call, "id": "c2"}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "c1",
                        "content": [{"type": "text", "text": "one"}, picture],
                    },
                    {"type": "text", "text": "and?"},
                ],
            },
        ],
    }
    asked = ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})
    in_chat = json.loads(OPENAI_CHAT.encode_request(Outgoing(request=asked, model="m", stream=False)))
    assert [m["tool_call_id"] for m in in_chat["messages"] if m["role"] == "tool"] == ["c1", "c2"]
    back = passed_through(passed_through(asked, OPENAI_CHAT), ANTHROPIC_MESSAGES).conversation
    assert [r.call_id for r in parts(back, ToolResult)] == ["c1", "c2"]
    pictures = parts(back, Image) + [
        p for r in parts(back, ToolResult) for p in r.content if isinstance(p, Image)
    ]
    assert [p.source for p in pictures] == [InlineData(media_type="image/png", base64="iVBO")] * 2
    assert back.messages[-1].parts[-1] == Text(text="and?")


@pytest.mark.parametrize(("dialect", "path"), STREAMS, ids=of)
@pytest.mark.parametrize("to", [ANTHROPIC_MESSAGES, OPENAI_CHAT], ids=of)
def test_a_recorded_answer_says_the_same_in_the_other_dialect(
    dialect: Dialect, path: Path, to: Dialect
) -> None:
    data = path.read_bytes()
    batches = read(dialect, *[data[at : at + 100] for at in range(0, len(data), 100)])
    out = streamed([Batch(batch.events) for batch in batches], to)
    if to is ANTHROPIC_MESSAGES:
        told(out, whole_calls="cut" not in path.parent.name)
    before, after = fold(batches), fold(read(to, out))
    if to is not ANTHROPIC_MESSAGES or path.parent.name != "vllm-call":  # there arguments must be an object
        assert shown(after) == shown(before)
    assert counts(after) == counts(before)


def counts(completion: Completion) -> tuple[int, ...]:
    """What both dialects count; one of them has no word for unknown."""
    usage = completion.usage or Usage()
    return (usage.input_tokens or 0, usage.output_tokens or 0, usage.cache_read_tokens or 0)


def shown(completion: Completion) -> list[Any]:
    """What an answer says, in words of both dialects."""
    choice = completion.choices[0]
    finish = choice.finish
    said = [
        (part.name, part.id, part.arguments) if isinstance(part, ToolCall) else part.text
        for part in choice.parts
        if isinstance(part, ToolCall | Text)
    ]
    return [*said, finish and finish.reason]


@given(data=st.data(), events=legal_replies(early_usage=False))
def test_any_answer_survives_the_way_through_both(
    data: st.DataObject, events: tuple[ReplyEvent, ...]
) -> None:
    in_chat = streamed(list(data.draw(batched(events))), OPENAI_CHAT)
    in_messages = streamed(read(OPENAI_CHAT, *data.draw(cut(in_chat))), ANTHROPIC_MESSAGES)
    told(in_messages)
    after = shown(fold(read(ANTHROPIC_MESSAGES, in_messages)))
    before = shown(fold([Batch(events)]))
    if before[-1] == StopReason.CONTENT_FILTER:
        before[-1] = StopReason.REFUSAL
    assert after == before


@given(events=legal_replies(early_usage=False))
def test_any_whole_answer_survives_the_way_through_both(events: tuple[ReplyEvent, ...]) -> None:
    before = fold([Batch(events)])
    in_chat = OPENAI_CHAT.encode_completion(before, ANSWERING)
    in_messages = ANTHROPIC_MESSAGES.encode_completion(
        fold([OPENAI_CHAT.decode_completion(in_chat)]), ANSWERING
    )
    after = fold([ANTHROPIC_MESSAGES.decode_completion(in_messages)])
    calls = [part for part in after.choices[0].parts if isinstance(part, ToolCall)]
    asked = [part for part in before.choices[0].parts if isinstance(part, ToolCall)]
    assert [(c.id, c.name, json.loads(c.arguments)) for c in calls] == [
        (c.id, c.name, json.loads(c.arguments)) for c in asked
    ]
    assert "".join(p.text for p in after.choices[0].parts if isinstance(p, Text)) == "".join(
        p.text for p in before.choices[0].parts if isinstance(p, Text)
    )


def test_a_call_without_arguments_has_an_object_in_chat_too() -> None:
    stream = (
        b'data: {"type":"message_start","message":{"id":"m","model":"x","content":[],"usage":{}}}\n\n'
        b'data: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}\n\n'
        b'data: {"type":"content_block_stop","index":0}\n\n'
        b'data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}\n\n'
        b'data: {"type":"message_stop"}\n\n'
    )
    out = streamed(read(ANTHROPIC_MESSAGES, stream), OPENAI_CHAT)
    completion = fold(read(OPENAI_CHAT, out))
    assert shown(completion) == [("f", "a", "{}"), StopReason.TOOL_CALLS]
    assert completion.choices[0].finish == Finished(StopReason.TOOL_CALLS)


@pytest.mark.parametrize("strict", [True, False])
def test_whether_a_tool_is_strict_survives_the_way_between_responses_and_chat(strict: bool) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": strict}
    request = OPENAI_RESPONSES.decode_request(json.dumps({"input": "hi", "tools": [tool]}).encode(), {})

    there = passed_through(request, OPENAI_CHAT)
    back = json.loads(OPENAI_RESPONSES.encode_request(Outgoing(request=there, model="m", stream=False)))

    (read,) = there.conversation.tools
    assert isinstance(read, Tool)
    assert read.strict is strict
    assert [tool["strict"] for tool in back["tools"]] == [strict]
