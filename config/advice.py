"""Finds what a configuration that loads may do otherwise than its writer meant."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from config.schema.kinds import DEFAULT_KIND
from config.schema.provider import Provider
from config.schema.root import AUTO, Config

_OLLAMA_PORT = 11434
_QUEUE_KEYS = ("max_queue", "queue_timeout_s")


def advice(config: Config) -> Iterator[str]:
    """One sentence for each; none of them keeps the configuration from being used."""
    if config.auto_router is not None and config.default_profile != AUTO:
        yield f"auto_router is never asked: default_profile is {config.default_profile}, not {AUTO}"
    for provider in config.providers:
        if _is_cut_short(provider):
            yield (
                f"{provider.name} cuts prompts in silence, at 4,096 tokens unless Ollama is told otherwise:"
                " its OpenAI route takes no window, kind: ollama with a context_window does"
            )
        yield from _without_effect(provider)


def _without_effect(provider: Provider) -> Iterator[str]:
    """What is written and changes nothing."""
    waiting = [key for key in _QUEUE_KEYS if key in provider.model_fields_set]
    if waiting and provider.max_concurrency is None:
        stands = " and ".join(waiting)
        yield f"nobody waits for {provider.name}, whatever stands in {stands}: it has no max_concurrency"
    for index, line in enumerate(provider.quota):
        if line.per == "minute" and "zone" in line.model_fields_set:
            yield f"the zone of quota[{index}] of {provider.name} does nothing: minutes have no calendar"


def _is_cut_short(provider: Provider) -> bool:
    speaks_openai = provider.adapter is None and provider.kind == DEFAULT_KIND
    return speaks_openai and urlsplit(provider.base_url or "").port == _OLLAMA_PORT
