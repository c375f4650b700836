"""Builds providers for servers that speak Anthropic Messages."""

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.outbound.endpoints import anthropic_endpoint
from adapters.outbound.http_provider import HttpProvider
from adapters.outbound.kit import ProviderKit
from domain.ports.providers import ChatProvider
from domain.routing.targets import ProviderSpec


def anthropic(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    """For ``kind: anthropic``: Anthropic itself, and servers with a ``/v1/messages`` of their own."""
    endpoint = anthropic_endpoint(spec, kit.secret, kit.user_agent)
    return HttpProvider(spec, endpoint, ANTHROPIC_MESSAGES, kit.transport, kit.clock, secret=kit.secret)
