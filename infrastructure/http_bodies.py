"""Request bodies that do not wait for ever, and response bodies that end only where they end."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from functools import partial

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

from infrastructure.http_errors import FOREIGN_ERRORS, UploadStalledError, translated

_PIECE_BYTES = 32 * 1024


class Upload(aiohttp.Payload):
    """
    A request body, given up when the peer takes no byte of it for the write time-out.

    aiohttp holds the head back until the first write, so a small body leaves in one piece with it.
    """

    _autoclose = True

    def __init__(self, body: bytes | AsyncIterable[bytes], *, write_timeout_s: float | None) -> None:
        super().__init__(body)
        self._size = len(body) if isinstance(body, bytes) else None
        self._write_timeout_s = write_timeout_s
        self._body = body

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        if isinstance(self._body, bytes):
            return self._body.decode(encoding, errors)
        raise TypeError("A streamed body has no text to show")

    async def write(self, writer: AbstractStreamWriter) -> None:
        try:
            if not isinstance(self._body, bytes):
                await self._write_stream(self._body, writer)
            elif self._write_timeout_s is None or len(self._body) <= _PIECE_BYTES:
                await writer.write(self._body)
            else:
                await self._write_pieces(self._body, writer)
        except asyncio.CancelledError:
            # What waits in the buffer must not keep the socket open: its reader has lost interest.
            if writer.transport is not None:
                writer.transport.abort()
            raise

    async def _write_stream(self, body: AsyncIterable[bytes], writer: AbstractStreamWriter) -> None:
        async for chunk in body:
            await self._write_pieces(chunk, writer)

    async def _write_pieces(self, body: bytes, writer: AbstractStreamWriter) -> None:
        pieces = memoryview(body)
        for start in range(0, len(body), _PIECE_BYTES):
            await self._write_piece(pieces[start : start + _PIECE_BYTES], writer)

    async def _write_piece(self, piece: memoryview, writer: AbstractStreamWriter) -> None:
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await writer.write(piece)
                await writer.drain()
        except TimeoutError as error:
            raise UploadStalledError("The peer stopped taking the request body") from error


class Exchange(aiohttp.ClientResponse):
    """A response that keeps hold of its connection, to close it at once and to hear how it ended."""

    async def start(self, connection: Connection) -> "Exchange":
        self._held_transport = connection.transport
        self._held_protocol = connection.protocol
        try:
            await super().start(connection)
        except BaseException:
            self.abort()
            raise
        self._expect_an_unannounced_close()
        self._listen_for_the_end()
        return self

    def _expect_an_unannounced_close(self) -> None:
        # llama.cpp promises to keep the connection and closes it after each chunked answer. A request that is
        # sent before the close arrives, as the next turn of an agent easily is, would be lost.
        is_llama = self.headers.get("server") == "llama.cpp"
        if is_llama and "transfer-encoding" in self.headers and self._held_protocol is not None:
            self._held_protocol.force_close()

    def _listen_for_the_end(self) -> None:
        # aiohttp tells a reader of a connection that ends too early, but not of one that it closes
        # itself since the peer's chunks cannot be read.
        if self._held_protocol is None or self.closed or (ended := self._held_protocol.closed) is None:
            return
        ended.add_done_callback(self._connection_ended)
        self.content.on_eof(partial(self._stop_listening, ended))

    def _stop_listening(self, ended: asyncio.Future[None]) -> None:
        ended.remove_done_callback(self._connection_ended)

    def _connection_ended(self, ended: asyncio.Future[None]) -> None:
        cause = None if ended.cancelled() else ended.exception()
        if not self.content.is_eof() and self.content.exception() is None:
            error = aiohttp.ClientPayloadError("The connection ended inside the body")
            self.content.set_exception(error, cause or error)

    def abort(self) -> None:
        """
        Close the socket now, unless the response is complete and the connection belongs to the pool.

        A polite close would first flush what was not sent yet, and over TLS wait for the peer's farewell.
        """
        if self.closed:
            return
        if self._held_transport is not None:
            self._held_transport.abort()
        self.close()

    @property
    def broke_off(self) -> Exception | None:
        """
        What ended a body that only the end of the connection ends, if that was no orderly close.

        aiohttp takes a reset for the end of such a body. A body with a length or with chunks does not
        need this, and may have lent its connection to another request by now.
        """
        if self._is_delimited or self._held_protocol is None:
            return None
        error = self._held_protocol.exception()
        return error if isinstance(error, OSError) else None

    @property
    def _is_delimited(self) -> bool:
        return "content-length" in self.headers or "transfer-encoding" in self.headers


class Download(httpx.AsyncByteStream):
    """
    The body of a response as it arrives: what came in one read comes as one chunk, and nothing waits.

    Raises httpx's transport errors. Closed before its end, or failed, it closes the socket.
    """

    def __init__(self, exchange: Exchange, request: httpx.Request) -> None:
        self._exchange = exchange
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._exchange.content
        try:
            while chunk := await content.readany():
                yield chunk
        except FOREIGN_ERRORS as error:
            if rest := _what_arrived_before(content):
                yield rest
            raise self._failure(error) from error
        if broken := self._exchange.broke_off:
            raise self._failure(broken) from broken

    async def aclose(self) -> None:
        self._exchange.abort()

    def _failure(self, error: Exception) -> httpx.TransportError:
        self._exchange.abort()
        return translated(error, self._request)


def _what_arrived_before(content: aiohttp.StreamReader) -> bytes:
    # A set exception hides what is still buffered. It may be the very words that explain the failure:
    # an upstream often sends an error frame and drops the connection.
    content.set_exception(None)  # type: ignore[arg-type]
    return content.read_nowait()
