"""A transport that keeps account of what an adapter holds, and plays an upstream's troubles."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from enum import Enum
from typing import TypeAlias

import httpx

Disturbance: TypeAlias = Callable[[httpx.AsyncBaseTransport, httpx.Request], Awaitable[httpx.Response]]
"""How a request is answered, given the transport that would have answered it."""


class ObservedTransport(httpx.AsyncBaseTransport):
    """
    Sends through another transport, and counts.

    Attributes:
        asked: the requests so far.
        held: the answers that came and have not been closed.
        silent: whether anybody waits for an upstream that will say no more.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, disturbance: Disturbance) -> None:
        self._inner = inner
        self._disturbance = disturbance
        self.asked = 0
        self.held = 0
        self._all_given_back = asyncio.Event()
        self.silent = asyncio.Event()

    def __repr__(self) -> str:
        return f"<ObservedTransport asked {self.asked} times, {self.held} answers held>"

    async def is_free(self, *, within_s: float) -> bool:
        """Whether every answer has been closed, at once or before so many seconds have passed."""
        if self.held:
            self._all_given_back.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_given_back.wait(), within_s)
        return not self.held

    def give_back(self) -> None:
        """One answer has been closed."""
        self.held -= 1
        if not self.held:
            self._all_given_back.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        # The gateway's transport undoes compression, httpx's own does not.
        request.headers["accept-encoding"] = "identity"
        try:
            response = await self._disturbance(self._inner, request)
        except _FallsSilent:
            self.silent.set()
            await asyncio.Event().wait()
            raise
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("the stage's transport gave no asynchronous body")
        self.held += 1
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_ObservedStream(stream, self),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Whoever made the inner one closes it."""


class _ObservedStream(httpx.AsyncByteStream):
    """An answer's body; it is held until it is closed."""

    def __init__(self, inner: httpx.AsyncByteStream, transport: ObservedTransport) -> None:
        self._inner = inner
        self._transport = transport
        self._closed = False

    def __repr__(self) -> str:
        return f"<_ObservedStream {'closed' if self._closed else 'open'}>"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._inner:
                yield piece
        except _FallsSilent:
            self._transport.silent.set()
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._transport.give_back()
            await self._inner.aclose()


class _FallsSilent(Exception):
    """The upstream says no more, for ever."""


class Ending(Enum):
    """How an upstream comes to say no more in the midst of its answer."""

    RESET = "its connection broke"
    CLOSED = "its connection was closed"
    SILENCE = "nothing more came"


async def AS_IT_IS(inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:  # noqa: N802
    """No disturbance."""
    return await inner.handle_async_request(request)


async def unreachable(inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:  # noqa: ARG001
    """Nobody is there."""
    raise httpx.ConnectError("connection refused", request=request)


async def mute(inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:  # noqa: ARG001
    """It takes the question and says nothing."""
    raise _FallsSilent


def answering_with(status: int, body: bytes, content_type: str) -> Disturbance:
    """It answers something else."""

    async def answer(inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:  # noqa: ARG001
        return httpx.Response(status, headers={"content-type": content_type}, content=body)

    return answer


def ending(how: Ending) -> Disturbance:
    """Half of its answer comes."""

    async def answer(inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        response = await inner.handle_async_request(request)
        body = await _read(response)
        headers = [(name, value) for name, value in response.headers.items() if name not in _FRAMING]
        half = body[: len(body) // 2]
        return httpx.Response(response.status_code, headers=headers, stream=_Half(half, how))

    return answer


async def in_crumbs(inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """Its answer comes in pieces of a few bytes, between which others have their turn."""
    response = await inner.handle_async_request(request)
    body = await _read(response)
    headers = [(name, value) for name, value in response.headers.items() if name not in _FRAMING]
    return httpx.Response(response.status_code, headers=headers, stream=_Crumbs(body))


_FRAMING = frozenset({"content-length", "transfer-encoding"})
_CRUMB_BYTES = 3
"""Less than a character may take."""


class _Half(httpx.AsyncByteStream):
    """A body that ends too early."""

    def __init__(self, half: bytes, how: Ending) -> None:
        self._half = half
        self._how = how

    def __repr__(self) -> str:
        return f"<_Half {len(self._half)} bytes, then {self._how.value}>"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._half
        match self._how:
            case Ending.RESET:
                raise httpx.ReadError("connection reset by peer")
            case Ending.SILENCE:
                raise _FallsSilent
            case Ending.CLOSED:
                return


class _Crumbs(httpx.AsyncByteStream):
    """A body in the smallest pieces."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __repr__(self) -> str:
        return f"<_Crumbs of {len(self._body)} bytes>"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _CRUMB_BYTES):
            await asyncio.sleep(0)
            yield self._body[start : start + _CRUMB_BYTES]


async def _read(response: httpx.Response) -> bytes:
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("the stage's transport gave no asynchronous body")
    try:
        return b"".join([piece async for piece in stream])
    finally:
        await response.aclose()
