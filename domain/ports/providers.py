"""Asking an upstream."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.conversation.reply import Batch
from domain.conversation.request import ChatRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCall:
    """
    One attempt's question.

    Attributes:
        model: the target's model; empty leaves the choice to the upstream.
        stream: whether the answer should come as it is made.
        system_suffix: instructions of the configuration to add after the client's own; often empty.
        connect_timeout_s: how long a connection may take to stand.
    """

    request: ChatRequest
    request_id: str
    model: str
    stream: bool
    system_suffix: str = ""
    connect_timeout_s: float = 5.0


class ChatProvider(Protocol):
    """An upstream that answers conversations."""

    def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """
        The answer as it arrives, as batches of neutral events.

        The generator is iterated by one task and always closed. Closing or cancelling it at any moment
        ends the upstream's work and frees its connection. It waits for as long as the upstream is silent:
        patience is the caller's decision. It never retries.

        Raises:
            UpstreamFailure: the attempt failed, before or in the midst of the answer. An answer that
                stops short of its end is a failure, never an end.
        """
        ...


class ProviderDirectory(Protocol):
    """The providers of the configuration by name. Asking has no effect."""

    @property
    def providers(self) -> Mapping[str, ChatProvider]: ...

    @property
    def without_credential(self) -> frozenset[str]:
        """Providers whose configuration names a key that is not there."""
        ...
