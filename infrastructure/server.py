"""Listens: Granian in this process, with the signals that end it."""

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from infrastructure.in_flight import InFlight

SIGNALS = (signal.SIGTERM, signal.SIGINT)

MOST_AT_ONCE = 8192
"""Requests in one process beyond which new connections wait; a stream is one for as long as it lasts."""

_CLOSING_S = 5.0
"""How long the server may take to close connections on which nothing is asked."""

_LOOPBACK_OF_ANY = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "::1"})  # noqa: S104  looked up, not bound
"""Where to knock when every address is bound."""


async def serve(
    app: Any,
    *,
    host: str,
    port: int,
    ready: Callable[[str], None],
    stopping: Callable[[], None],
    drain_timeout_s: float,
) -> None:
    """
    Serves an ASGI application until SIGTERM or SIGINT comes; requests in flight are finished first.

    Args:
        port: 0 takes any free one.
        ready: called with the address once requests are taken.
        stopping: called when the signal comes. Until all is finished connections are still taken, so
            that whoever looks can be told; turning new work away is the application's part.
        drain_timeout_s: how long requests in flight may go on; a second signal ends them at once.

    Raises:
        OSError: the address cannot be bound.
    """
    address, bound = bindable(host, port)
    in_flight = InFlight(app)
    server = Server(
        in_flight,
        address=address,
        port=bound,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=2048,
        backpressure=MOST_AT_ONCE,
        log_enabled=False,
    )
    signalled = _signals()
    serving = asyncio.create_task(server.serve(), name="granian")
    await _until_listening(address, bound, serving)
    ready(in_url(host, bound))
    await _first(serving, signalled.wait())
    signalled.clear()
    stopping()
    finished = asyncio.create_task(in_flight.finished())
    with suppress(TimeoutError):
        async with asyncio.timeout(drain_timeout_s):
            await _first(finished, signalled.wait())
    finished.cancel()
    await in_flight.end()
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({serving}, timeout=_CLOSING_S)
    await _ended(serving)


def _signals() -> asyncio.Event:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, received.set)
    return received


async def _first(task: "asyncio.Task[None]", signal_came: Coroutine[Any, Any, bool]) -> None:
    """Waits for the end of a task or a signal, whichever comes first."""
    waiting = asyncio.create_task(signal_came)
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _ended(serving: "asyncio.Task[None]") -> None:
    """The server's own error, if that is why it ended."""
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


def bindable(host: str, port: int) -> tuple[str, int]:
    """
    The address that a host name stands for, and the port, or a free one for 0.

    Granian takes addresses only, and tells a port in use in words of its own.

    Raises:
        OSError: the name is unknown, or the address cannot be bound.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        return str(address[0]), probe.getsockname()[1]


async def _until_listening(host: str, port: int, serving: "asyncio.Task[None]") -> None:
    """Granian binds on a thread of its own and does not say when."""
    reachable = _LOOPBACK_OF_ANY.get(host, host)
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(reachable, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise OSError(f"the server ended at once: {serving.exception() or 'it gave no reason'}")


def in_url(host: str, port: int) -> str:
    """The address as a client writes it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def from_here(host: str, port: int) -> str:
    """Where a client on this machine finds what listens there."""
    return in_url(_LOOPBACK_OF_ANY.get(host, host), port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there; a name that is none of its own counts as no."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
