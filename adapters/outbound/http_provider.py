"""Asks an upstream that speaks one of our dialects over HTTP."""

from collections.abc import AsyncGenerator

import httpx

from adapters.dialects.dialect import OutboundDialect, Outgoing, Quirks
from adapters.outbound.endpoints import Endpoint
from adapters.outbound.exchange import MAX_BODY_BYTES, chunks, posting, read, refused
from adapters.outbound.failures import answering, unanswered
from adapters.outbound.redaction import Redaction, secrets_of
from domain.conversation.reply import Batch
from domain.ports.providers import ProviderCall
from domain.ports.time import Clock
from domain.routing.targets import ProviderSpec


class HttpProvider:
    """
    One upstream, one dialect, one address.

    Args:
        spec: the provider's configuration.
        endpoint: where and how to ask.
        dialect: what the upstream speaks.
        transport: shared; not opened or closed here.
        secret: the key; taken out of every failure that the upstream tells, as are the configured secrets.
    """

    def __init__(
        self,
        spec: ProviderSpec,
        endpoint: Endpoint,
        dialect: OutboundDialect,
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
        self._redaction = Redaction(*secrets_of(spec, secret))
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
                    raise await refused(response, self._dialect, self._clock)
                with answering():
                    if not _is_stream(response):
                        yield self._dialect.decode_completion(await read(response, MAX_BODY_BYTES))
                        return
                    decoder = self._dialect.stream_decoder()
                    async for data in chunks(response):
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
            shaping=call.shaping,
        )
        return posting(
            self._dialect.encode_request(outgoing),
            self._endpoint.url,
            self._endpoint.request_headers(call.request, self._dialect.name),
            connect_timeout_s=call.connect_timeout_s,
        )


def _is_stream(response: httpx.Response) -> bool:
    """What was sent decides, not what was asked for: some servers stream regardless, some never."""
    return bool(response.headers.get("content-type", "").lower().startswith(_STREAM_TYPES))


_STREAM_TYPES = ("text/event-stream", "application/x-ndjson")
