"""Keeps what runs in the background going, whatever happens to it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from app.use_cases.faults import internal_fault
from app.use_cases.patience import is_being_cancelled
from domain.ports.observation import EventSink
from domain.ports.time import Clock

Chore: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""What begins anew each time that it is called, and goes on until it is done or cancelled."""

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
"""Also how long a chore must have gone well for the next pause to be the first one again."""


async def kept_going(
    chore: Chore,
    sink: EventSink,
    clock: Clock,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    A chore until it is done, or this is cancelled.

    One that comes upon a bug of ours says so, and is begun again after a pause that doubles each time.
    """
    pause_s = 0.0
    while True:
        began_at = clock.monotonic()
        try:
            # In a task of its own: a group of tasks that fails leaves the task that it is in marked as
            # cancelled (CPython 3.11), and by that mark is told who shall end.
            return await asyncio.create_task(chore())
        except (Exception, asyncio.CancelledError) as error:
            if is_being_cancelled(error):
                raise
            sink.emit(internal_fault(error, ""))
            if _shall_end():
                raise
        pause_s = _next_pause_s(pause_s, clock.monotonic() - began_at)
        await pause(pause_s)


def _shall_end() -> bool:
    """Whether a chore came upon the bug while it was told to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _next_pause_s(last_s: float, went_well_s: float) -> float:
    if went_well_s >= _LONGEST_PAUSE_S:
        return _FIRST_PAUSE_S
    return max(_FIRST_PAUSE_S, min(2 * last_s, _LONGEST_PAUSE_S))
