"""Knows which requests are being answered, so that a server that stops can wait for them or end them."""

import asyncio
from typing import Any

_LAST_WORDS_S = 3.0
"""How long an ended request may take to close its upstream's connection, and to tell its client."""

_CLEANING_UP_S = 2.0
"""How long it may take after that, when its client does not listen."""


class InFlight:
    """An ASGI application around another. It serves one event loop."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[Any]] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()

    def __repr__(self) -> str:
        return f"<InFlight {len(self._tasks)}>"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        if task is None:  # pragma: no cover - every server runs requests as tasks
            raise RuntimeError("a request is served by a task")
        self._tasks.add(task)
        self._none_left.clear()
        try:
            await self._app(scope, receive, send)
        finally:
            self._tasks.discard(task)
            if not self._tasks:
                self._none_left.set()

    async def finished(self) -> None:
        """Waits until no request is left."""
        await self._none_left.wait()

    async def end(self) -> None:
        """Ends the requests that are left, and waits a while for their last words and their cleaning up."""
        for patience_s in (_LAST_WORDS_S, _CLEANING_UP_S):
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=patience_s)
