"""Guards the order of a stream to a client."""

from domain.conversation.reply import (
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    ReplyEvent,
    ReplyStarted,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)


class Order:
    """What may come next: which choices were opened, which tool calls began, which choices have finished."""

    def __init__(self) -> None:
        self._begun = False
        self._passed_on = False
        self._opened: set[int] = set()
        self._calls: set[tuple[int, int]] = set()
        self._finished: set[int] = set()
        self._told: set[int] = set()

    def __repr__(self) -> str:
        return f"told={sorted(self._told)} finished={sorted(self._finished)}"

    def begin(self) -> None:
        if self._begun:
            raise RuntimeError("the answer has begun before")
        self._begun = True

    def end(self) -> None:
        # What tells of an answer's beginning opens its first choice, whoever goes on to speak.
        if not self._finished or self._told | self._opened != self._finished:
            raise RuntimeError(f"the answer is not complete: {self!r}")

    def passed_on(self) -> None:
        """Upstream's own frames have opened whatever choices they tell of."""
        self._passed_on = True

    def opens(self, choice: int) -> bool:
        """Whether this choice has yet to be opened; it then counts as opened."""
        if self._passed_on or choice in self._opened:
            return False
        self._opened.add(choice)
        return True

    def called_tools(self, choice: int) -> bool:
        return any(of == choice for of, _ in self._calls)

    def admit(self, event: ReplyEvent) -> None:
        match event:
            case (
                UsageReported()
                | ReplyStarted()
                | Foreign()
                | PartEnded()
                | ThinkingSigned()
                | RedactedThinking()
            ):
                return
            case ToolCallStarted(call=call, choice=choice) if (choice, call) in self._calls:
                raise RuntimeError(f"tool call {call} has begun before")
            case ToolCallDelta(call=call, choice=choice) if (choice, call) not in self._calls:
                raise RuntimeError(f"tool call {call} has not begun")
            case ToolCallStarted(call=call, choice=choice):
                self._calls.add((choice, call))
            case _:
                pass
        self.tell(event.choice)
        if isinstance(event, Finished):
            self._finished.add(event.choice)

    def tell(self, choice: int) -> None:
        """Words of a choice, or its end."""
        if choice in self._finished:
            raise RuntimeError(f"choice {choice} goes on after it finished")
        self._begun = True
        self._told.add(choice)
