"""How long one attempt may keep its client waiting."""

import asyncio
from math import inf

from app.use_cases.deadline import Deadline
from domain.health.pace import Pace
from domain.routing.targets import Timeouts


class Patience:
    """
    How long an attempt that begins now may take, in times of the running loop's clock in seconds.

    Attributes:
        deadline: for each wait of the attempt; whoever ends the attempt closes it.
    """

    __slots__ = ("_ends_at", "_first_by", "_loop", "deadline", "pace", "timeouts")

    def __init__(self, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        self.timeouts = timeouts
        self.deadline = Deadline()
        least = timeouts.least_tokens_per_s
        self.pace = None if least is None else Pace(least)
        now = self._loop.time()
        self._ends_at = inf if timeouts.total_s is None else now + timeouts.total_s
        self._first_by = min(now + timeouts.ttft_s, self._ends_at)

    def __repr__(self) -> str:
        return f"<Patience {self.timeouts}>"

    def for_first(self) -> float:
        """When the first content is due."""
        return self._first_by

    def for_next(self) -> float:
        """When the next piece is due that is waited for from now on."""
        return min(self._loop.time() + self.timeouts.idle_s, self._ends_at)

    def now(self) -> float:
        """The time by the same clock."""
        return self._loop.time()

    def missed(self, due_at: float) -> str:
        """Which deadline ended the wait for the first content, by when it was due."""
        if due_at < self._first_by:
            return f"silent for {self.timeouts.idle_s:g} s before any content"
        if self._first_by == self._ends_at:
            return f"no content within the {self.timeouts.total_s:g} s of the whole answer"
        return f"no content within {self.timeouts.ttft_s:g} s"

    def in_words(self) -> str:
        """Why it has run out in the midst of an answer."""
        if self._loop.time() >= self._ends_at:
            return f"the answer was not complete within {self.timeouts.total_s:g} s"
        return f"silent for {self.timeouts.idle_s:g} s in the midst of the answer"


def is_being_cancelled(error: BaseException | None) -> bool:
    """Whether it is this task that is to end; an adapter may raise the same of its own accord."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
