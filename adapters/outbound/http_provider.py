"""Asks an upstream that speaks one of our dialects over HTTP."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

import httpx

from adapters.dialects.dialect import OutboundDialect, Outgoing, Quirks
from adapters.outbound.endpoints import Endpoint, headers_for
from adapters.outbound.exchange import MAX_BODY_BYTES, chunks, posting, read, refused
from adapters.outbound.failures import Answering, Unanswered
from adapters.outbound.kit import ProviderKit
from adapters.outbound.laid_under import laid_under
from adapters.outbound.redaction import Redaction, secrets_of
from domain.conversation.reply import SIGN_OF_LIFE, Batch
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
        self._extra_body = laid_under(spec, dialect.name, self._quirks)

    def __repr__(self) -> str:
        return f"<HttpProvider {self._spec.name}: {self._dialect.name} at {self._endpoint.url}>"

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """See `domain.ports.providers.ChatProvider`."""
        request = self._request(call)
        with self._redaction.of_failures():
            with Unanswered():
                response = await self._transport.handle_async_request(request)
            try:
                if response.status_code >= 300:
                    raise await refused(response, self._clock, self._dialect.name, self._dialect.decode_error)
                with Answering(self._clock):
                    if not _is_stream(response):
                        yield self._dialect.decode_completion(await read(response, MAX_BODY_BYTES))
                        return
                    decoder = self._dialect.stream_decoder()
                    async for data in chunks(response):
                        told = False
                        for batch in decoder.feed(data):
                            told = True
                            yield batch
                        if not told:
                            yield SIGN_OF_LIFE
                    for batch in decoder.close():
                        yield batch
            finally:
                await response.aclose()

    def _request(self, call: ProviderCall) -> httpx.Request:
        outgoing = Outgoing(
            request=call.request,
            model=call.model,
            stream=call.stream,
            extra_body=self._extra_body,
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


def http_provider(
    spec: ProviderSpec,
    kit: ProviderKit,
    dialect: OutboundDialect,
    *,
    url: str,
    headers: Mapping[str, str] | None = None,
    quirks: Quirks | None = None,
    passes_headers: bool = False,
) -> HttpProvider:
    """
    A provider for an upstream that speaks a dialect of ours at an address of its own.

    Args:
        url: where requests are posted, to the last letter.
        headers: sent with every request, such as the credential; the configuration's headers beat them. They
            are taken for secrets and kept out of whatever is told.
        quirks: how the upstream departs from the dialect.
        passes_headers: whether headers that belong to the dialect, such as ``anthropic-beta``, go along when
            the client speaks it too.
    """
    own = headers or {}
    endpoint = Endpoint(
        url=httpx.URL(url),
        headers=headers_for(kit.user_agent, own, spec.headers, spec.drop_betas),
        own_headers=passes_headers,
        drop_betas=spec.drop_betas,
    )
    known = replace(spec, headers={**own, **spec.headers})
    return HttpProvider(known, endpoint, dialect, kit.transport, kit.clock, secret=kit.secret, quirks=quirks)


def _is_stream(response: httpx.Response) -> bool:
    """What was sent decides, not what was asked for: some servers stream regardless, some never."""
    # Asked of `response.headers` itself, httpx would first find out how all of them are encoded.
    kind = next((value for name, value in response.headers.raw if name.lower() == b"content-type"), b"")
    return kind.lower().startswith(_STREAM_TYPES)


_STREAM_TYPES = (b"text/event-stream", b"application/x-ndjson")
