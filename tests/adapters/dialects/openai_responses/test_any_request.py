"""Whatever a client sends is understood or refused as the client's fault, and never a fault of ours."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, Dialect, Outgoing
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.dialects.sse import SseReader
from domain.conversation.built import Built
from domain.conversation.reply import Batch, Finished, ToolCallDelta, ToolCallStarted
from domain.conversation.request import ChatRequest, MalformedRequest

WHOLE: dict[str, Any] = {
    "model": "m",
    "instructions": "I",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "T"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/y.png"}]},
        {"role": "user", "content": [{"type": "input_file", "filename": "n", "file_data": "AAAA"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "R"}], "encrypted_content": "E"},
        {"type": "function_call", "call_id": "a", "namespace": "n", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "c", "input": "I"},
        {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "O"}]},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "O"},
        {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {}},
        {"type": "tool_search_output", "call_id": "s", "tools": [{"type": "function", "name": "found"}]},
    ],
    "tools": [
        {"type": "function", "name": "f", "description": "D", "parameters": {"type": "object"}},
        {"type": "namespace", "name": "n", "description": "D", "tools": [{"type": "function", "name": "f"}]},
        {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "tool_search", "execution": "client", "description": "D", "parameters": {}},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    "parallel_tool_calls": True,
    "temperature": 0.5,
    "max_output_tokens": 5,
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    "stream": True,
    "store": False,
}

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """The value with something else in one place of it."""
    keys = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    if not keys or draw(st.integers(0, 5)) == 0:
        return draw(VALUES)
    key = draw(st.sampled_from(keys))
    copy = value.copy()
    copy[key] = draw(damaged(value[key]))
    return copy


@given(damaged(WHOLE))
def test_a_damaged_request_is_served_or_refused_for_a_reason(body: Any) -> None:
    try:
        asked = OPENAI_RESPONSES.decode_request(json.dumps(body).encode(), {})
        built = ChatRequest(dialect=asked.dialect, model="m", source=Built(asked.conversation))
    except MalformedRequest:
        return
    for request in (asked, built):
        for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES):
            send(request, dialect)
        answer(request)


def send(request: ChatRequest, dialect: Dialect) -> None:
    with suppress(MalformedRequest):
        json.loads(dialect.encode_request(Outgoing(request=request, model="m", stream=True)))


def answer(request: ChatRequest) -> None:
    names = [tool.name for tool in request.conversation.tools if hasattr(tool, "name")]
    calls = [
        event
        for number, name in enumerate(names)
        for event in (
            ToolCallStarted(number, f"call_{number}", name),
            ToolCallDelta(number, '{"input": "x"}'),
        )
    ]
    encoder = OPENAI_RESPONSES.stream_encoder(
        Answering(model="m", reply_id="ours", created=1, request=request)
    )
    stream = encoder.send(Batch((*calls, Finished("tool_calls")))) + encoder.close()
    told = [json.loads(event.data) for event in SseReader().feed(stream)]
    assert len(told[-1]["response"]["output"]) == len(names)
