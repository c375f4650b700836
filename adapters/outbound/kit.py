"""What an adapter is built from: its configuration, and the few things it may use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import httpx

from domain.ports.providers import ChatProvider
from domain.ports.time import Clock
from domain.routing.targets import ProviderSpec


class ModelServer(Protocol):
    """A model server that this process can start for itself."""

    async def ensure_running(self) -> str:
        """
        Its base URL, without a path; started when it is not running.

        Raises:
            Exception: it cannot be started; the message says why.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKit:
    """
    What the gateway hands to an adapter.

    Attributes:
        transport: the shared HTTP transport. Open and closed by the gateway, never by an adapter. It takes
            `httpx.Request`, honours the request's ``timeout`` extension and follows no redirect.
        clock: the time.
        secret: the provider's key, or empty when its configuration names none.
        model_server: the small model that the gateway brings along, started on first use.
        user_agent: how the gateway names itself.
    """

    transport: httpx.AsyncBaseTransport
    clock: Clock
    secret: str
    model_server: ModelServer
    user_agent: str


ProviderFactory: TypeAlias = Callable[[ProviderSpec, ProviderKit], ChatProvider]
"""What ``kind`` and ``adapter`` name: it builds without side effects; opening comes with the first call."""
