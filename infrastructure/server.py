"""Listens: Granian in this process, with the signals that end it."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def serve(
    app: Any, *, host: str, port: int, ready: Callable[[str], None], drain: Callable[[], Awaitable[None]]
) -> None:
    """
    Serves an ASGI application until a signal comes, then drains and stops.

    Args:
        port: 0 takes any free one.
        ready: called with the address once requests are taken.
        drain: awaited after the first signal, while requests in flight go on; a second signal cuts it short.

    Raises:
        OSError: the address cannot be bound.
    """
    address = _free(host, port)
    _quiet_granian()
    server = Server(
        app,
        address=host,
        port=address,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=1024,
        log_enabled=False,
    )
    asked_to_stop = _signals()
    serving = asyncio.create_task(server.serve(), name="granian")
    stopping = asyncio.create_task(asked_to_stop.wait())
    await _until_listening(host, address, serving)
    ready(f"http://{_in_url(host)}:{address}")
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        asked_to_stop.clear()
        await _first(drain(), asked_to_stop.wait())
        server.stop()
    stopping.cancel()
    await serving


def _signals() -> asyncio.Event:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, received.set)
    return received


async def _first(*waits: Awaitable[Any]) -> None:
    tasks = {asyncio.ensure_future(wait) for wait in waits}
    _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()


def _free(host: str, port: int) -> int:
    """The port if it can be bound, or a free one for 0; so that a port in use is an error with words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        bound: int = probe.getsockname()[1]
        return bound


async def _until_listening(host: str, port: int, serving: "asyncio.Task[None]") -> None:
    """Granian binds on a thread of its own and does not say when."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(reachable, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


def _quiet_granian() -> None:
    """Its own words are not events; what matters of them is told by ours."""
    logging.getLogger("_granian").setLevel(logging.ERROR)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
