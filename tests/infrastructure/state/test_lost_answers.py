"""A server whose answer is lost on the way has done what it was asked, and does not do it twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from domain.budget.usage import UsageQuery
from domain.ports.storage import StoreUnavailable
from infrastructure.clock import SystemClock
from infrastructure.state.valkey import ValkeyStore
from infrastructure.state.valkey_server import ValkeyServer
from tests.upstream.state_server import StateServer, state_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StateServer]:
    with state_server(tmp_path) as running:
        yield running


async def test_rows_of_a_log_that_an_earlier_version_wrote_are_read(server: StateServer) -> None:
    store = ValkeyStore(server.url, SystemClock())
    line = ValkeyServer(server.url)
    row = ["1", 9.0, "r", "anna", "k", "home", "cloud", "m", "openai_chat", True, "answered", 200, 1]
    row += [100, 10, 0, 0, 7, 0, False, 1.5, None]
    await line.do("ZADD", "{coderouter}:usage", "9.0", msgspec.json.encode(row))

    (total,) = await store.usage(UsageQuery(since=0.0, until=10.0))

    assert (total.requests, total.answered, total.cost) == (1, 1, 7)
    await line.aclose()
    await store.aclose()


class LossyLine:
    """A port that passes everything on to the server, and loses an answer when it is told to."""

    def __init__(self, server: StateServer) -> None:
        self._server = server
        self.loses_the_next = False
        self.lost = 0
        self._carrying: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        listening = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        async with listening:
            yield f"valkey://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"
            await asyncio.gather(*self._carrying)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._carrying.add(asyncio.create_task(self._carry(reader, writer)))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._server.port)
        asking = asyncio.create_task(_pumped(reader, forth))
        while data := await back.read(65536):
            if self.loses_the_next:
                self.loses_the_next = False
                self.lost += 1
                break
            writer.write(data)
        for each in (writer, forth):
            each.close()
            with suppress(ConnectionError):
                await each.wait_closed()
        await asking


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the one who asks has left, which the other is told."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


async def test_what_is_counted_counts_once_though_its_answer_was_lost(server: StateServer) -> None:
    line = LossyLine(server)
    async with line.opened() as url:
        store = ValkeyStore(url, SystemClock())
        assert (await store.count("plan", 2, lasts_s=60, batch="b1")).total == 2
        line.loses_the_next = True
        with pytest.raises(StoreUnavailable):
            await store.count("plan", 3, lasts_s=60, batch="b2")

        again = await store.count("plan", 3, lasts_s=60, batch="b2")

        assert line.lost == 1
        assert (again.total, again.taken) == (5, True)
        await store.aclose()
