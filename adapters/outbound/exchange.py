"""One question to an upstream over HTTP and its whole answer, or the failure that it met."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import httpx

from adapters.dialects.dialect import OutboundDialect, ReportedError
from adapters.outbound.failures import Answering, Unanswered, refusal, shown_headers
from adapters.outbound.limits import parsed_date
from adapters.outbound.redaction import Redaction
from domain.conversation.request import DialectName
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure
from domain.ports.time import Clock

_MAX_ERROR_BYTES = 256 * 1024
"""What is read of a refusal; more is not words but a dump."""

REFUSAL_PATIENCE_S = 5.0
"""How long the words of a refusal may take; its status says the most, and that is here."""

MAX_BODY_BYTES = 64 * 1024 * 1024
"""A whole answer larger than this is not one."""


class Exchange:
    """
    Asks one upstream for whole answers.

    Args:
        transport: shared; not opened or closed here.
        dialect: whose error envelope the upstream uses.
        redaction: of what is secret in the provider's configuration.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        dialect: OutboundDialect,
        clock: Clock,
        redaction: Redaction,
    ) -> None:
        self._transport = transport
        self._dialect = dialect
        self._clock = clock
        self._redaction = redaction

    def __repr__(self) -> str:
        return f"<Exchange in {self._dialect.name}>"

    async def whole(self, request: httpx.Request) -> bytes:
        """
        The body of the answer.

        Raises:
            UpstreamFailure: there was none, or it was a refusal.
        """
        with self._redaction.of_failures():
            with Unanswered():
                response = await self._transport.handle_async_request(request)
            try:
                if response.status_code >= 300:
                    raise await refused(response, self._clock, self._dialect.name, self._dialect.decode_error)
                with Answering(self._clock):
                    return await read(response, MAX_BODY_BYTES)
            finally:
                await response.aclose()


async def refused(
    response: httpx.Response,
    clock: Clock,
    dialect: DialectName,
    decode_error: Callable[[bytes], ReportedError],
    *,
    within_s: float = REFUSAL_PATIENCE_S,
) -> UpstreamFailure:
    """The failure that an answer with an error status is, with as much of its body as comes in time."""
    body = await _words_in_time(response, within_s)
    answer = UpstreamAnswer(
        dialect=dialect,
        status=response.status_code,
        body=body,
        headers=shown_headers(response.headers),
    )
    return refusal(decode_error(body), answer, _now(response, clock))


def _now(response: httpx.Response, clock: Clock) -> float:
    """The upstream's own time, as it names moments by that: a small machine's clock may be years off."""
    told = parsed_date(response.headers.get("date", ""))
    return clock.time() if told is None else told


def connecting_within(connect_timeout_s: float) -> dict[str, Any]:
    """Only connecting is bounded here: how long to wait for an answer is the caller's decision."""
    return {"timeout": {"connect": connect_timeout_s, "read": None, "write": None, "pool": None}}


def posting(
    body: bytes, url: httpx.URL, headers: httpx.Headers, *, connect_timeout_s: float
) -> httpx.Request:
    """
    A request that posts this body.

    Given its stream, httpx leaves ``Host`` and ``Content-Length`` to the transport, which writes them anyway;
    to work them out would be most of what a request costs.
    """
    request = httpx.Request(
        "POST",
        url,
        headers=headers,
        stream=httpx.ByteStream(body),
        extensions=connecting_within(connect_timeout_s),
    )
    request.read()
    return request


def chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it arrives; straight from the transport, which has already undone any compression."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise UpstreamFailure(FailureKind.ADAPTER_FAULT, "the transport gave no asynchronous body")
    return aiter(response.stream)


async def read(response: httpx.Response, most: int) -> bytes:
    """The body, or as much of it as ``most`` bytes and the chunk that exceeds them."""
    body = bytearray()
    await _read_into(body, response, most)
    return bytes(body)


async def _words_in_time(response: httpx.Response, within_s: float) -> bytes:
    body = bytearray()
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(within_s):
            await _read_into(body, response, _MAX_ERROR_BYTES)
    return bytes(body)


async def _read_into(body: bytearray, response: httpx.Response, most: int) -> None:
    async for piece in chunks(response):
        body += piece
        if len(body) > most:
            break
