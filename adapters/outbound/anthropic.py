"""Builds providers for servers that speak Anthropic Messages."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import httpx
import msgspec

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Outgoing
from adapters.dialects.members import JsonMembers
from adapters.outbound.endpoints import Endpoint, anthropic_endpoint
from adapters.outbound.exchange import Exchange, connecting_within
from adapters.outbound.http_provider import HttpProvider
from adapters.outbound.kit import ProviderKit
from adapters.outbound.probing import Prober
from adapters.outbound.redaction import Redaction, secrets_of
from domain.conversation.reply import Batch
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, Probed, ProviderCall
from domain.routing.targets import ProviderSpec

_COUNTED = frozenset(
    {
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    }
)
"""What a request to count may say (docs.anthropic.com/en/api/messages-count-tokens); the rest is refused."""


class _Count(msgspec.Struct):
    """The answer to such a request."""

    input_tokens: int


class AnthropicProvider:
    """A server with ``/v1/messages``, which usually has ``/v1/messages/count_tokens`` as well."""

    def __init__(self, spec: ProviderSpec, endpoint: Endpoint, kit: ProviderKit) -> None:
        self._spec = spec
        self._counting = replace(
            endpoint, url=endpoint.url.copy_with(path=f"{endpoint.url.path}/count_tokens")
        )
        redaction = Redaction(*secrets_of(spec, kit.secret))
        self._exchange = Exchange(kit.transport, ANTHROPIC_MESSAGES, kit.clock, redaction)
        self._models_path = f"{endpoint.url.path.removesuffix('/messages')}/models"
        self._probe_path = spec.probe.path if spec.probe else ""
        self._prober = Prober(self._exchange, endpoint.url, endpoint.headers)
        self._messages = HttpProvider(
            spec, endpoint, ANTHROPIC_MESSAGES, kit.transport, kit.clock, secret=kit.secret
        )

    def __repr__(self) -> str:
        return f"<AnthropicProvider {self._messages!r}>"

    def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """See `domain.ports.providers.ChatProvider`."""
        return self._messages.converse(call)

    async def probe(self) -> Probed:
        """See `domain.ports.providers.ProbeProvider`."""
        if self._probe_path:
            await self._prober.read(self._probe_path)
            return Probed()
        return await self._prober.models(self._models_path, self._spec.model)

    async def count_tokens(self, call: ProviderCall) -> int:
        """See `domain.ports.providers.TokenCountProvider`."""
        request = httpx.Request(
            "POST",
            self._counting.url,
            headers=self._counting.request_headers(call.request, ANTHROPIC_MESSAGES.name),
            content=self._question(call),
            extensions=connecting_within(call.connect_timeout_s),
        )
        answer = await self._exchange.whole(request)
        try:
            return msgspec.json.decode(answer, type=_Count).input_tokens
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamFailure(FailureKind.GARBLED, f"the count makes no sense: {error}") from error

    def _question(self, call: ProviderCall) -> bytes:
        outgoing = Outgoing(
            request=call.request, model=call.model, stream=False, system_suffix=call.system_suffix
        )
        members = JsonMembers(ANTHROPIC_MESSAGES.encode_request(outgoing))
        return members.replaced({name: None for name in members if name not in _COUNTED})


def anthropic(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    """For ``kind: anthropic``: Anthropic itself, and servers with a ``/v1/messages`` of their own."""
    return AnthropicProvider(spec, anthropic_endpoint(spec, kit.secret, kit.user_agent), kit)
