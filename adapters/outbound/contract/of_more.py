"""What is promised of whatever an adapter does beside conversing."""

from collections.abc import Awaitable, Callable

from adapters.outbound.contract.questions import question, texts_to_embed
from adapters.outbound.contract.trial import BrokenPromise, NotAsked, Opened, Trial, in_words
from adapters.outbound.contract.verdicts import Promise
from adapters.outbound.foreign import ForeignProvider
from adapters.outbound.redaction import Redaction
from domain.conversation.request import MalformedRequest
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import EmbeddingProvider, ProbeProvider, TokenCountProvider


async def _embeds(trial: Trial) -> None:
    async with trial.opened() as opened:
        if not isinstance(provider := _watched(opened), EmbeddingProvider):
            raise NotAsked("it has no method embed")
        await _require_sound(lambda: provider.embed(texts_to_embed(opened.setting)))


async def _counts_tokens(trial: Trial) -> None:
    async with trial.opened() as opened:
        if not isinstance(provider := _watched(opened), TokenCountProvider):
            raise NotAsked("it has no method count_tokens")
        await _require_sound(lambda: provider.count_tokens(question(opened.setting)))


async def _can_be_probed(trial: Trial) -> None:
    async with trial.opened() as opened:
        if not isinstance(provider := _watched(opened), ProbeProvider):
            raise NotAsked("it has no method probe")
        await _require_sound(provider.probe)


def _watched(opened: Opened) -> object:
    """As the gateway asks it, which looks at what it gives."""
    return ForeignProvider(opened.provider, Redaction())


async def _require_sound(ask: Callable[[], Awaitable[object]]) -> None:
    """The upstream may well lack what is asked; then it says so."""
    try:
        await ask()
    except MalformedRequest:
        return
    except UpstreamFailure as failure:
        if failure.kind is FailureKind.ADAPTER_FAULT:
            raise BrokenPromise(in_words(failure)) from failure


OF_MORE = (
    Promise("embeds", "If it embeds, it gives Embeddings or an UpstreamFailure.", _embeds),
    Promise(
        "counts-tokens",
        "If it counts tokens, it gives a whole number or an UpstreamFailure.",
        _counts_tokens,
    ),
    Promise("can-be-probed", "If it can be probed, it gives Probed or an UpstreamFailure.", _can_be_probed),
)
"""The promises of optional methods."""
