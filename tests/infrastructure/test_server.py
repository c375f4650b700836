"""The server takes requests until it is told to stop, and then finishes what it has begun."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from infrastructure.in_flight import InFlight
from infrastructure.server import bindable, in_url, serve


@dataclass(slots=True)
class Work:
    """An ASGI application whose requests end when `may_end` says so."""

    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun.set()
        try:
            await self.may_end.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})
        except asyncio.CancelledError:
            self.ended.append("cut")
            raise
        self.ended.append("finished")


@dataclass(slots=True)
class Served:
    """A server at work: where it answers, whether it was told to stop, and its task."""

    address: str
    stopping: asyncio.Event
    task: "asyncio.Task[None]"

    async def over(self) -> None:
        async with asyncio.timeout(20):
            await self.task


@asynccontextmanager
async def served(
    app: Callable[..., Awaitable[None]], *, drain_timeout_s: float = 20
) -> AsyncIterator[Served]:
    """On a free port of loopback; told to stop at the end if it was not before."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stopping = asyncio.Event()
    task = asyncio.create_task(
        serve(
            app,
            host="127.0.0.1",
            port=0,
            ready=address.set_result,
            stopping=stopping.set,
            drain_timeout_s=drain_timeout_s,
        )
    )
    try:
        async with asyncio.timeout(20):
            yield Served(await address, stopping, task)
    finally:
        if not stopping.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
        await task


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(number: signal.Signals) -> None:
    async with served(Work()) as server:
        os.kill(os.getpid(), number)
        await server.over()

        assert server.stopping.is_set()


async def test_a_request_that_has_begun_is_finished_first() -> None:
    work = Work()
    async with served(work) as server, httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.get(server.address))
        await work.begun.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await server.stopping.wait()
        await asyncio.sleep(0.1)
        assert not server.task.done()
        work.may_end.set()

        assert (await asking).text == "done"
        await server.over()

    assert work.ended == ["finished"]


@pytest.mark.parametrize("signals", [1, 2], ids=["the drain time is over", "a second signal comes"])
async def test_a_request_that_takes_too_long_is_ended(signals: int) -> None:
    work = Work()
    async with (
        served(work, drain_timeout_s=0.2 if signals == 1 else 60) as server,
        httpx.AsyncClient() as client,
    ):
        asking = asyncio.create_task(client.get(server.address))
        await work.begun.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await server.stopping.wait()
        if signals == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        await server.over()

        with pytest.raises((httpx.TransportError, httpx.HTTPStatusError)):
            (await asking).raise_for_status()

    assert work.ended == ["cut"]


async def test_an_address_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        bindable("127.0.0.1", taken.getsockname()[1])


def test_port_zero_is_some_free_port() -> None:
    assert bindable("127.0.0.1", 0)[1] > 0


def test_a_host_may_be_given_by_its_name() -> None:
    assert bindable("localhost", 0)[0] in ("127.0.0.1", "::1")


def test_an_unknown_host_is_an_error() -> None:
    with pytest.raises(OSError, match=r"not known|resolution"):
        bindable("no-such-host.invalid", 0)


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")]
)
def test_an_address_is_written_as_a_client_needs_it(host: str, address: str) -> None:
    assert in_url(host, 80) == address


async def test_with_nothing_in_flight_there_is_nothing_to_wait_for() -> None:
    in_flight = InFlight(Work())

    async with asyncio.timeout(5):
        await in_flight.finished()
        await in_flight.end()
