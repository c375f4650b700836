"""Follows an answer as it is told, and notices what comes out of order."""

from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    PartEnded,
    ReplyEvent,
    ReplyStarted,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)


class Telling:
    """
    One answer from its beginning to its end: `disorder` of each batch as it comes, `incompleteness` at last.

    `ReplyStarted` comes first if it comes. A tool call is begun before it is told, and not told after its
    end. Each choice that is begun is finished, once, and says no more.
    """

    def __init__(self) -> None:
        self._began = False
        self._calls: set[tuple[int, int]] = set()
        self._ended_calls: set[tuple[int, int]] = set()
        self._choices: set[int] = set()
        self._finished: set[int] = set()

    def __repr__(self) -> str:
        return f"<Telling of choices {sorted(self._choices)}, finished {sorted(self._finished)}>"

    @property
    def takes_text(self) -> bool:
        """Whether any text may come now: what most events are need not be looked at one by one."""
        return self._began and not self._finished

    def disorder(self, batch: Batch) -> str:
        """What of a sound batch may not come now, in words; empty when all of it may."""
        return next(filter(None, map(self.disorder_of, batch.events)), "")

    def disorder_of(self, event: ReplyEvent) -> str:
        """Likewise, of one event."""
        began, self._began = self._began, True
        match event:
            case ReplyStarted():
                return "ReplyStarted in the midst of the answer" if began else ""
            case UsageReported() | Foreign():
                return ""
            case _ if event.choice in self._finished:
                return f"{type(event).__name__} after choice {event.choice} has finished"
            case Finished():
                self._finished.add(event.choice)
            case ToolCallStarted() | ToolCallDelta() | PartEnded():
                self._choices.add(event.choice)
                return self._disorder_of_call(event)
            case _:
                self._choices.add(event.choice)
        return ""

    def incompleteness(self) -> str:
        """What is missing when nothing more comes, in words; empty when nothing is."""
        if 0 not in self._finished:
            return "the answer ended without Finished"
        open_choices = sorted(self._choices - self._finished)
        return f"the answer ended without Finished for choice {open_choices[0]}" if open_choices else ""

    def _disorder_of_call(self, event: ToolCallStarted | ToolCallDelta | PartEnded) -> str:
        if event.call is None:
            return ""
        call = (event.choice, event.call)
        if isinstance(event, ToolCallStarted):
            is_new = call not in self._calls
            self._calls.add(call)
            return "" if is_new else f"tool call {event.call} begins twice"
        if call not in self._calls:
            return f"{type(event).__name__} of tool call {event.call}, which never began"
        if call in self._ended_calls:
            return f"{type(event).__name__} of tool call {event.call}, which has ended"
        if isinstance(event, PartEnded):
            self._ended_calls.add(call)
        return ""
