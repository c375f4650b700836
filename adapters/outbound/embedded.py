"""Asks the small model that the gateway brings along, and starts it for the first request."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from adapters.outbound.kit import ProviderKit
from adapters.outbound.openai_compatible import openai_compatible
from domain.conversation.reply import Batch
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, ProviderCall
from domain.routing.targets import ProviderSpec

EMBEDDED_MODEL = "smollm2-135m"
"""The name the model server answers to."""


class EmbeddedProvider:
    """The embedded model behind its own server on loopback; its address is known once that runs."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        self._spec = replace(spec, model=spec.model or EMBEDDED_MODEL)
        self._kit = kit
        self._at: tuple[str, ChatProvider] | None = None

    def __repr__(self) -> str:
        return f"<EmbeddedProvider {self._spec.name}: {self._at[0] if self._at else 'not started'}>"

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """See `domain.ports.providers.ChatProvider`."""
        provider = await self._running()
        asked = replace(call, model=call.model or self._spec.model)
        async with aclosing(provider.converse(asked)) as batches:
            async for batch in batches:
                yield batch

    async def _running(self) -> ChatProvider:
        try:
            address = await self._kit.model_server.ensure_running()
        except Exception as error:
            raise UpstreamFailure(
                FailureKind.UNREACHABLE, f"the embedded model did not start: {error}"
            ) from error
        if self._at is None or self._at[0] != address:
            here = replace(self._spec, base_url=f"{address}/v1")
            self._at = (address, openai_compatible(here, self._kit))
        return self._at[1]


def embedded(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    """For ``kind: embedded``."""
    return EmbeddedProvider(spec, kit)
