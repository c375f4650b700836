"""Finds calls of tools without a result, and results without a call; servers refuse a talk that has any."""

from collections import Counter
from collections.abc import Iterable

from domain.conversation.parts import ToolCall, ToolResult
from domain.conversation.request import Message, Role
from domain.values import value


@value
class Unpaired:
    """How many calls have no result, though the conversation went on, and how many results no call."""

    calls: int
    results: int

    def __bool__(self) -> bool:
        return bool(self.calls or self.results)


def unpaired(messages: Iterable[Message]) -> Unpaired:
    """A result belongs to a call of the assistant's turn before it; each call has one."""
    waiting: Counter[str] = Counter()
    calls = results = 0
    was_assistant = False
    for message in messages:
        if message.role is Role.ASSISTANT:
            if not was_assistant:
                calls += waiting.total()
                waiting.clear()
            waiting.update(part.id for part in message.parts if isinstance(part, ToolCall))
        for result in (part for part in message.parts if isinstance(part, ToolResult)):
            if waiting[result.call_id] > 0:
                waiting[result.call_id] -= 1
            else:
                results += 1
        was_assistant = message.role is Role.ASSISTANT
    return Unpaired(calls if was_assistant else calls + waiting.total(), results)
