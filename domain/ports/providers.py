"""Asking an upstream."""

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol, runtime_checkable

from domain.conversation.extensions import Nothing
from domain.conversation.reply import Batch, Usage
from domain.conversation.request import ChatRequest, Conversation
from domain.routing.shaping import AS_IT_IS, Shaping, instructed, shaped
from domain.values import value


@value(kw_only=True)
class ProviderCall:
    """
    One attempt's question.

    Attributes:
        model: the target's model; empty leaves the choice to the upstream.
        stream: whether the answer should come as it is made.
        system_suffix: instructions of the configuration to add after the client's own; often empty.
        connect_timeout_s: how long a connection may take to stand.
        shaping: what must change in the client's request for this target.
    """

    request: ChatRequest
    request_id: str
    model: str
    stream: bool
    system_suffix: str = ""
    connect_timeout_s: float = 5.0
    shaping: Shaping = AS_IT_IS

    @property
    def conversation(self) -> Conversation:
        """
        What the target is told: the client's words, with all that must change in them and our instructions.

        Raises:
            MalformedRequest: the request cannot be understood.
        """
        return instructed(shaped(self.request.conversation, self.shaping), self.system_suffix)


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
            MalformedRequest: the request cannot be said to it; nothing was sent, and nothing is billed.
        """
        ...


@runtime_checkable
class TokenCountProvider(Protocol):
    """A provider that also counts a request's tokens for itself. Optional: whoever lacks it is not asked."""

    async def count_tokens(self, call: ProviderCall) -> int:
        """
        The tokens of the request's prompt.

        Raises:
            UpstreamFailure: the upstream does not say.
            MalformedRequest: the request cannot be said to it.
        """
        ...


@value(kw_only=True)
class EmbeddingCall:
    """
    One attempt's question for embeddings.

    Attributes:
        body: the client's request as it came, in OpenAI's words.
        model: the target's model; replaces the client's.
    """

    body: bytes
    request_id: str
    model: str
    connect_timeout_s: float = 5.0


@value(kw_only=True)
class Embeddings:
    """Embeddings as the upstream told them, in OpenAI's words, and what it counted."""

    body: bytes
    model: str
    usage: Usage | None


@runtime_checkable
class EmbeddingProvider(Protocol):
    """A provider that also embeds texts. Optional: whoever lacks it is not asked."""

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        """
        The embeddings. Waits for as long as the upstream is silent; never retries.

        Raises:
            UpstreamFailure: the attempt failed.
        """
        ...


@value(kw_only=True)
class Probed:
    """
    What an upstream told when it was asked whether it is there.

    Attributes:
        windows: the context windows of its models, in tokens, where it says.
    """

    windows: Mapping[str, int] = Nothing()


@runtime_checkable
class ProbeProvider(Protocol):
    """A provider that can be asked whether it is there. Optional: whoever lacks it is told by its answers."""

    async def probe(self) -> Probed:
        """
        Asks by reading alone: that costs nothing, and no model is loaded or kept in memory for it.

        Raises:
            UpstreamFailure: it is not there, or does not want to be asked.
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
