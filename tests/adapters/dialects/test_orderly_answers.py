"""An answer that is told in order can be told in every dialect, however odd it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.fold import fold
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.conversation.telling import Telling

REQUESTS = {
    OPENAI_CHAT: b'{"messages":[{"role":"user","content":"Hi."}]}',
    ANTHROPIC_MESSAGES: b'{"max_tokens":5,"messages":[{"role":"user","content":"Hi."}]}',
    OPENAI_RESPONSES: b'{"input":"Hi."}',
}
EVENTS: list[ReplyEvent] = [
    ReplyStarted("id", "model", 1),
    TextDelta("words"),
    TextDelta(""),
    TextDelta("other", choice=1),
    ThinkingDelta("thoughts"),
    ThinkingSigned("signature"),
    RedactedThinking("sealed"),
    RefusalDelta("no"),
    ToolCallStarted(0, "call-0", "look"),
    ToolCallStarted(1, "", ""),
    ToolCallDelta(0, '{"a'),
    ToolCallDelta(1, '{"a'),
    ToolCallDelta(0, "{}"),
    PartEnded(),
    PartEnded(call=0),
    UsageReported(Usage(input_tokens=1)),
    Finished("end_turn"),
    Finished("a word of the vendor's", choice=1),
    Foreign("another_dialect", b"{}", content=True),
]


@st.composite
def orderly(draw: st.DrawFn) -> list[Batch]:
    """Events in any order that `Telling` lets pass, and the ends that are missing."""
    telling, batches = Telling(), []
    drawn = draw(st.lists(st.sampled_from(EVENTS), max_size=12))
    for event in [*drawn, Finished("end_turn"), Finished("end_turn", choice=1)]:
        batch = Batch((event,))
        if not telling.disorder(batch):
            batches.append(batch)
    return batches


@pytest.mark.parametrize("dialect", REQUESTS, ids=lambda dialect: dialect.name)
@settings(max_examples=300)
@given(orderly())
def test_it_can_be_told_streamed_and_whole(dialect: Dialect, batches: list[Batch]) -> None:
    request = dialect.decode_request(REQUESTS[dialect], {})
    answering = Answering(model="m", reply_id="r", created=1, request=request)
    encoder = dialect.stream_encoder(answering)

    assert b"".join([*map(encoder.send, batches), encoder.close()])
    assert dialect.encode_completion(fold(batches), answering)
