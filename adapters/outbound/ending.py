"""Ends a task that may not want to end."""

import asyncio

CLOSING_S = 1.0
"""How long somebody else's code may take to end when it is told to."""


async def end(task: "asyncio.Task[object]") -> None:
    """
    Ends a task, or leaves it behind: whoever ignores one cancellation ignores the next.

    A loop that stops cancels its tasks and waits for all of them, for this one in vain. So it is struck off
    the list (docs.python.org/3/library/asyncio-extending.html, "Task lifetime support").
    """
    task.cancel()
    await asyncio.wait({task}, timeout=CLOSING_S)
    if not task.done():
        asyncio._unregister_task(task)  # noqa: SLF001  documented, for all its underscore
