"""Builds providers for Ollama by its own API, which honours the context window that it is told."""

from collections.abc import Mapping
from dataclasses import replace

from adapters.dialects.dialect import Quirks
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.outbound.endpoints import ollama_endpoint
from adapters.outbound.http_provider import HttpProvider
from adapters.outbound.kit import ProviderKit
from domain.conversation.extensions import Json
from domain.ports.providers import ChatProvider
from domain.routing.targets import ProviderSpec


def ollama(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    """
    For ``kind: ollama``.

    Ollama loads a model with a window of its own choice, 4096 tokens unless told otherwise, and cuts longer
    prompts without a word; its OpenAI route has no field for it. So ``context_window`` goes along as
    ``options.num_ctx``, and ``max_output_tokens`` as ``options.num_predict``, unless ``extra_body`` names
    others.
    """
    return HttpProvider(
        replace(spec, extra_body={**spec.extra_body, "options": _options(spec)}),
        ollama_endpoint(spec, kit.secret, kit.user_agent),
        OLLAMA_CHAT,
        kit.transport,
        kit.clock,
        secret=kit.secret,
        quirks=Quirks(thinking_levels=bool(spec.capabilities.effort_levels)),
    )


def _options(spec: ProviderSpec) -> Mapping[str, Json]:
    said = spec.extra_body.get("options")
    known = {"num_ctx": spec.context_window, "num_predict": spec.output_limit}
    bounds = {name: tokens for name, tokens in known.items() if tokens is not None}
    return {**bounds, **said} if isinstance(said, Mapping) else bounds
