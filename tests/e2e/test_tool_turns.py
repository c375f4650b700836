"""A turn that calls tools streams live in every dialect, and parallel calls never mix."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.adapters.dialects import sdks
from tests.adapters.dialects.anthropic_messages.legal_stream import told as legal_messages
from tests.e2e.clients import TLS
from tests.e2e.gateway import Gateway
from tests.e2e.stage import KINDS, Kind, Stage
from tests.upstream.behaviours import Answer, Stall

KIND = pytest.mark.parametrize("kind", KINDS)
CLIENT = pytest.mark.parametrize("client", ["openai_chat", "anthropic_messages", "openai_responses"])

LONG_S = 30.0
SOON_S = 5.0
"""What takes milliseconds on an idle machine."""

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_chat": (
        "/v1/chat/completions",
        {
            "messages": [{"role": "user", "content": "Paris and Rome?"}],
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
        },
    ),
    "anthropic_messages": (
        "/v1/messages",
        {
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "Paris and Rome?"}],
            "tools": [{"name": "weather", "input_schema": SCHEMA}],
        },
    ),
    "openai_responses": (
        "/v1/responses",
        {
            "input": "Paris and Rome?",
            "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}],
        },
    ),
}
"""Path and question of each client dialect."""


@contextmanager
def asking(gateway: Gateway, client: str, model: str) -> Iterator[httpx.Response]:
    """A streamed answer whose head is here."""
    path, question = ASKED[client]
    body = {"model": model, "stream": True, **question}
    with httpx.stream("POST", gateway.address + path, json=body, timeout=LONG_S, verify=TLS) as response:
        yield response


@CLIENT
@KIND
def test_arguments_arrive_while_the_upstream_still_writes_them(
    gateway: Gateway, stage: Stage, client: str, kind: Kind
) -> None:
    """The upstream tells that a call begins and half of its arguments, and then falls silent."""
    call = Answer.tool_call("weather", {"city": "Paris"})
    stage.plays(first=Stall(after_events=3, seconds=LONG_S, answer=call))

    with asking(gateway, client, f"first-{kind}") as response:
        seen = ""
        for piece in response.iter_text():
            seen += piece
            if r"\"city\"" in seen:
                break

    assert response.elapsed.total_seconds() < SOON_S
    assert "weather" in seen
    assert "Paris" not in seen


CITIES = ({"city": "Paris"}, {"city": "Rome"})


def interleaved(kind: Kind) -> bytes:
    """Two calls whose arguments come in turns, as servers with parallel slots write them."""
    pieces = [(0, '{"ci'), (1, '{"city"'), (0, 'ty": "Pa'), (1, ': "Ro'), (1, 'me"}'), (0, 'ris"}')]
    return b"".join(_in_chat(pieces) if kind == "openai_compat" else _in_messages(pieces))


def _in_chat(pieces: list[tuple[int, str]]) -> Iterator[bytes]:
    def chunk(delta: Any, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return b"data: " + json.dumps(head | {"choices": [choice]}).encode() + b"\n\n"

    yield chunk({"role": "assistant", "content": None})
    for index in (0, 1):
        function = {"name": "weather", "arguments": ""}
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield chunk({"tool_calls": [call]})
    for index, piece in pieces:
        yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, "tool_calls")
    yield b"data: [DONE]\n\n"


def _in_messages(pieces: list[tuple[int, str]]) -> Iterator[bytes]:
    def frame(type: str, **fields: Any) -> bytes:
        return f"event: {type}\ndata: {json.dumps({'type': type, **fields})}\n\n".encode()

    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
    usage = {"input_tokens": 1, "output_tokens": 1}
    yield frame(
        "message_start", message=message | {"stop_reason": None, "stop_sequence": None, "usage": usage}
    )
    for index in (0, 1):
        block = {"type": "tool_use", "id": f"call_{index}", "name": "weather", "input": {}}
        yield frame("content_block_start", index=index, content_block=block)
    for index, piece in pieces:
        delta = {"type": "input_json_delta", "partial_json": piece}
        yield frame("content_block_delta", index=index, delta=delta)
    for index in (0, 1):
        yield frame("content_block_stop", index=index)
    yield frame("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 9})
    yield frame("message_stop")


@CLIENT
@KIND
@pytest.mark.parametrize("piece", [40, 100_000])
def test_calls_that_are_told_in_turns_come_out_whole_and_apart(
    gateway: Gateway, stage: Stage, client: str, kind: Kind, piece: int
) -> None:
    stream = interleaved(kind)
    stage.plays(first=Answer.raw(*(stream[at : at + piece] for at in range(0, len(stream), piece))))

    with asking(gateway, client, f"first-{kind}") as response:
        answer = response.read()

    heard = sdks.streamed(client, [answer])
    assert [(name, arguments) for _, name, arguments in heard.calls] == [("weather", city) for city in CITIES]
    assert heard.finish in {"tool_calls", "tool_use"}
    if client == "anthropic_messages":  # where one block ends before the next begins
        assert legal_messages(answer).inputs == list(CITIES)
