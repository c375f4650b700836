"""Carries httpx requests over aiohttp's connections."""

import select
import ssl
import time
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias
from weakref import WeakSet

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from infrastructure.http_bodies import Download, Exchange, Upload
from infrastructure.http_errors import FOREIGN_ERRORS, translated

KEEP_ALIVE_S = 20.0
"""How long an idle connection is kept. Stale ones are noticed when taken; this bounds their number."""

MAX_HEADER_BYTES = 64 * 1024
"""The longest status line or header field that is read."""

MAX_HEADERS = 128

READ_BUFFER_BYTES = 64 * 1024
"""A stream that is not read stops reading its socket at about twice this."""

Connected: TypeAlias = Callable[[str, float], None]
"""Told of every new connection: ``host:port`` of the peer, and how many seconds it took to be made."""

_AUTOMATIC_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_FRAMING_HEADERS = frozenset({b"transfer-encoding", b"expect"})
_DECODED = frozenset({b"gzip", b"deflate", b"br", b"zstd"})
_TRANSFER_HEADERS = frozenset({b"content-encoding", b"content-length"})


class AiohttpTransport(httpx.AsyncBaseTransport):
    """
    Sends one request over one HTTP/1.1 connection, and returns when the head of the response has come.

    Nothing is added to a request but ``Host``, ``Content-Length`` and ``Accept-Encoding: identity``, each
    only if the caller did not say otherwise. Redirects are not followed, cookies not kept, proxies and
    credentials of the environment not used. The body of a response is always the identity: a peer that
    compresses all the same is decoded, and its ``Content-Encoding`` and ``Content-Length`` removed.

    ``request.extensions["timeout"]`` bounds in seconds: ``connect`` the look-up, connection and TLS
    handshake together; ``write`` the time in which the peer takes no byte of the body; ``read`` the
    time in which no byte of the response comes. ``pool`` means nothing, since nothing waits for a
    connection. There is no limit on the whole.

    A kept connection is looked at when it is taken: one that the peer has closed, or on which it has said
    something unasked, is dropped for another, so nothing was written to it and nothing is repeated. On
    Python before 3.12 the body is written one turn of the event loop later. A POST of which something
    was written is never sent again, for nobody can know whether the peer acted on it: a connection that
    the peer closes in the very moment of sending fails with ``RemoteProtocolError`` or ``ReadError``.
    Idempotent methods are sent once more by aiohttp if no response came (RFC 9110, section 9.2.2).

    Raises subclasses of ``httpx.TransportError``, and ``RuntimeError`` while it is not open.
    """

    def __init__(self, *, ca_file: Path | None = None, connected: Connected | None = None) -> None:
        """``ca_file`` (PEM) is trusted besides the certificates of the system."""
        self._ca_file = ca_file
        self._connected = connected or _untold
        self._session: aiohttp.ClientSession | None = None

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
        return f"AiohttpTransport({'open' if self._session else 'closed'})"

    async def open(self) -> None:
        """
        Make ready for requests on the running event loop.

        Raises:
            OSError: ``ca_file`` cannot be read; ``ssl.SSLError``, one of its subclasses, if it is no PEM.

        """
        if self._session is None:
            self._session = _session(_Connector(_trust(self._ca_file), self._connected))

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:
            raise RuntimeError("The HTTP transport is not open")
        try:
            exchange = await _exchange(self._session, request)
        except FOREIGN_ERRORS as error:
            raise translated(error, request) from error
        return httpx.Response(
            exchange.status,
            headers=_incoming_headers(exchange.raw_headers),
            stream=Download(exchange, request),
            extensions=_extensions(exchange),
        )


async def _exchange(session: aiohttp.ClientSession, request: httpx.Request) -> Exchange:
    timeouts = request.extensions.get("timeout", {})
    response = await session.request(
        request.method,
        _target(str(request.url)),
        data=_upload(request, timeouts.get("write")),
        headers=_outgoing_headers(tuple(request.headers.raw)),
        allow_redirects=False,
        timeout=_timeouts(timeouts.get("connect"), timeouts.get("read")),
    )
    assert isinstance(response, Exchange)  # noqa: S101 - the session was told to make them
    return response


class _Protocol(ResponseHandler):
    """Resumes what was paused, and nothing else."""

    def resume_reading(self, *args: Any, **options: Any) -> None:
        # aiohttp 3.14 asks for it with every chunk that it takes out of its buffer, and then has its parser
        # read no bytes and the loop watch a socket that it watches: a good part of what a small chunk costs.
        if self._reading_paused:
            super().resume_reading(*args, **options)


class _Connector(aiohttp.TCPConnector):
    """Hands out only connections that may carry a request, as many as are asked for."""

    def __init__(self, trust: ssl.SSLContext, connected: Connected) -> None:
        super().__init__(ssl=trust, limit=0, limit_per_host=0, keepalive_timeout=KEEP_ALIVE_S)
        makes: Callable[..., ResponseHandler] = _Protocol
        self._factory = partial(makes, loop=self._loop)
        self._connected = connected
        self._used_before: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        began_at = time.monotonic()
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None:
                return connection
            if protocol not in self._used_before:
                # A new connection is never judged by what waits on it: over TLS that may be session tickets.
                self._used_before.add(protocol)
                self._connected(_peer(req), time.monotonic() - began_at)
                return connection
            if _is_quiet(protocol):
                return connection
            connection.close()


def _untold(_peer: str, _seconds: float) -> None:
    """Nobody wants to know."""


def _peer(request: aiohttp.ClientRequest) -> str:
    return f"{request.url.raw_host}:{request.url.port}"


def _is_quiet(protocol: ResponseHandler) -> bool:
    """Whether the peer has neither closed the connection nor said anything before it was asked."""
    if protocol.transport is None or protocol.should_close:
        return False
    poll = select.poll()
    poll.register(protocol.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return not poll.poll(0)


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        response_class=Exchange,
        skip_auto_headers=_AUTOMATIC_HEADERS,
        timeout=_timeouts(None, None),
        trust_env=False,
        read_bufsize=READ_BUFFER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
    )


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


@lru_cache(maxsize=256)
def _timeouts(connect_s: float | None, read_s: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=connect_s, sock_read=read_s)


@lru_cache(maxsize=256)
def _target(url: str) -> URL:
    # httpx has escaped what needs it; escaping anew could change what the provider was configured with.
    return URL(url, encoded=True).with_user(None)


def _upload(request: httpx.Request, write_timeout_s: float | None) -> Upload | None:
    try:
        body = request.content
    except httpx.RequestNotRead:
        if isinstance(request.stream, httpx.AsyncByteStream):
            return Upload(request.stream, write_timeout_s=write_timeout_s)
        raise
    return Upload(body, write_timeout_s=write_timeout_s) if body else None


@lru_cache(maxsize=256)
def _outgoing_headers(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """What the caller wrote, less the framing, which is aiohttp's to write; the same for most requests."""
    ours = (header for header in raw if header[0].lower() not in _FRAMING_HEADERS)
    headers = [(name.decode("ascii"), value.decode()) for name, value in ours]
    if all(name.lower() != "accept-encoding" for name, _ in headers):
        headers.append(("Accept-Encoding", "identity"))
    return tuple(headers)


def _incoming_headers(raw: tuple[tuple[bytes, bytes], ...]) -> list[tuple[bytes, bytes]]:
    """What the peer wrote, byte for byte, less what was true only of a compressed body."""
    if any(name.lower() == b"content-encoding" and value.lower() in _DECODED for name, value in raw):
        return [header for header in raw if header[0].lower() not in _TRANSFER_HEADERS]
    return list(raw)


def _extensions(exchange: Exchange) -> dict[str, bytes]:
    version = exchange.version or aiohttp.HttpVersion11
    reason = (exchange.reason or "").encode(errors="surrogateescape")
    return {"http_version": f"HTTP/{version.major}.{version.minor}".encode(), "reason_phrase": reason}
