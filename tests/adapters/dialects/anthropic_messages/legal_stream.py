"""Says whether a messages stream is one that a strict client would accept, and what it tells."""

import json
from dataclasses import dataclass, field
from typing import Any

from adapters.dialects.sse import SseReader

_GROWS_BY = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
}
_FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}


@dataclass
class Told:
    """A stream as a client gathers it; asserts every rule of it on the way."""

    message: dict[str, Any] = field(default_factory=dict)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    delta: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False
    whole_calls: bool = True
    _is_open: bool = False

    @property
    def inputs(self) -> list[Any]:
        return [json.loads(block["json"] or "{}") for block in self.blocks if block["type"] == "tool_use"]

    @property
    def texts(self) -> list[str]:
        return [block["text"] for block in self.blocks if block["type"] == "text"]

    def take(self, event: dict[str, Any]) -> None:
        assert not self.stopped, "nothing follows message_stop"
        match event:
            case {"type": "ping"}:
                pass
            case {"type": "message_start", "message": message}:
                self._start(message)
            case {"type": "content_block_start", "index": index, "content_block": shown}:
                self._open(index, shown)
            case {"type": "content_block_delta", "index": index, "delta": delta}:
                assert self._is_open, "a delta belongs to an open block"
                assert index == len(self.blocks) - 1
                _grow(self.blocks[-1], delta)
            case {"type": "content_block_stop", "index": index}:
                self._close(index)
            case {"type": "message_delta", "delta": delta, "usage": usage}:
                self._finish(delta, usage)
            case {"type": "message_stop"}:
                assert self.delta, "message_delta comes before message_stop"
                self.stopped = True
            case _:
                raise AssertionError(f"not an event of this dialect: {event}")

    def _start(self, message: dict[str, Any]) -> None:
        assert not self.message, "one message_start"
        assert message["content"] == []
        assert message["stop_reason"] is None
        assert {"input_tokens", "output_tokens"} <= message["usage"].keys()
        self.message = message

    def _open(self, index: int, shown: dict[str, Any]) -> None:
        assert self.message, "message_start comes first"
        assert not self._is_open, "blocks do not overlap"
        assert not self.delta, "no block after message_delta"
        assert index == len(self.blocks), "indices are contiguous"
        self.blocks.append({"json": "", "thinking": "", "text": "", **shown})
        self._is_open = True

    def _close(self, index: int) -> None:
        assert self._is_open
        assert index == len(self.blocks) - 1
        _check_ended(self.blocks[-1], whole_calls=self.whole_calls)
        self._is_open = False

    def _finish(self, delta: dict[str, Any], usage: dict[str, Any]) -> None:
        assert self.message
        assert not self._is_open
        assert not self.delta, "one message_delta"
        assert delta["stop_reason"]
        assert isinstance(usage["output_tokens"], int)
        self.delta, self.usage = delta, usage


def told(data: bytes, *, whole_calls: bool = True) -> Told:
    """
    Gathers a whole stream.

    Args:
        data: from the first byte to the last.
        whole_calls: the JSON of every call is expected to parse.
    """
    so_far = Told(whole_calls=whole_calls)
    for event in SseReader().feed(data):
        body = json.loads(event.data)
        assert event.name.decode() == body["type"]
        so_far.take(body)
    assert so_far.stopped, "the stream ends with message_stop"
    return so_far


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    assert delta["type"] in _GROWS_BY[block["type"]]
    name = _FIELDS.get(delta["type"])
    if name is None:
        return
    assert delta[name], "no empty delta"
    key = "json" if name == "partial_json" else name
    block[key] = block.get(key, "") + delta[name]


def _check_ended(block: dict[str, Any], *, whole_calls: bool) -> None:
    if block["type"] == "text":
        assert block["text"], "no empty text block"
    if block["type"] == "tool_use":
        assert block["id"]
        assert block["name"]
        assert block.get("input", {}) == {}  # llama.cpp leaves it out, and no client minds
        if whole_calls:
            json.loads(block["json"] or "{}")
