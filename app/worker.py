"""Makes the application of one worker process, which finds out for itself what to run."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from app.asgi import create_app
from app.container import container_for
from app.launch import find_launch
from app.lifespan import running
from config.settings import process_environment
from infrastructure.interpreter import settle
from infrastructure.worker_processes import leave_with_parent

TARGET = "app.worker:application"
"""How the server names `application`."""


def application() -> ASGIApp:
    """The gateway of this process; what flags said stands in the environment."""
    environment = process_environment()
    container = container_for(find_launch(environment))
    return WithLifespan(create_app(container), running(container), environment)


class WithLifespan:
    """An ASGI application that opens something when its worker starts and closes it when that stops."""

    def __init__(
        self, app: ASGIApp, opened: AbstractAsyncContextManager[None], environment: Mapping[str, str]
    ) -> None:
        self._app = app
        self._opened = opened
        self._environment = environment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._live(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(
        self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        await receive()
        async with self._opened:
            settle()
            watching = asyncio.create_task(leave_with_parent(self._environment))
            await send({"type": "lifespan.startup.complete"})
            await receive()
            watching.cancel()
        await send({"type": "lifespan.shutdown.complete"})
