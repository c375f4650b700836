"""Finds the tool calls that a model wrote as text, and tells them as the calls they are."""

from collections.abc import Collection, Iterable, Iterator

from domain.conversation.reply import (
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from domain.conversation.request import Tool
from domain.repair.answer_text import AnswerText, Piece
from domain.repair.stages import Events, Remark, Repaired
from domain.repair.toolbox import Call, Toolbox


class ToolCallRepair:
    """
    A stage that turns text which is a call of one of the request's tools into that call.

    Text is held back only from where a call may begin to where it has become one or cannot any more; then it
    goes on as it came. An answer with calls of the upstream's own making keeps its text.

    Args:
        tools: what the request offers; no other name is ever called.
        json_wanted: the client asked for an answer in JSON, so that JSON is the answer and not a call.
    """

    def __init__(self, tools: Collection[Tool], *, json_wanted: bool = False) -> None:
        self._toolbox = Toolbox(tools)
        self._json_wanted = json_wanted
        self._choices: dict[int, _ChoiceRepair] = {}

    def __repr__(self) -> str:
        return f"<ToolCallRepair {self._toolbox!r} repaired={self.repaired}>"

    @property
    def repaired(self) -> int:
        """How many calls have been found in text."""
        return sum(choice.found for choice in self._choices.values())

    def feed(self, events: Events) -> Events:
        """What to pass on in their place: the very same tuple if nothing changed."""
        told = tuple(passed for event in events for passed in self._take(event))
        same = len(told) == len(events) and all(map(_is, told, events))
        return events if same else told

    def close(self) -> Events:
        """What was held back when the upstream's stream was over."""
        return tuple(event for choice in self._choices.values() for event in choice.close())

    def remarks(self) -> tuple[Remark, ...]:
        forms = {form for choice in self._choices.values() for form in choice.forms}
        return (Repaired(self.repaired, tuple(sorted(forms))),) if forms else ()

    def _take(self, event: ReplyEvent) -> Iterator[ReplyEvent]:
        match event:
            case ReplyStarted() | UsageReported() | Foreign(content=False):
                yield event
            case Foreign():
                yield from self._choice(0).interrupt()
                yield event
            case _:
                yield from self._choice(event.choice).take(event)

    def _choice(self, index: int) -> "_ChoiceRepair":
        if index not in self._choices:
            text = AnswerText(self._toolbox, json_wanted=self._json_wanted)
            self._choices[index] = _ChoiceRepair(index, text)
        return self._choices[index]


_Content = (
    TextDelta
    | ThinkingDelta
    | ThinkingSigned
    | RedactedThinking
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | PartEnded
    | Finished
)


class _ChoiceRepair:
    """One answer: its text is read until the upstream makes a call itself."""

    def __init__(self, index: int, text: AnswerText) -> None:
        self._index = index
        self._text = text
        self._reads = True
        self._text_is_open = False
        self._end_is_due = False
        self.found = 0

    @property
    def forms(self) -> Iterable[str]:
        """How the calls were written that have been found."""
        return self._text.forms

    def take(self, event: _Content) -> Iterator[ReplyEvent]:
        match event:
            case TextDelta():
                yield from self._words(event)
            case PartEnded(None):
                yield from self._end_of_part(event)
            case PartEnded(int(call), choice):
                yield PartEnded(call + self.found, choice) if self.found else event
            case ToolCallStarted(call, id, name, choice):
                yield from self._leave_alone()
                yield ToolCallStarted(call + self.found, id, name, choice) if self.found else event
            case ToolCallDelta(call, arguments, choice):
                yield ToolCallDelta(call + self.found, arguments, choice) if self.found else event
            case Finished():
                yield from self.close()
                yield self._finish(event)
            case _:
                yield from self.interrupt()
                yield event

    def interrupt(self) -> Iterator[ReplyEvent]:
        """Something else is said: what was held is not the end of the answer, so it is no call."""
        yield from self._told(self._text.release())
        yield from self._due_end()

    def close(self) -> Iterator[ReplyEvent]:
        """The text is complete."""
        if self._reads:
            self._reads = False
            yield from self._told(self._text.close())
        yield from self._due_end()

    def _words(self, event: TextDelta) -> Iterator[ReplyEvent]:
        if not self._reads:
            yield event
            return
        if self._end_is_due:
            yield from self.interrupt()
        held = self._text.holds
        pieces = self._text.feed(event.text)
        if not held and pieces == [event.text]:
            self._text_is_open = True
            yield event
        else:
            yield from self._told(pieces)

    def _end_of_part(self, event: PartEnded) -> Iterator[ReplyEvent]:
        """The end waits for the words before it; a text that became calls has had its end."""
        if self._text.holds:
            self._end_is_due = True
        elif self._text_is_open or not self.found:
            self._text_is_open = False
            yield event

    def _due_end(self) -> Iterator[ReplyEvent]:
        if self._end_is_due and self._text_is_open:
            yield PartEnded(choice=self._index)
            self._text_is_open = False
        self._end_is_due = False

    def _leave_alone(self) -> Iterator[ReplyEvent]:
        if self._reads:
            yield from self.interrupt()
            self._reads = False

    def _told(self, pieces: list[Piece]) -> Iterator[ReplyEvent]:
        for piece in pieces:
            if isinstance(piece, str):
                self._text_is_open = True
                yield TextDelta(piece, self._index)
                continue
            if self._text_is_open:
                yield PartEnded(choice=self._index)
                self._text_is_open = False
            for call in piece:
                yield from self._called(call)

    def _called(self, call: Call) -> Iterator[ReplyEvent]:
        """The call without an id: each dialect gives its own to a call that came without."""
        number, self.found = self.found, self.found + 1
        yield ToolCallStarted(number, "", call.name, self._index)
        yield ToolCallDelta(number, call.arguments, self._index)
        yield PartEnded(number, self._index)

    def _finish(self, event: Finished) -> Finished:
        if not self.found or event.reason not in (StopReason.END_TURN, StopReason.STOP_SEQUENCE):
            return event
        return Finished(StopReason.TOOL_CALLS, None, self._index, event.extensions)


def _is(one: ReplyEvent, other: ReplyEvent) -> bool:
    return one is other
