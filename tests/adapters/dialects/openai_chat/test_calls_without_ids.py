"""A call that came without an id gets one, as clients name it when they tell its result."""

import json

from adapters.dialects.dialect import Answering
from adapters.dialects.openai_chat.reply import encode_completion
from adapters.dialects.openai_chat.stream_encoder import ChatStreamEncoder
from domain.conversation.fold import fold
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyStarted,
    StopReason,
    ToolCallDelta,
    ToolCallStarted,
)

ANSWERING = Answering(model="m", reply_id="abc", created=1)
CALLS = Batch(
    (
        ReplyStarted("chatcmpl-1", "m"),
        ToolCallStarted(0, "", "read"),
        ToolCallDelta(0, "{}"),
        ToolCallStarted(1, "mine", "write"),
        ToolCallDelta(1, "{}"),
        ToolCallStarted(2, "", "read"),
        Finished(StopReason.TOOL_CALLS),
    )
)


def test_in_a_stream() -> None:
    frames = ChatStreamEncoder(ANSWERING).send(CALLS).decode().split("\n\n")

    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames if frame]
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [call["id"] for call in calls if "id" in call] == ["call_abc_0", "mine", "call_abc_2"]


def test_in_a_whole_answer() -> None:
    message = json.loads(encode_completion(fold([CALLS]), ANSWERING))["choices"][0]["message"]

    assert [call["id"] for call in message["tool_calls"]] == ["call_abc_0", "mine", "call_abc_2"]
