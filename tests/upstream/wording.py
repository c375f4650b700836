"""How the two vendors' servers put an answer or an error into bytes, plain and as server-sent events."""

import json
from collections.abc import Iterator
from typing import Protocol

from tests.upstream.behaviours import Answer, Text, ToolCall, Usage

_CREATED_S = 1_741_569_952


class Wording(Protocol):
    """One dialect, spoken by the server's side."""

    def completion(self, answer: Answer, model: str) -> bytes:
        """The whole answer as one JSON document."""

    def frames(self, answer: Answer, model: str, *, wants_usage: bool) -> list[bytes]:
        """The answer as frames, the closing one included."""

    def error(self, status: int, message: str) -> bytes:
        """The body of an error response."""

    def error_frame(self, message: str) -> bytes:
        """An error inside a stream that has begun."""


class OpenAIWording:
    """Chat completions (https://platform.openai.com/docs/api-reference/chat)."""

    def completion(self, answer: Answer, model: str) -> bytes:
        texts = [part.text for part in answer.parts if isinstance(part, Text)]
        calls = [part for part in answer.parts if isinstance(part, ToolCall)]
        message: dict[str, object] = {"role": "assistant", "content": "".join(texts) if texts else None}
        if calls:
            message["tool_calls"] = [_openai_call(call) for call in calls]
        choice: dict[str, object] = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": answer.finish,
        }
        return _json(
            {
                "id": "chatcmpl-scripted",
                "object": "chat.completion",
                "created": _CREATED_S,
                "model": model,
                "choices": [choice],
                "usage": _openai_usage(answer.usage),
            }
        )

    def frames(self, answer: Answer, model: str, *, wants_usage: bool) -> list[bytes]:
        deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}, *_openai_deltas(answer)]
        choices: list[dict[str, object]] = [
            {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
        ]
        choices.append({"index": 0, "delta": {}, "finish_reason": answer.finish})
        chunks = [_openai_chunk(model, choices=[choice]) for choice in choices]
        if wants_usage:
            chunks.append(_openai_chunk(model, choices=[], usage=_openai_usage(answer.usage)))
        return [*(b"data: " + chunk + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n"]

    def error(self, status: int, message: str) -> bytes:
        kind = _OPENAI_ERRORS.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return _json({"error": {"message": message, "type": kind, "param": None, "code": None}})

    def error_frame(self, message: str) -> bytes:
        return b"data: " + self.error(500, message) + b"\n\n"


class AnthropicWording:
    """Messages (https://docs.anthropic.com/en/api/messages and /messages-streaming)."""

    def completion(self, answer: Answer, model: str) -> bytes:
        return _json(_anthropic_message(answer, model))

    def frames(self, answer: Answer, model: str, *, wants_usage: bool) -> list[bytes]:
        blocks = (frame for index, part in enumerate(answer.parts) for frame in _anthropic_block(index, part))
        ending = {"stop_reason": _STOP_REASONS[answer.finish], "stop_sequence": None}
        usage = {"output_tokens": answer.usage.completion}
        return [
            _anthropic_frame("message_start", message=_anthropic_opening(answer, model)),
            *blocks,
            _anthropic_frame("message_delta", delta=ending, usage=usage),
            _anthropic_frame("message_stop"),
        ]

    def error(self, status: int, message: str) -> bytes:
        kind = _ANTHROPIC_ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return _json({"type": "error", "error": {"type": kind, "message": message}})

    def error_frame(self, message: str) -> bytes:
        return _anthropic_frame("error", error={"type": "overloaded_error", "message": message})


_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_OPENAI_ERRORS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_ANTHROPIC_ERRORS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
"""Error types by status; Anthropic's from https://docs.anthropic.com/en/api/errors."""


def _openai_call(call: ToolCall) -> dict[str, object]:
    return {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _openai_deltas(answer: Answer) -> Iterator[dict[str, object]]:
    calls_said = 0
    for part in answer.parts:
        if isinstance(part, Text):
            for word in _words(part.text):
                yield {"content": word}
            continue
        opening = _openai_call(ToolCall(part.name, "", part.call_id))
        yield {"tool_calls": [{"index": calls_said, **opening}]}
        for piece in _halves(part.arguments):
            yield {"tool_calls": [{"index": calls_said, "function": {"arguments": piece}}]}
        calls_said += 1


def _openai_chunk(model: str, **fields: object) -> bytes:
    return _json(
        {
            "id": "chatcmpl-scripted",
            "object": "chat.completion.chunk",
            "created": _CREATED_S,
            "model": model,
            **fields,
        }
    )


def _openai_usage(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }


def _anthropic_message(answer: Answer, model: str) -> dict[str, object]:
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [_anthropic_content(part) for part in answer.parts],
        "stop_reason": _STOP_REASONS[answer.finish],
        "stop_sequence": None,
        "usage": _anthropic_usage(answer.usage),
    }


def _anthropic_opening(answer: Answer, model: str) -> dict[str, object]:
    usage = {**_anthropic_usage(answer.usage), "output_tokens": 1}
    return {**_anthropic_message(answer, model), "content": [], "stop_reason": None, "usage": usage}


def _anthropic_usage(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
    }


def _anthropic_content(part: Text | ToolCall) -> dict[str, object]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    # `input` is an object in this dialect; arguments that are broken on purpose can only be streamed.
    return {"type": "tool_use", "id": part.call_id, "name": part.name, "input": json.loads(part.arguments)}


def _anthropic_block(index: int, part: Text | ToolCall) -> Iterator[bytes]:
    opening: dict[str, object]
    deltas: list[dict[str, str]]
    if isinstance(part, Text):
        opening = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": word} for word in _words(part.text)]
    else:
        opening = {"type": "tool_use", "id": part.call_id, "name": part.name, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _halves(part.arguments)]
    yield _anthropic_frame("content_block_start", index=index, content_block=opening)
    for delta in deltas:
        yield _anthropic_frame("content_block_delta", index=index, delta=delta)
    yield _anthropic_frame("content_block_stop", index=index)


def _anthropic_frame(event: str, **fields: object) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + _json({"type": event, **fields}) + b"\n\n"


def _words(text: str) -> list[str]:
    first, *others = text.split(" ")
    return [first, *(" " + word for word in others)]


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [piece for piece in (text[:middle], text[middle:]) if piece]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
