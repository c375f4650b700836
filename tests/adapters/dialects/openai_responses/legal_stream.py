"""Says whether a stream of Responses events is one that a strict client would accept, and what it tells."""

import json
from dataclasses import dataclass, field
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from adapters.dialects.sse import SseReader

_EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_LIFE = ("response.created", "response.in_progress")
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_KINDS = {
    "msg": "message",
    "rs": "reasoning",
    "fc": "function_call",
    "ctc": "custom_tool_call",
    "tsc": "tool_search_call",
}


@dataclass
class Told:
    """A stream as a client gathers it; asserts every rule of it on the way."""

    types: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    done: dict[int, dict[str, Any]] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)
    _id: str = ""
    _open: dict[int, "_Open"] = field(default_factory=dict)

    @property
    def items(self) -> list[dict[str, Any]]:
        return [self.done[index] for index in sorted(self.done)]

    @property
    def item_types(self) -> list[str]:
        return [item["type"] for item in self.items]

    @property
    def text(self) -> str:
        return "".join(
            part["text"]
            for item in self.items
            if item["type"] == "message"
            for part in item["content"]
            if part["type"] == "output_text"
        )

    def take(self, event: dict[str, Any]) -> None:
        assert event["sequence_number"] == len(self.types), "numbers count all events without a gap"
        assert not self.final, "nothing follows the end"
        assert self.types or event["type"] == "response.created", "the first event is response.created"
        assert event["type"] != "response.created" or not self.types, "an answer begins once"
        _EVENTS.validate_python(_with_known_code(event))
        self.types.append(event["type"])
        self.events.append(event)
        if event["type"] in (*_LIFE, *_ENDS):
            self._live(event["type"], event["response"])
        else:
            self._grow(event)

    def _live(self, type: str, response: dict[str, Any]) -> None:
        assert response["id"].startswith("resp_")
        assert self._id in {"", response["id"]}, "an answer keeps its id"
        self._id = response["id"]
        if type in _LIFE:
            assert response["status"] == "in_progress"
            assert response["output"] == []
            return
        assert type == f"response.{response['status']}"
        assert response["output"] == self.items, "the end repeats the items"
        assert (response["error"] is not None) == (type == "response.failed")
        assert (response["incomplete_details"] is not None) == (type == "response.incomplete")
        if type != "response.failed":
            assert not self._open, "no item is left open"
        self.final = response

    def _grow(self, event: dict[str, Any]) -> None:
        index = event["output_index"]
        match event["type"]:
            case "response.output_item.added":
                assert index == len(self.done) + len(self._open), "items are numbered in order of appearance"
                self._open[index] = _Open(event["item"])
            case "response.output_item.done":
                self._open.pop(index).check(event["item"])
                self.done[index] = event["item"]
            case _:
                assert event["item_id"] == self._open[index].item["id"], "an event names an open item"
                self._open[index].take(event)


class _Open:
    """An item that grows, rebuilt from its pieces."""

    def __init__(self, item: dict[str, Any]) -> None:
        assert _KINDS[item["id"].split("_")[0]] == item["type"], "an id tells the kind of item"
        self.item = item
        self.parts: list[dict[str, Any]] = []
        self.pieces = ""
        self.is_part_open = False

    def take(self, event: dict[str, Any]) -> None:
        kind = event["type"].removeprefix("response.")
        match kind:
            case "content_part.added" | "reasoning_summary_part.added":
                assert not self.is_part_open, "one part at a time"
                assert self._part_index(event) == len(self.parts)
                self.is_part_open, self.pieces = True, ""
            case "content_part.done" | "reasoning_summary_part.done":
                assert self.is_part_open
                assert event["part"].get("text", event["part"].get("refusal")) == self.pieces != ""
                self.is_part_open = False
                self.parts.append(event["part"])
            case _ if kind.endswith(".delta"):
                assert event["delta"], "no delta is empty"
                assert self.is_part_open or self.item["type"].endswith("_call")
                self.pieces += event["delta"]
            case _ if kind.endswith(".done"):
                said = [event[name] for name in ("text", "refusal", "arguments", "input") if name in event]
                assert said == [self.pieces]
            case _:
                raise AssertionError(f"unexpected {event['type']}")

    def check(self, done: dict[str, Any]) -> None:
        assert not self.is_part_open
        assert (done["id"], done["type"]) == (self.item["id"], self.item["type"])
        match done["type"]:
            case "message":
                assert done["content"] == self.parts != []
            case "reasoning":
                assert done["summary"] == self.parts
                assert self.parts or done["encrypted_content"]
            case "function_call":
                assert (done["arguments"], done["call_id"]) == (self.pieces, self.item["call_id"])
            case "tool_search_call":
                assert done["call_id"] == self.item["call_id"]
            case _:
                assert (done["input"], done["call_id"]) == (self.pieces, self.item["call_id"])

    def _part_index(self, event: dict[str, Any]) -> int:
        return int(event["content_index"] if "content_index" in event else event["summary_index"])


def told_by(stream: bytes) -> Told:
    """
    What a whole stream tells.

    Raises:
        AssertionError: the stream breaks a rule.
    """
    told = Told()
    reader = SseReader()
    for frame in [*reader.feed(stream), *reader.close()]:
        event = json.loads(frame.data)
        assert frame.name.decode() == event["type"], "the name of a frame is the type of its event"
        told.take(event)
    return told


def complete(stream: bytes) -> Told:
    """What a stream tells that must have come to its end."""
    told = told_by(stream)
    assert told.final, "the answer ended"
    return told


def checked_response(body: bytes) -> dict[str, Any]:
    """A whole response that has every field which OpenAI's own types want."""
    told: dict[str, Any] = json.loads(body)
    Response.model_validate(told)
    return told


def _with_known_code(event: dict[str, Any]) -> dict[str, Any]:
    """The SDK's list of codes lacks those by which clients tell a full context or an empty account."""
    if event["type"] != "response.failed":
        return event
    error = {**event["response"]["error"], "code": "server_error"}
    return {**event, "response": {**event["response"], "error": error}}
