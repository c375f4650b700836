"""Bounds one wait after another in time, with one timer for all of them."""

import asyncio
from types import TracebackType
from typing import Self


class Deadline:
    """
    What `asyncio.timeout_at` does, for many short waits of one task after one another.

    That makes a timer for each wait and cancels it again, which is a good part of what the wait for a piece
    of a stream costs. Here the timer of the first wait stays, and looks when it rings whether the wait of
    that moment is due; where it is not, it is set anew. So a stream of a thousand pieces sets few timers.

    Enter it with `until`; a wait that takes longer ends with `TimeoutError`. `close` it when no wait comes
    any more: until then its timer is kept.
    """

    __slots__ = ("_before", "_loop", "_rings_at", "_timer", "_waiting", "due_at", "has_passed")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._waiting: asyncio.Task[object] | None = None
        self._before = 0
        self.due_at = 0.0
        """When the wait is due, by the loop's clock in seconds."""
        self.has_passed = False
        """Whether the last wait took too long."""

    def __repr__(self) -> str:
        return f"<Deadline {'waited for' if self._waiting else 'at rest'}, due at {self.due_at:g}>"

    def until(self, due_at: float) -> Self:
        """To be entered by the task that waits, and left before it waits for anything else."""
        self.due_at = due_at
        return self

    def move(self, due_at: float) -> None:
        """The wait that is under way is due at another time."""
        self.due_at = due_at
        self._set()

    def close(self) -> None:
        """No wait comes any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Only a task can be kept from waiting for ever")
        self.has_passed = False
        self._before = task.cancelling()
        self._waiting = task
        self._set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._waiting = self._waiting, None
        if not self.has_passed or task is None:
            return
        # Somebody else's cancellation that came meanwhile must not be lost.
        if task.uncancel() <= self._before and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def _set(self) -> None:
        if self._timer is not None and self._rings_at <= self.due_at:
            return
        self.close()
        self._rings_at = self.due_at
        self._timer = self._loop.call_at(self.due_at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._loop.time() < self.due_at:
            self._set()
        elif not self.has_passed:
            self.has_passed = True
            self._waiting.cancel()
