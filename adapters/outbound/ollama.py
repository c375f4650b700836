"""Builds providers for Ollama by its own API, which honours the context window that it is told."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

from adapters.dialects.dialect import Quirks
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.outbound.endpoints import ollama_endpoint
from adapters.outbound.exchange import Exchange
from adapters.outbound.http_provider import HttpProvider
from adapters.outbound.kit import ProviderKit
from adapters.outbound.probing import Prober
from adapters.outbound.redaction import Redaction, secrets_of
from domain.conversation.extensions import Json
from domain.conversation.reply import Batch
from domain.ports.providers import ChatProvider, Probed, ProviderCall
from domain.routing.targets import ProviderSpec


class OllamaProvider:
    """An Ollama server, which can be asked what it has in its memory."""

    def __init__(self, spec: ProviderSpec, chat: HttpProvider, prober: Prober) -> None:
        self._probe_path = spec.probe.path if spec.probe else ""
        self._sets_window = spec.context_window is not None
        self._chat = chat
        self._prober = prober

    def __repr__(self) -> str:
        return f"<OllamaProvider {self._chat!r}>"

    def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """See `domain.ports.providers.ChatProvider`."""
        return self._chat.converse(call)

    async def probe(self) -> Probed:
        """
        See `domain.ports.providers.ProbeProvider`.

        What is in memory says nothing about windows where each request names its own.
        """
        if self._probe_path:
            await self._prober.read(self._probe_path)
            return Probed()
        running = await self._prober.running()
        return Probed() if self._sets_window else running


def ollama(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    """
    For ``kind: ollama``.

    Ollama loads a model with a window of its own choice, 4096 tokens unless told otherwise, and cuts longer
    prompts without a word; its OpenAI route has no field for it. So ``context_window`` goes along as
    ``options.num_ctx``, unless ``extra_body`` names another.
    """
    endpoint = ollama_endpoint(spec, kit.secret, kit.user_agent)
    chat = HttpProvider(
        replace(spec, extra_body={**spec.extra_body, "options": _options(spec)}),
        endpoint,
        OLLAMA_CHAT,
        kit.transport,
        kit.clock,
        secret=kit.secret,
        quirks=Quirks(thinking_levels=bool(spec.capabilities.effort_levels)),
    )
    redaction = Redaction(*secrets_of(spec, kit.secret))
    exchange = Exchange(kit.transport, OLLAMA_CHAT, kit.clock, redaction)
    return OllamaProvider(spec, chat, Prober(exchange, endpoint.url, endpoint.headers))


def _options(spec: ProviderSpec) -> Mapping[str, Json]:
    said = spec.extra_body.get("options")
    window = {} if spec.context_window is None else {"num_ctx": spec.context_window}
    return {**window, **said} if isinstance(said, Mapping) else window
