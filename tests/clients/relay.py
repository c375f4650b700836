"""Takes connections from a socket of another network namespace to a port of this one."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PIECE_BYTES = 65536


@contextmanager
def relayed(listener: socket.socket, port: int) -> Iterator[None]:
    """Whatever connects to `listener` talks to 127.0.0.1:`port` until the block is left."""
    started, finished = threading.Event(), threading.Event()

    async def serve() -> None:
        relay = _Relay(port)
        async with await asyncio.start_server(relay.take, sock=listener):
            started.set()
            await asyncio.to_thread(finished.wait)
            await relay.aclose()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="relay")
    thread.start()
    try:
        assert started.wait(5), "the relay did not start"
        yield
    finally:
        finished.set()
        thread.join()


class _Relay:
    """The connections under way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._underway: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(reader, writer))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    async def aclose(self) -> None:
        for task in self._underway:
            task.cancel()
        await asyncio.gather(*self._underway, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until either side is done, as neither of them half-closes."""
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ways = [
            asyncio.create_task(_carry(reader, there_writer)),
            asyncio.create_task(_carry(there_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            there_writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        return
