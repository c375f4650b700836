"""Folds a stream of reply events into the whole answer that they tell."""

from collections.abc import Iterable

from domain.conversation.parts import ForeignPart, Logprobs, Part, Refusal, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Choice,
    Completion,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    WeighedText,
    Wire,
)

_EVENT_WEIGHT = 32
"""What the shortest piece of an answer costs, in characters."""

_WEIGHED_TOKEN = 2048
"""What it costs to know how likely a token was, beside a few others."""


def fold(batches: Iterable[Batch]) -> Completion:
    """The whole answer; it keeps its bytes if it came as a single whole body."""
    folding = Folding()
    for batch in batches:
        folding.add(batch)
    return folding.completion()


class Folding:
    """An answer being gathered: `add` batches as they come, then ask for the `completion`."""

    def __init__(self) -> None:
        self._started = ReplyStarted()
        self._usage: Usage | None = None
        self._choices: dict[int, _ChoiceFolding] = {}
        self._wire: Wire | None = None
        self._batches = 0
        self._weight = 0

    def __repr__(self) -> str:
        return f"<Folding choices={sorted(self._choices)} batches={self._batches}>"

    @property
    def weight(self) -> int:
        """About how much memory the answer takes so far, in characters."""
        return self._weight

    def add(self, batch: Batch) -> None:
        self._batches += 1
        self._wire = batch.wire if self._batches == 1 else None
        for event in batch.events:
            self._weight += _EVENT_WEIGHT + _length(event)
            self._take(event)

    def completion(self) -> Completion:
        return Completion(
            id=self._started.id,
            model=self._started.model,
            created=self._started.created,
            choices=tuple(self._choices[index].choice(index) for index in sorted(self._choices)),
            usage=self._usage,
            extensions=self._started.extensions,
            wire=self._wire if self._wire is not None and self._wire.whole else None,
        )

    def _take(self, event: ReplyEvent) -> None:
        match event:
            case ReplyStarted():
                self._started = event
            case UsageReported(usage):
                self._usage = usage
            case Foreign(dialect, payload, content):
                if content:
                    self._choice(0).add_part(ForeignPart(dialect=dialect, payload=payload))
            case _:
                self._choice(event.choice).take(event)

    def _choice(self, index: int) -> "_ChoiceFolding":
        return self._choices.setdefault(index, _ChoiceFolding())


def _length(event: ReplyEvent) -> int:
    match event:
        case WeighedText(text, _, logprobs):
            return len(text) + len(logprobs) * _WEIGHED_TOKEN
        case TextDelta(text) | ThinkingDelta(text) | RefusalDelta(text):
            return len(text)
        case ToolCallDelta(_, arguments):
            return len(arguments)
        case RedactedThinking(words) | ThinkingSigned(words):
            return len(words)
        case Foreign(_, payload):
            return len(payload)
        case _:
            return 0


_ChoiceEvent = (
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


class _ChoiceFolding:
    """One answer's parts in order of appearance; arguments of interleaved calls find their own call."""

    def __init__(self) -> None:
        self._parts: list[_OpenPart | ForeignPart | Thinking] = []
        self._calls: dict[int, _OpenPart] = {}
        self._finish: Finished | None = None

    def take(self, event: _ChoiceEvent) -> None:
        match event:
            case WeighedText(text, _, logprobs):
                said = self._open(Text)
                said.pieces.append(text)
                said.logprobs += logprobs
            case TextDelta(text):
                self._open(Text).pieces.append(text)
            case ThinkingDelta(text):
                self._open(Thinking).pieces.append(text)
            case ThinkingSigned(signature):
                self._open(Thinking).signature = signature
            case RefusalDelta(text):
                self._open(Refusal).pieces.append(text)
            case RedactedThinking(data):
                self._parts.append(Thinking(redacted=data))
            case ToolCallStarted(call, id, name):
                opened = _OpenPart(ToolCall, id=id, name=name)
                self._parts.append(opened)
                self._calls[call] = opened
            case ToolCallDelta(call, arguments):
                self._calls[call].pieces.append(arguments)
            case PartEnded(call):
                self._end(call)
            case Finished():
                self._finish = event

    def add_part(self, part: ForeignPart) -> None:
        self._parts.append(part)

    def choice(self, index: int) -> Choice:
        parts = tuple(part.part() if isinstance(part, _OpenPart) else part for part in self._parts)
        return Choice(parts=parts, finish=self._finish, index=index)

    def _open(self, kind: type[Part]) -> "_OpenPart":
        last = self._parts[-1] if self._parts else None
        if isinstance(last, _OpenPart) and last.kind is kind and not last.ended:
            return last
        opened = _OpenPart(kind)
        self._parts.append(opened)
        return opened

    def _end(self, call: int | None) -> None:
        last = self._parts[-1] if self._parts else None
        if call is None and isinstance(last, _OpenPart):
            last.ended = True


class _OpenPart:
    """A part whose words are still coming."""

    def __init__(self, kind: type[Part], *, id: str = "", name: str = "") -> None:
        self.kind = kind
        self.id = id
        self.name = name
        self.pieces: list[str] = []
        self.logprobs: Logprobs = ()
        self.signature: str | None = None
        self.ended = False

    def part(self) -> Part:
        words = "".join(self.pieces)
        if self.kind is ToolCall:
            return ToolCall(id=self.id, name=self.name, arguments=words)
        if self.kind is Thinking:
            return Thinking(text=words, signature=self.signature)
        if self.kind is Refusal:
            return Refusal(text=words)
        return Text(text=words, logprobs=self.logprobs)
