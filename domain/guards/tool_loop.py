"""
Recognises an agent that makes the same calls again and again.

Looked at are the latest calls of a conversation, whatever was said between them. They are a loop when they
repeat a pattern: one call over and over, or a few in turns. Two calls are the same when they have the same
name and the same arguments, however these are spelt; ids tell nothing. When the user has spoken since the
last call, the model gets another chance: a session whose loops are ended could not go on otherwise.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from domain.conversation.parts import ToolCall, ToolResult
from domain.conversation.request import ChatRequest, MalformedRequest, Role
from domain.values import value


class LoopAction(StrEnum):
    """What follows when a loop is found: an event, a hint to the model as well, or the end of the request."""

    WARN = "warn"
    INJECT = "inject"
    BREAK = "break"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLoopPolicy:
    """
    What counts as a loop, and what follows.

    Attributes:
        window: how many of the latest calls are looked at.
        threshold: how often the last of them must have been made; 2 or more.
    """

    window: int = 5
    threshold: int = 3
    action: LoopAction = LoopAction.WARN

    @property
    def longest_period(self) -> int:
        """How many calls a pattern may have that repeats often enough within the window."""
        return (self.window - 1) // (self.threshold - 1)


LOOPS_ARE_TOLD = ToolLoopPolicy()
"""Of a profile that has said nothing about it."""


@value(kw_only=True)
class ToolLoop:
    """
    A loop that was found.

    Attributes:
        tool_name: the tool that was called last.
        repeat_count: how often this very call was made within the window.
        period: how many calls the pattern has; 1 for the same call over and over.
    """

    tool_name: str
    repeat_count: int
    period: int


class ToolLoopBroken(Exception):
    """A request is not answered, as that would only go on with a loop."""

    def __init__(self, loop: ToolLoop, profile: str) -> None:
        others = "" if loop.period == 1 else f" in turns with {loop.period - 1} other(s)"
        super().__init__(
            f"tool loop: the model called {loop.tool_name!r} {loop.repeat_count} times with the same"
            f" arguments{others}, and profile {profile!r} ends such runs; say what it shall do instead"
        )
        self.loop = loop


HINT = (
    "You have just made the same tool calls several times over, with the same arguments; they will not give"
    " other results now. Do not make them again: take another approach, another tool or other arguments, or"
    " say what keeps you from going on and ask the user."
)
"""What a model in a loop is told beside its instructions."""


def tool_loop_of(request: ChatRequest, policy: ToolLoopPolicy) -> ToolLoop | None:
    """
    The loop that a request would go on with.

    A request that offers no tools cannot, and is not read; of any other no more is than it takes to see that
    nothing repeats.
    """
    if not request.declares_tools:
        return None
    try:
        return repeated(_latest_calls(request), policy)
    except MalformedRequest:  # whoever speaks the client's language may still make sense of it
        return None


def repeated(latest: Iterable[ToolCall], policy: ToolLoopPolicy) -> ToolLoop | None:
    """The shortest pattern that these calls, the last one first, have repeated often enough."""
    seen: list[ToolCall] = []
    stretches = _stretches(islice(latest, policy.window), policy.longest_period, seen)
    for period, stretch in enumerate(stretches, start=1):
        repeats = -(-stretch // period)
        if repeats >= policy.threshold and stretch >= 2 * period:
            return ToolLoop(tool_name=seen[0].name, repeat_count=repeats, period=period)
    return None


def _stretches(latest: Iterable[ToolCall], longest: int, seen: list[ToolCall]) -> list[int]:
    """
    For each period from 1 to ``longest``, over how many of the calls it holds.

    What was looked at is left in ``seen``; no more is as soon as no period holds.
    """
    stretches = [0] * longest
    holding = list(range(1, longest + 1))
    for call in latest:
        holding = [period for period in holding if period > len(seen) or _same(call, seen[-period])]
        if not holding:
            break
        seen.append(call)
        for period in holding:
            stretches[period - 1] = len(seen)
    return stretches


def _latest_calls(request: ChatRequest) -> Iterator[ToolCall]:
    """Those of the model, the last one first; none when the user has spoken since."""
    has_called = False
    for message in request.source.newest(Role.USER, Role.ASSISTANT):
        if message.role is Role.ASSISTANT:
            calls = [part for part in message.parts if isinstance(part, ToolCall)]
            has_called = has_called or bool(calls)
            yield from reversed(calls)
        elif not has_called and not any(isinstance(part, ToolResult) for part in message.parts):
            return


def _same(one: ToolCall, other: ToolCall) -> bool:
    if one.name != other.name:
        return False
    return one.arguments == other.arguments or _canonical(one.arguments) == _canonical(other.arguments)


def _canonical(arguments: str) -> str:
    """The same text for the same arguments; small models also write what is no JSON."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
