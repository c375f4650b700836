"""One HTTP request of an adapter with a protocol of its own, and the failures that it may meet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from adapters.dialects.error_bodies import decode_error
from adapters.outbound.exchange import connecting_within, refused
from adapters.outbound.failures import Answering, Unanswered
from adapters.outbound.kit import ProviderKit
from domain.ports.providers import EmbeddingCall, ProviderCall

NO_DIALECT = ""
"""The language of a refusal that no client of ours speaks: it is told in our words, not relayed."""


@asynccontextmanager
async def answer_to(
    request: httpx.Request, call: ProviderCall | EmbeddingCall, kit: ProviderKit
) -> AsyncIterator[httpx.Response]:
    """
    The upstream's answer to a request, to be read inside the block and closed at its end.

    Connecting is bounded as the call says; nothing else is, for patience is the gateway's decision.

    Raises:
        UpstreamFailure: classified by what happened: no connection, an error status (read with its words),
            or, from inside the block, an answer that breaks off.
    """
    request.extensions = {**request.extensions, **connecting_within(call.connect_timeout_s)}
    with Unanswered():
        response = await kit.transport.handle_async_request(request)
    try:
        if response.status_code >= 300:
            raise await refused(response, kit.clock, NO_DIALECT, decode_error)
        with Answering(kit.clock):
            yield response
    finally:
        await response.aclose()
