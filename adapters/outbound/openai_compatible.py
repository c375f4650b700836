"""Builds providers for servers that speak OpenAI Chat Completions."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import httpx
import msgspec

from adapters.dialects.dialect import Dialect, Quirks
from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.outbound.endpoints import Endpoint, openai_endpoint
from adapters.outbound.exchange import Exchange, connecting_within
from adapters.outbound.failures import beside_the_conversation
from adapters.outbound.http_provider import HttpProvider
from adapters.outbound.kit import ProviderKit
from adapters.outbound.probing import Prober
from adapters.outbound.redaction import Redaction, secrets_of
from domain.conversation.reply import Batch, Usage, token_count
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, EmbeddingCall, Embeddings, Probed, ProviderCall
from domain.routing.manner import is_openai
from domain.routing.targets import ProviderSpec


class _Counts(msgspec.Struct):
    """What an answer with embeddings counts."""

    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    """What is read of an answer with embeddings; the numbers themselves are passed on as they are."""

    data: msgspec.Raw
    model: str = ""
    usage: _Counts | None = None


class OpenAiProvider:
    """A server with ``/chat/completions``, which often has ``/completions`` and ``/embeddings`` beside it."""

    def __init__(self, spec: ProviderSpec, endpoint: Endpoint, kit: ProviderKit) -> None:
        path = endpoint.url.path.removesuffix("/chat/completions")
        self._headers = endpoint.headers
        self._embeddings_url = endpoint.url.copy_with(path=f"{path}/embeddings")
        redaction = Redaction(*secrets_of(spec, kit.secret))
        self._exchange = Exchange(kit.transport, OPENAI_CHAT, kit.clock, redaction)
        self._models_path = f"{path}/models"
        self._probe_path = spec.probe.path if spec.probe else ""
        self._model = spec.model
        self._prober = Prober(self._exchange, endpoint.url, endpoint.headers)
        self._chat = _asking(OPENAI_CHAT, spec, endpoint, kit)
        beside = replace(endpoint, url=endpoint.url.copy_with(path=f"{path}/completions"))
        self._completions = _asking(OPENAI_COMPLETIONS, spec, beside, kit)

    def __repr__(self) -> str:
        return f"<OpenAiProvider {self._chat!r}>"

    def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """See `domain.ports.providers.ChatProvider`."""
        if call.request.dialect == OPENAI_COMPLETIONS.name:
            return self._complete(call)
        return self._chat.converse(call)

    async def _complete(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        with beside_the_conversation():
            async with aclosing(self._completions.converse(call)) as batches:
                async for batch in batches:
                    yield batch

    async def probe(self) -> Probed:
        """See `domain.ports.providers.ProbeProvider`."""
        if self._probe_path:
            await self._prober.read(self._probe_path)
            return Probed()
        return await self._prober.models(self._models_path, self._model)

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        """See `domain.ports.providers.EmbeddingProvider`."""
        changes = {"profile": None, "model": json_text(call.model) if call.model else None}
        request = httpx.Request(
            "POST",
            self._embeddings_url,
            headers=self._headers,
            content=JsonMembers(call.body).replaced(changes),
            extensions=connecting_within(call.connect_timeout_s),
        )
        with beside_the_conversation():
            return _embeddings(await self._exchange.whole(request))


def _asking(dialect: Dialect, spec: ProviderSpec, endpoint: Endpoint, kit: ProviderKit) -> HttpProvider:
    quirks = _quirks(spec) if dialect is OPENAI_CHAT else Quirks()
    return HttpProvider(spec, endpoint, dialect, kit.transport, kit.clock, secret=kit.secret, quirks=quirks)


def _embeddings(body: bytes) -> Embeddings:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamFailure(FailureKind.GARBLED, f"the answer makes no sense: {error}") from error
    read = token_count(answer.usage.prompt_tokens) if answer.usage else None
    usage = None if read is None else Usage(input_tokens=read, output_tokens=0)
    return Embeddings(body=body, model=answer.model, usage=usage)


_OLD_LIMIT, _NEW_LIMIT = "max_tokens", "max_completion_tokens"


def _quirks(spec: ProviderSpec) -> Quirks:
    """
    OpenAI's own models want the output limit under its newer name, and its API refuses what it lacks.

    Where the configuration has that name, OpenAI's models are behind an address that does not show it.
    """
    if not is_openai(spec):
        is_newer = _NEW_LIMIT in spec.extra_body and _OLD_LIMIT not in spec.extra_body
        field = _NEW_LIMIT if is_newer else _OLD_LIMIT
        return Quirks(fills_reasoning=spec.fill_reasoning, max_tokens_field=field)
    return Quirks(max_tokens_field=_NEW_LIMIT, developer_role=True, cache_control=False)


def openai_compatible(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    """For ``kind: openai_compat``: Ollama, LM Studio, llama.cpp, vLLM, OpenRouter, OpenAI and their like."""
    return OpenAiProvider(spec, openai_endpoint(spec, kit.secret, kit.user_agent), kit)
