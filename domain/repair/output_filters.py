"""
Cleans the text of answers of what models leak into it: their thinking, and the marks that end their turns.

A filter works on text alone, never on the arguments of calls nor on reasoning that came as such. It works
part by part and choice by choice, and says the same however the text was cut into pieces: of what could be
the beginning of a tag it holds back as much as that, and gives it back when the part ends.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import is_
from types import MappingProxyType
from typing import Protocol

from domain.conversation.reply import (
    Foreign,
    PartEnded,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.repair.stages import Events, Filtered, Remark

_OPENING = "<think>"
_CLOSING = "</think>"
_STOP_MARKERS = (
    "<|turn|>",
    "<|end|>",
    "<|python_tag|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|channel>thought",
)
"""Ends of turns and channels in the templates of Gemma, Phi, Llama, Qwen and gpt-oss."""

_ANY_STOP_MARKER = re.compile("|".join(map(re.escape, _STOP_MARKERS)))


class PartFilter(Protocol):
    """One part of one choice on its way through a filter; `fired` once it has changed anything."""

    fired: bool

    def take(self, delta: TextDelta) -> Events:
        """What becomes of more text; the very same event if it stays as it is."""
        ...

    def end(self) -> Events:
        """What was held back."""
        ...


class OutputFilter:
    """A stage that sends each part of the text through a `PartFilter` of its own."""

    def __init__(self, name: str, begin: Callable[[int], PartFilter]) -> None:
        self._name = name
        self._begin = begin
        self._parts: dict[int, _Part] = {}
        self._fired = False

    def __repr__(self) -> str:
        return f"<OutputFilter {self._name} fired={self._fired}>"

    def feed(self, events: Events) -> Events:
        passed: list[ReplyEvent] = []
        for event in events:
            passed += self._take(event)
        unchanged = len(passed) == len(events) and all(map(is_, passed, events))
        return events if unchanged else tuple(passed)

    def close(self) -> Events:
        return tuple(event for choice in sorted(self._parts) for event in self._end(choice))

    def remarks(self) -> tuple[Remark, ...]:
        return (Filtered(self._name),) if self._fired else ()

    def _take(self, event: ReplyEvent) -> Events:
        match event:
            case TextDelta():
                return self._said(event)
            case ReplyStarted() | UsageReported() | ToolCallDelta() | PartEnded(call=int()):
                return (event,)
            case Foreign(content=content):
                return (*self._end(0), event) if content else (event,)
            case PartEnded(choice=choice):
                part = self._parts.get(choice)
                rest = self._end(choice)
                return (*rest, event) if part is None or part.spoke else ()
            case _:
                return (*self._end(event.choice), event)

    def _said(self, delta: TextDelta) -> Events:
        part = self._parts.get(delta.choice)
        if part is None:
            part = self._parts[delta.choice] = _Part(self._begin(delta.choice))
        told = part.filter.take(delta)
        self._fired = self._fired or part.filter.fired
        part.spoke = part.spoke or bool(told)
        return told

    def _end(self, choice: int) -> Events:
        part = self._parts.pop(choice, None)
        if part is None:
            return ()
        rest = part.filter.end()
        part.spoke = part.spoke or bool(rest)
        return rest


@dataclass(slots=True)
class _Part:
    """A part whose text is coming; one that never `spoke` leaves no trace, not even its end."""

    filter: PartFilter
    spoke: bool = False


class ThinkingStripped:
    """Text without what stands between ``<think>`` and the next ``</think>``, or the end of the part."""

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._held = ""
        self._thinks = False
        self.fired = False

    def take(self, delta: TextDelta) -> Events:
        if not self._held and not self._thinks and "<" not in delta.text:
            return (delta,)
        return _as_it_was(delta, self._split(self._held + delta.text))

    def end(self) -> Events:
        held, self._held = self._held, ""
        return self._told(held)

    def _split(self, text: str) -> Events:
        events: list[ReplyEvent] = []
        while True:
            before, tag, after = text.partition(_CLOSING if self._thinks else _OPENING)
            if not tag:
                ready, self._held = _withheld(text, (_CLOSING if self._thinks else _OPENING,))
                return (*events, *self._told(ready))
            events += self._told(before)
            self._thinks = not self._thinks
            self.fired = True
            text = after

    def _told(self, text: str) -> Events:
        if not text or self._thinks:
            return ()
        return (TextDelta(text, self._choice),)


class ThinkingShown(ThinkingStripped):
    """Text in which what stands between the tags has become thinking of its own."""

    def _told(self, text: str) -> Events:
        if text and self._thinks:
            return (ThinkingDelta(text, self._choice),)
        return super()._told(text)


class StopMarkersStripped:
    """Text without the marks that a template puts at the end of a turn."""

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._held = ""
        self.fired = False

    def take(self, delta: TextDelta) -> Events:
        if not self._held and "<" not in delta.text:
            return (delta,)
        *before, last = _ANY_STOP_MARKER.split(self._held + delta.text)
        self.fired = self.fired or bool(before)
        ready, self._held = _withheld(last, _STOP_MARKERS)
        text = "".join((*before, ready))
        return _as_it_was(delta, (TextDelta(text, self._choice),) if text else ())

    def end(self) -> Events:
        held, self._held = self._held, ""
        return (TextDelta(held, self._choice),) if held else ()


OUTPUT_FILTERS: Mapping[str, Callable[[int], PartFilter]] = MappingProxyType(
    {
        "strip_thinking": ThinkingStripped,
        "strip_stop_markers": StopMarkersStripped,
        "thinking_to_blocks": ThinkingShown,
    }
)
"""What a provider's ``output_filters`` may name."""


def output_filter(name: str) -> OutputFilter:
    """A fresh filter for one reply."""
    return OutputFilter(name, OUTPUT_FILTERS[name])


def _withheld(text: str, tags: tuple[str, ...]) -> tuple[str, str]:
    """The text without, and then with only, an end of it that could yet become a tag."""
    begin = text.rfind("<")  # every tag begins with one and has no other
    if begin >= 0 and any(tag.startswith(text[begin:]) for tag in tags):
        return text[:begin], text[begin:]
    return text, ""


def _as_it_was(delta: TextDelta, told: Events) -> Events:
    """The event that came when its words go on as they were: then it still knows its bytes and its tokens."""
    return (delta,) if told == (TextDelta(delta.text, delta.choice),) else told
