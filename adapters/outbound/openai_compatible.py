"""Builds providers for servers that speak OpenAI Chat Completions."""

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.endpoints import openai_endpoint
from adapters.outbound.http_provider import HttpProvider
from adapters.outbound.kit import ProviderKit
from domain.ports.providers import ChatProvider
from domain.routing.targets import ProviderSpec


def openai_compatible(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    """For ``kind: openai_compat``: Ollama, LM Studio, llama.cpp, vLLM, OpenRouter, OpenAI and their like."""
    endpoint = openai_endpoint(spec, kit.secret, kit.user_agent)
    return HttpProvider(spec, endpoint, OPENAI_CHAT, kit.transport, kit.clock, secret=kit.secret)
