"""The provider kinds that are built in, and what each needs to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a provider of one kind must, may and may not say about itself."""

    meaning: str
    needs_base_url: bool = True
    needs_model: bool = True
    takes_options: bool = False


DEFAULT_KIND = "openai_compat"

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        DEFAULT_KIND: Kind(
            meaning="an OpenAI Chat Completions endpoint; requests go to `<base_url>/chat/completions`,"
            " so `base_url` usually ends in `/v1`"
        ),
        "anthropic": Kind(
            meaning="an Anthropic Messages endpoint; requests go to `<base_url>/v1/messages`"
            " (a trailing `/v1` of `base_url` is taken off first)"
        ),
        "ollama": Kind(
            meaning="Ollama by its own API; requests go to `<base_url>/api/chat` (a trailing `/v1` or `/api`"
            " of `base_url` is taken off first). Unlike its OpenAI endpoint it honours `context_window`,"
            " which is sent as `options.num_ctx`; `extra_body` may hold more `options`, `keep_alive`, `think`"
        ),
        "embedded": Kind(
            meaning="the small model that the `embedded` extra installs, run inside the gateway",
            needs_base_url=False,
            needs_model=False,
        ),
    }
)
"""The kinds in the order the documentation lists them; the container knows an adapter for each."""
