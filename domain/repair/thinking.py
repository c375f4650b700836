"""Leaves out reasoning that its client has no place for."""

from domain.conversation.reply import (
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallStarted,
)
from domain.repair.stages import Dropped, Events, Loss, Remark

_FIELDS = ("reasoning", "reasoning_content")


class ReasoningDropped:
    """
    A stage that takes thinking out, and tells of the fields in which it came.

    OpenAI Chat Completions has no field for reasoning; servers that speak it say ``reasoning_content``
    (DeepSeek, llama.cpp) or ``reasoning`` (OpenRouter, vLLM) all the same.
    """

    def __init__(self) -> None:
        self._thinking: set[int] = set()
        self._fired = False

    def __repr__(self) -> str:
        return f"<ReasoningDropped fired={self._fired}>"

    def feed(self, events: Events) -> Events:
        kept = tuple(event for event in events if self._keeps(event))
        return events if len(kept) == len(events) else kept

    def close(self) -> Events:
        return ()

    def remarks(self) -> tuple[Remark, ...]:
        return (Dropped(_FIELDS, Loss.NON_STANDARD_FIELD),) if self._fired else ()

    def _keeps(self, event: ReplyEvent) -> bool:
        """The end of a part goes with it."""
        match event:
            case (
                ThinkingDelta(choice=choice) | ThinkingSigned(choice=choice) | RedactedThinking(choice=choice)
            ):
                self._thinking.add(choice)
                self._fired = True
                return False
            case TextDelta(choice=choice) | RefusalDelta(choice=choice) | ToolCallStarted(choice=choice):
                self._thinking.discard(choice)
                return True
            case PartEnded(call=None, choice=choice):
                return choice not in self._thinking
            case _:
                return True
