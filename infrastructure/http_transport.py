"""Carries httpx requests over HTTP/1.1 connections of our own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from infrastructure.http1.answer import Answer
from infrastructure.http1.connection import Connection
from infrastructure.http1.exchange import Exchange
from infrastructure.http1.pool import Connected, Pool
from infrastructure.http1.request_head import destination, request_head
from infrastructure.http1.trust import Trust
from infrastructure.http1.unpacking import Unpacking, is_understood
from infrastructure.http1.upload import PIECE_BYTES, upload

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

_OF_A_PACKED_BODY = frozenset({b"content-encoding", b"content-length"})


class Http1Transport(httpx.AsyncBaseTransport):
    """
    Sends one request over one HTTP/1.1 connection, and returns when the head of the response has come.

    Nothing is added to a request but ``Host``, the framing of its body, and ``Accept-Encoding: identity``
    unless the caller said otherwise. Redirects are not followed, cookies not kept, proxies and credentials
    of the environment not used. A peer that compresses unasked with gzip or deflate is decoded, and its
    ``Content-Encoding`` and ``Content-Length`` removed; other codings are the caller's to undo, if it asked
    for them, and errors otherwise.

    ``request.extensions["timeout"]`` bounds in seconds: ``connect`` the look-up, connection and TLS
    handshake together; ``write`` the time in which nothing more of a body fits into the kernel's buffers;
    ``read`` the time in which no byte of the response comes and none of the request leaves. ``pool`` means
    nothing, since nothing waits for a connection. There is no limit on the whole.

    A connection that was used before is looked at when it is taken: one that the peer has closed, or on
    which it has said something unasked, is dropped for another, so nothing was written to it and nothing is
    repeated. A POST of which something was written is never sent again, for nobody can know whether the
    peer acted on it: a connection that the peer closes in the very moment of sending fails with
    ``RemoteProtocolError`` or ``ReadError``. A request of an idempotent method without a body is sent once
    more over a new connection if nothing of a response came (RFC 9110, section 9.2.2).

    Raises subclasses of ``httpx.TransportError``, and ``RuntimeError`` while it is not open.
    """

    def __init__(self, *, ca_file: Path | None = None, connected: Connected | None = None) -> None:
        """``ca_file`` (PEM) is trusted besides the certificates of the system."""
        self._trust = Trust(ca_file)
        self._connected = connected or _untold
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Http1Transport({'open' if self._pool else 'closed'})"

    async def open(self) -> None:
        """
        Make ready for requests on the running event loop.

        Raises:
            OSError: ``ca_file`` cannot be read; ``ssl.SSLError``, one of its subclasses, if it is no PEM.

        """
        if self._pool is None:
            self._trust.check()
            self._pool = Pool(self._trust, self._connected)

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._pool is None:
            raise RuntimeError("The HTTP transport is not open")
        try:
            exchange = await _answered(self._pool, request)
            body = _body(exchange, request)
        except httpx.TransportError as error:
            error.request = request
            raise
        answer = exchange.answer
        return httpx.Response(
            answer.status,
            headers=_fields(answer, body),
            stream=body,
            extensions={"http_version": answer.version, "reason_phrase": answer.reason},
        )


def _untold(_peer: str, _seconds: float) -> None:
    """Nobody wants to know."""


async def _answered(pool: Pool, request: httpx.Request) -> Exchange:
    to = destination(str(request.url))
    body = _content(request)
    head = request_head(request, to, len(body) if isinstance(body, bytes) else None)
    used_before = pool.resting(to)
    if used_before is not None:
        exchange = _ask(used_before, request, head, body)
        try:
            await _begun(exchange)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            if exchange.answer.was_heard or body or request.method not in _IDEMPOTENT:
                raise
        else:
            return exchange
    fresh = await pool.connect(to, _timeouts(request).get("connect"))
    exchange = _ask(fresh, request, head, body)
    await _begun(exchange)
    return exchange


def _content(request: httpx.Request) -> bytes | httpx.AsyncByteStream:
    try:
        return request.content
    except httpx.RequestNotRead:
        if isinstance(request.stream, httpx.AsyncByteStream):
            return request.stream
        raise


def _ask(
    connection: Connection, request: httpx.Request, head: bytes, body: bytes | httpx.AsyncByteStream
) -> Exchange:
    timeouts = _timeouts(request)
    write_timeout_s = timeouts.get("write")
    fits = isinstance(body, bytes) and (write_timeout_s is None or len(body) <= PIECE_BYTES)
    exchange = connection.ask(
        head,
        body if isinstance(body, bytes) and fits else b"",
        has_answer_body=request.method != "HEAD",
        read_timeout_s=timeouts.get("read"),
    )
    if not fits:
        exchange.upload = asyncio.create_task(upload(body, connection, exchange, write_timeout_s))
    return exchange


def _timeouts(request: httpx.Request) -> Mapping[str, float | None]:
    found: Mapping[str, float | None] = request.extensions.get("timeout") or {}
    return found


async def _begun(exchange: Exchange) -> None:
    try:
        await exchange.head()
    except BaseException:
        exchange.give_up()
        raise


class Download(httpx.AsyncByteStream):
    """
    The body of a response as it arrives: what came in one read comes as one chunk, and nothing waits.

    Raises httpx's transport errors. Closed before its end, or failed, it closes the connection.
    """

    def __init__(self, exchange: Exchange, request: httpx.Request) -> None:
        self._exchange = exchange
        self._request = request

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._exchange.piece()
        except httpx.TransportError as error:
            error.request = self._request
            raise
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        self._exchange.give_up()


class UnpackedDownload(Download):
    """A body that came compressed, in this coding."""

    def __init__(self, exchange: Exchange, request: httpx.Request, coding: bytes) -> None:
        super().__init__(exchange, request)
        self._coding = coding

    async def __aiter__(self) -> AsyncIterator[bytes]:
        unpacking = Unpacking(self._coding)
        try:
            while packed := await self._exchange.piece():
                for piece in unpacking.pieces(packed):
                    yield piece
            unpacking.end()
        except httpx.TransportError as error:
            error.request = self._request
            self._exchange.give_up()
            raise


def _body(exchange: Exchange, request: httpx.Request) -> Download:
    coding = exchange.answer.named.get(b"content-encoding", b"identity").lower()
    if is_understood(coding):
        return UnpackedDownload(exchange, request, coding)
    if coding == b"identity" or coding.decode("latin-1") in request.headers.get("accept-encoding", ""):
        return Download(exchange, request)
    exchange.give_up()
    raise httpx.RemoteProtocolError(f"The body is compressed unasked, as {coding.decode('latin-1')!r}")


def _fields(answer: Answer, body: Download) -> list[tuple[bytes, bytes]]:
    """What the peer wrote, less what was true only of a compressed body."""
    if isinstance(body, UnpackedDownload):
        return [field for field in answer.headers if field[0].lower() not in _OF_A_PACKED_BODY]
    return answer.headers
