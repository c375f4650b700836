"""Asks an upstream that speaks one of our dialects over HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx

from adapters.dialects.dialect import Dialect, Outgoing, Quirks
from adapters.outbound.endpoints import Endpoint
from adapters.outbound.failures import answering, refusal, shown_headers, unanswered
from adapters.outbound.redaction import Redaction
from domain.conversation.reply import Batch
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure
from domain.ports.providers import ProviderCall
from domain.ports.time import Clock
from domain.routing.targets import ProviderSpec

_MAX_ERROR_BYTES = 256 * 1024
"""What is read of a refusal; more is not words but a dump."""

_MAX_BODY_BYTES = 256 * 1024 * 1024
"""A whole answer larger than this is not one."""


class HttpProvider:
    """
    One upstream, one dialect, one address.

    Args:
        spec: the provider's configuration.
        endpoint: where and how to ask.
        dialect: what the upstream speaks.
        transport: shared; not opened or closed here.
        secret: the key; taken out of every failure that the upstream tells.
    """

    def __init__(
        self,
        spec: ProviderSpec,
        endpoint: Endpoint,
        dialect: Dialect,
        transport: httpx.AsyncBaseTransport,
        clock: Clock,
        *,
        secret: str = "",
        quirks: Quirks | None = None,
    ) -> None:
        self._spec = spec
        self._endpoint = endpoint
        self._dialect = dialect
        self._transport = transport
        self._clock = clock
        self._redaction = Redaction(secret)
        self._quirks = quirks or Quirks()

    def __repr__(self) -> str:
        return f"<HttpProvider {self._spec.name}: {self._dialect.name} at {self._endpoint.url}>"

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """See `domain.ports.providers.ChatProvider`."""
        request = self._request(call)
        with self._redaction.of_failures():
            with unanswered():
                response = await self._transport.handle_async_request(request)
            try:
                if response.status_code >= 300:
                    raise await self._refusal(response)
                with answering():
                    if not _is_event_stream(response):
                        yield self._dialect.decode_completion(await _read(response, _MAX_BODY_BYTES))
                        return
                    decoder = self._dialect.stream_decoder()
                    async for data in _chunks(response):
                        for batch in decoder.feed(data):
                            yield batch
                    for batch in decoder.close():
                        yield batch
            finally:
                await response.aclose()

    def _request(self, call: ProviderCall) -> httpx.Request:
        outgoing = Outgoing(
            request=call.request,
            model=call.model,
            stream=call.stream,
            extra_body=self._spec.extra_body,
            system_suffix=call.system_suffix,
            quirks=self._quirks,
        )
        return httpx.Request(
            "POST",
            self._endpoint.url,
            headers=self._endpoint.request_headers(call.request, self._dialect.name),
            content=self._dialect.encode_request(outgoing),
            extensions={"timeout": _timeouts(call)},
        )

    async def _refusal(self, response: httpx.Response) -> UpstreamFailure:
        with answering():
            body = await _read(response, _MAX_ERROR_BYTES)
        answer = UpstreamAnswer(
            dialect=self._dialect.name,
            status=response.status_code,
            body=body,
            headers=shown_headers(response.headers),
        )
        return refusal(self._dialect.decode_error(body), answer, self._clock.time())


def _is_event_stream(response: httpx.Response) -> bool:
    """What was sent decides, not what was asked for: some servers stream regardless, some never."""
    return bool(response.headers.get("content-type", "").startswith("text/event-stream"))


def _timeouts(call: ProviderCall) -> dict[str, Any]:
    """Only connecting is bounded here: how long to wait for an answer is the caller's decision."""
    return {"connect": call.connect_timeout_s, "read": None, "write": None, "pool": None}


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it arrives; straight from the transport, which has already undone any compression."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise UpstreamFailure(FailureKind.ADAPTER_FAULT, "the transport gave no asynchronous body")
    return aiter(response.stream)


async def _read(response: httpx.Response, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in _chunks(response):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            break
    return b"".join(pieces)
