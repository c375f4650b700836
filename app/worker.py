"""Makes the application of one worker process, which finds out for itself what to run."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from app.asgi import create_app
from app.container import container_for
from app.launch import find_launch
from app.lifespan import running
from config.settings import process_environment
from infrastructure.interpreter import settle

TARGET = "app.worker:application"
"""How the server names `application`."""


def application() -> ASGIApp:
    """The gateway of this process; what flags said stands in the environment."""
    container = container_for(find_launch(process_environment()))
    return WithLifespan(create_app(container), running(container))


class WithLifespan:
    """An ASGI application that opens something when its server starts and closes it when that stops."""

    def __init__(self, app: ASGIApp, opened: AbstractAsyncContextManager[None]) -> None:
        self._app = app
        self._opened = opened

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
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
