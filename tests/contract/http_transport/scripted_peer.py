"""A peer on loopback that says exactly the bytes a test tells it to, and remembers what it heard."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

END_OF_HEAD = b"\r\n\r\n"


class Line:
    """One accepted connection, as the peer sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def read_head(self) -> bytes:
        head = await self.reader.readuntil(END_OF_HEAD)
        self.heads.append(head)
        return head

    async def read_request(self) -> bytes:
        """Read one request and answer its body; framing by length or by chunks."""
        head = await self.read_head()
        body = await self._read_chunks() if has_chunks(head) else await self._read_length(head)
        self.bodies.append(body)
        return body

    async def _read_length(self, head: bytes) -> bytes:
        return await self.reader.readexactly(int(header(head, "content-length") or "0"))

    async def _read_chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, data: bytes) -> None:
        """Read one request, then say ``data``."""
        await self.read_request()
        await self.send(data)

    def half_close(self) -> None:
        self.writer.write_eof()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Leave with RST instead of FIN."""
        self._set_option(socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def narrow(self, size: int) -> None:
        """Keep the kernel from hiding backpressure."""
        self._set_option(socket.SO_SNDBUF, size)
        self.writer.transport.set_write_buffer_limits(high=size)

    def _set_option(self, option: int, value: int | bytes) -> None:
        borrowed = socket.socket(fileno=self.writer.get_extra_info("socket").fileno())
        borrowed.setsockopt(socket.SOL_SOCKET, option, value)
        borrowed.detach()

    async def seconds_until_closed(self) -> float:
        """Wait for the client to close, however it does; what it still says is dropped."""
        began = time.monotonic()
        try:
            while await self.reader.read(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        return time.monotonic() - began


Script: TypeAlias = Callable[[Line], Awaitable[None]]


class ScriptedPeer:
    """Listens on loopback and plays a script on every connection; an error in a script fails the test."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.lines: list[Line] = []
        self._script = script
        self._tls = tls
        self._plays: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls, limit=1 << 20)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for line in self.lines:
            line.writer.transport.abort()
        failures = await self._end_plays()
        if error is None and failures:
            raise ExceptionGroup("The peer's script failed", failures)

    async def _end_plays(self) -> list[Exception]:
        for play in self._plays:
            play.cancel()
        results = await asyncio.gather(*self._plays, return_exceptions=True)
        expected = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)
        return [it for it in results if isinstance(it, Exception) and not isinstance(it, expected)]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1/chat"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(len(self.lines) + 1, reader, writer)
        self.lines.append(line)
        play = asyncio.ensure_future(self._script(line))
        self._plays.add(play)


def header(head: bytes, name: str) -> str | None:
    """The first value of a header in the head of a request."""
    for line in head.decode("latin-1").split("\r\n")[1:]:
        found, _, value = line.partition(":")
        if found.lower() == name:
            return value.strip()
    return None


def has_chunks(head: bytes) -> bool:
    return header(head, "transfer-encoding") == "chunked"


def sized(body: bytes, *, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    """A whole response with a content-length."""
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
