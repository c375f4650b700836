"""However odd the input, it is refused in our words and never breaks the program."""

import contextlib
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.dialects.dialect import DialectError, Outgoing
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from domain.conversation.built import Built
from domain.conversation.request import ChatRequest, MalformedRequest
from tests.adapters.dialects.openai_chat.chat_streams import ANSWERING, read

KEYS = st.sampled_from(
    [
        "arguments",
        "cache_control",
        "choices",
        "code",
        "content",
        "created",
        "custom",
        "delta",
        "detail",
        "error",
        "file",
        "file_data",
        "finish_reason",
        "function",
        "function_call",
        "id",
        "image_url",
        "index",
        "message",
        "messages",
        "model",
        "n",
        "name",
        "object",
        "parameters",
        "reasoning",
        "role",
        "stop",
        "stream",
        "text",
        "tool_call_id",
        "tool_calls",
        "tool_choice",
        "tools",
        "type",
        "url",
        "usage",
    ]
)
WORDS = st.sampled_from(
    ["", "assistant", "user", "tool", "function", "text", "image_url", "file", "custom", "stop", "a"]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 600)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
MESSAGES = st.lists(
    st.dictionaries(KEYS, JSON, max_size=4).flatmap(
        lambda fields: st.sampled_from(["system", "user", "assistant", "tool", "function"]).map(
            lambda role: fields | {"role": role}
        )
    ),
    min_size=1,
    max_size=3,
)


@given(st.dictionaries(KEYS, JSON, max_size=4), MESSAGES)
def test_a_request_is_understood_or_refused_with_its_place(
    fields: dict[str, Any], messages: list[Any]
) -> None:
    body = json.dumps(fields | {"messages": messages}).encode()

    with contextlib.suppress(MalformedRequest):
        request = OPENAI_CHAT.decode_request(body, {})
        json.loads(
            OPENAI_CHAT.encode_request(Outgoing(request=request, model="m", stream=True, system_suffix="S"))
        )
        for dialect in ("openai_chat", "anthropic_messages"):
            built = ChatRequest(dialect=dialect, model="m", source=Built(request.conversation))
            json.loads(OPENAI_CHAT.encode_request(Outgoing(request=built, model="m", stream=False)))


@given(st.lists(st.dictionaries(KEYS, JSON, max_size=5), max_size=4))
def test_a_stream_is_understood_or_fails_as_a_stream(chunks: list[Any]) -> None:
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)

    with contextlib.suppress(DialectError):
        encoder = OPENAI_CHAT.stream_encoder(ANSWERING)
        for batch in read(stream):
            encoder.send(batch)
        encoder.close()


DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "content": st.none() | WORDS,
        "reasoning": st.none() | WORDS,
        "tool_calls": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": st.none() | st.integers(0, 2),
                    "id": st.none() | st.sampled_from(["", "a", "b"]),
                    "function": st.fixed_dictionaries({}, optional={"name": st.just("x"), "arguments": JSON}),
                },
            ),
            max_size=2,
        ),
    },
)
CHOICES = st.fixed_dictionaries(
    {"delta": DELTAS, "finish_reason": st.none() | st.sampled_from(["stop", "tool_calls", ""])},
    optional={"index": st.integers(0, 1)},
)


@given(st.lists(st.lists(CHOICES, max_size=2), max_size=8), st.booleans())
@example([[{"delta": {}, "finish_reason": "stop", "index": 1}]], False)
def test_whatever_a_server_streams_the_encoder_is_never_misused(
    choices: list[Any], keeps_bytes: bool
) -> None:
    stream = b"".join(b"data: " + json.dumps({"choices": one}).encode() + b"\n\n" for one in choices)

    with contextlib.suppress(DialectError):
        batches = read(stream)
        encoder = OPENAI_CHAT.stream_encoder(ANSWERING)
        for batch in batches:
            encoder.send(batch if keeps_bytes else type(batch)(batch.events))
        encoder.close()


@given(st.binary(max_size=200))
def test_bytes_that_mean_nothing_are_refused(data: bytes) -> None:
    with contextlib.suppress(DialectError):
        read(data)
    with contextlib.suppress(DialectError):
        OPENAI_CHAT.decode_completion(data)
    with contextlib.suppress(MalformedRequest):
        OPENAI_CHAT.decode_request(data, {})


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_a_whole_answer_is_understood_or_fails_as_one(told: dict[str, Any]) -> None:
    with contextlib.suppress(DialectError):
        OPENAI_CHAT.decode_completion(json.dumps(told).encode())
