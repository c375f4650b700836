"""Streams and answers in the words of Ollama's documentation."""

import json
from collections.abc import Iterable
from typing import Any

from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)

MODEL = "qwen3:8b"
MOMENT = "2026-07-12T22:54:03.408987654Z"
COUNTS = {
    "total_duration": 8_113_331_500,
    "load_duration": 6_396_458,
    "prompt_eval_count": 61,
    "prompt_eval_duration": 398_801_000,
    "eval_count": 468,
    "eval_duration": 7_701_267_000,
}


def line(message: dict[str, Any] | None, **fields: Any) -> bytes:
    chunk: dict[str, Any] = {"model": MODEL, "created_at": MOMENT}
    if message is not None:
        chunk["message"] = {"role": "assistant", "content": "", **message}
    return json.dumps({**chunk, "done": False, **fields}).encode() + b"\n"


def end(reason: str = "stop", **counts: Any) -> bytes:
    return line({}, done=True, done_reason=reason, **(counts or COUNTS))


def call(name: str, arguments: object, **fields: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **fields}


TEXT = line({"content": "The sky "}) + line({"content": "is blue — なぜ?"}) + end()
THINKING = line({"thinking": "Let me see."}) + line({"content": "Blue."}) + end()
TOOLS = (
    line({"content": "I shall look."})
    + line({"tool_calls": [call("get_weather", {"city": "Zürich"}), call("get_time", {})]})
    + line({"tool_calls": [call("get_weather", {"city": "Rom"}, id="call_own")]})
    + end()
)
STREAMS = {"text": TEXT, "thinking": THINKING, "tools": TOOLS}


def read(*reads: bytes) -> list[Batch]:
    decoder = OLLAMA_CHAT.stream_decoder()
    batches = [batch for data in reads for batch in decoder.feed(data)]
    return batches + list(decoder.close())


def events(batches: Iterable[Batch]) -> list[ReplyEvent]:
    return [event for batch in batches for event in batch.events]


def told(reply: Iterable[ReplyEvent]) -> bytes:
    """A legal reply as a server would stream it; calls come whole, thoughts unsigned."""
    written: list[bytes] = []
    arguments: dict[int, str] = {}
    names: dict[int, tuple[str, str]] = {}
    finish = StopReason.END_TURN.value
    counts: dict[str, Any] = {"eval_count": None}
    for event in reply:
        match event:
            case TextDelta(text):
                written.append(line({"content": text}))
            case ThinkingDelta(text):
                written.append(line({"thinking": text}))
            case ToolCallStarted(number, id, name):
                names[number] = (id, name)
                arguments[number] = ""
            case ToolCallDelta(number, more):
                arguments[number] += more
            case Finished(reason):
                finish = {"max_tokens": "length"}.get(reason, "stop")
            case UsageReported(usage):
                counts = {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}
            case ReplyStarted() | PartEnded():
                pass
            case _:
                raise AssertionError(f"Ollama has no words for {event}")
    for number, (known_as, name) in names.items():
        written.append(line({"tool_calls": [call(name, json.loads(arguments[number]), id=known_as)]}))
    return b"".join([*written, end(finish, **counts)])
