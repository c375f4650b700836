"""The vendors' official SDKs as readers of our bytes, without a network."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from anthropic import Anthropic
from openai import LengthFinishReasonError, OpenAI

from adapters.dialects.anthropic_messages.words import NAME as MESSAGES
from adapters.dialects.openai_chat.wire import NAME as CHAT
from adapters.dialects.openai_responses.words import NAME as RESPONSES

HELLO: Any = [{"role": "user", "content": "hi"}]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a program is told by an SDK: thinking where the SDK has a place for it, words, calls, the end."""

    thinking: str
    text: str
    calls: tuple[tuple[str, str, Any], ...]
    finish: str


def streamed(dialect: str, reads: Iterable[bytes]) -> Heard:
    """
    What the SDK's own stream helper gathers.

    Raises:
        whatever the SDK raises at a stream that it does not like.
    """
    return _HELPERS[dialect](_Reads(reads), "text/event-stream")


def whole(dialect: str, body: bytes) -> Heard:
    """What the SDK reads in a whole answer."""
    return _READERS[dialect](_Reads([body]), "application/json")


class _Reads(httpx2.SyncByteStream):
    def __init__(self, reads: Iterable[bytes]) -> None:
        self._reads = reads

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._reads)


def _openai(reads: _Reads, content_type: str) -> OpenAI:
    http = _http(reads, content_type)
    return OpenAI(api_key="none", base_url="http://gateway.test/v1", max_retries=0, http_client=http)


def _anthropic(reads: _Reads, content_type: str) -> Anthropic:
    http = _http(reads, content_type)
    return Anthropic(api_key="none", base_url="http://gateway.test", max_retries=0, http_client=http)


def _http(reads: _Reads, content_type: str) -> httpx2.Client:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": content_type}, stream=reads)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def _chat_stream(reads: _Reads, content_type: str) -> Heard:
    with (
        _openai(reads, content_type) as client,
        client.chat.completions.stream(model="m", messages=HELLO) as stream,
    ):
        try:
            for _ in stream:
                pass
            return _chat(stream.get_final_completion())
        except LengthFinishReasonError as cut:  # how the helper tells that an answer was cut short
            return _chat(cut.completion)


def _chat_whole(reads: _Reads, content_type: str) -> Heard:
    with _openai(reads, content_type) as client:
        return _chat(client.chat.completions.create(model="m", messages=HELLO))


def _chat(completion: Any) -> Heard:
    (choice,) = completion.choices
    message = choice.message
    calls = [(c.id, c.function.name, _parsed(c.function.arguments)) for c in message.tool_calls or ()]
    thinking = (message.model_extra or {}).get("reasoning_content") or ""
    return Heard(thinking, message.content or "", tuple(calls), choice.finish_reason)


def _messages_stream(reads: _Reads, content_type: str) -> Heard:
    with (
        _anthropic(reads, content_type) as client,
        client.messages.stream(model="m", max_tokens=5, messages=HELLO) as stream,
    ):
        for _ in stream:
            pass
        return _message(stream.get_final_message())


def _messages_whole(reads: _Reads, content_type: str) -> Heard:
    with _anthropic(reads, content_type) as client:
        return _message(client.messages.create(model="m", max_tokens=5, messages=HELLO))


def _message(message: Any) -> Heard:
    thinking = "".join(block.thinking for block in message.content if block.type == "thinking")
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = [(b.id, b.name, b.input) for b in message.content if b.type == "tool_use"]
    return Heard(thinking, text, tuple(calls), message.stop_reason)


def _responses_stream(reads: _Reads, content_type: str) -> Heard:
    final = None
    with (
        _openai(reads, content_type) as client,
        client.responses.stream(model="m", input="hi") as stream,
    ):
        for event in stream:
            if event.type in {"response.completed", "response.incomplete"}:
                final = event.response
    assert final is not None, "the stream had no last word"
    return _response(final)


def _responses_whole(reads: _Reads, content_type: str) -> Heard:
    with _openai(reads, content_type) as client:
        return _response(client.responses.create(model="m", input="hi"))


def _response(response: Any) -> Heard:
    text, thinking, calls = "", "", []
    for item in response.output:
        if item.type == "message":
            text += "".join(part.text for part in item.content if part.type == "output_text")
        elif item.type == "reasoning":
            thinking += "".join(part.text for part in item.content or item.summary)
        elif item.type == "function_call":
            calls.append((item.call_id, item.name, _parsed(item.arguments)))
    reason = response.incomplete_details.reason if response.incomplete_details else ""
    return Heard(thinking, text, tuple(calls), reason or ("tool_calls" if calls else "stop"))


def _parsed(arguments: str) -> Any:
    """Arguments; what is cut short stays text."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


_Reader = Callable[[_Reads, str], Heard]
_HELPERS: Mapping[str, _Reader] = {
    CHAT: _chat_stream,
    MESSAGES: _messages_stream,
    RESPONSES: _responses_stream,
}
_READERS: Mapping[str, _Reader] = {
    CHAT: _chat_whole,
    MESSAGES: _messages_whole,
    RESPONSES: _responses_whole,
}
