"""A request is as large as everything it says."""

import base64
from dataclasses import replace

import pytest

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
from domain.conversation.request import Conversation, ForeignTool, Message, Role, Tool
from domain.tokens.pictures import MOST_TOKENS
from domain.tokens.request import PAGE, TOOLS_PREAMBLE, request_tokens

HELLO = Conversation(messages=(Message(role=Role.USER, parts=(Text(text="hello"),)),))


def letters(text: str) -> int:
    """A counter that makes sums easy to read: every character is a token."""
    return len(text)


def with_part(part: Part) -> int:
    """What the part adds to a conversation."""
    message = Message(role=Role.USER, parts=(Text(text="hello"), part))
    return request_tokens(Conversation(messages=(message,)), letters) - request_tokens(HELLO, letters)


def sound(size: int) -> bytes:
    return b'{"type":"input_audio","input_audio":{"data":"%s"}}' % (b"A" * size)


def file(media_type: str, content: bytes) -> Document:
    return Document(source=InlineData(media_type=media_type, base64=base64.b64encode(content).decode()))


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (Text(text="ten tokens"), 10),
        (Thinking(text="thought", signature="x" * 1000), 7),
        (Thinking(redacted="sealed"), 6),
        (Refusal(text="no"), 2),
        (Image(source=Link(url="https://example.org")), MOST_TOKENS),
        (ForeignPart(dialect="other", payload=b"12345"), 5),
        (ForeignPart(dialect="openai_chat", payload=sound(10_000)), 6),
        (Document(source=Text(text="twelve words"), title="title"), 17),
        (file("text/plain", b"0123456789"), 10),
        (file("application/pdf", b"/Type /Page x /Type/Pages /Type /Page"), 2 * PAGE),
        (file("application/pdf", bytes(120_000)), 3 * PAGE),
        (Document(source=FileReference(file_id="file_1")), PAGE),
        (Document(source=InlineData(media_type="application/pdf", base64="*")), PAGE),
    ],
)
def test_each_part_counts(part: Part, tokens: int) -> None:
    assert with_part(part) == tokens


def test_calls_and_results_count_with_what_frames_them() -> None:
    call = ToolCall(id="call_1", name="read", arguments='{"path":"/etc/hosts"}')
    result = ToolResult(call_id="call_1", content=(Text(text="localhost"), Image(source=Link(url="x"))))

    assert with_part(call) > len("read") + len('{"path":"/etc/hosts"}')
    assert with_part(result) > len("localhost") + MOST_TOKENS


def test_instructions_count_like_turns() -> None:
    system = Message(role=Role.SYSTEM, parts=(Text(text="Be brief."),))
    instructed = replace(HELLO, messages=(system, *HELLO.messages))

    assert request_tokens(instructed, letters) >= request_tokens(HELLO, letters) + len("Be brief.")


def test_tools_count_with_their_schemas() -> None:
    tool = Tool(
        name="weather",
        description="The weather.",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}},
    )
    foreign = ForeignTool(dialect="anthropic_messages", payload=b'{"type":"web_search"}')
    bare = request_tokens(HELLO, letters) + TOOLS_PREAMBLE
    schema = '{"type":"object","properties":{"city":{"type":"string"}}}'

    assert request_tokens(replace(HELLO, tools=(tool,)), letters) >= bare + len(schema) + len("weather")
    assert request_tokens(replace(HELLO, tools=(foreign,)), letters) >= bare + len(foreign.payload)
