"""What is laid under the bodies of requests: the provider's fields, with one limit of the answer."""

from collections.abc import Mapping

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Quirks
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.answer_limits import LIMIT_FIELDS, LIMIT_OPTION, OPTIONS
from domain.conversation.extensions import Json
from domain.routing.targets import ProviderSpec

_LIMITS: Mapping[str, str] = {
    ANTHROPIC_MESSAGES.name: "max_tokens",
    OPENAI_COMPLETIONS.name: "max_tokens",
    OPENAI_RESPONSES.name: "max_output_tokens",
}
"""The one name that a dialect has for it; OpenAI's chat has two, Ollama's stands among its options."""


def laid_under(spec: ProviderSpec, dialect: str, quirks: Quirks) -> Mapping[str, Json]:
    """
    The fields that lie below a client's own.

    Budgets reckon with the provider's ``output_limit``: it takes the place of every limit among the fields,
    under the name that the upstream knows. A dialect that is not ours is told the fields as they are.
    """
    limit = spec.output_limit
    if limit is None:
        return spec.extra_body
    if dialect == OLLAMA_CHAT.name:
        return {**_unlimited(spec.extra_body), OPTIONS: {**_options(spec.extra_body), LIMIT_OPTION: limit}}
    field = quirks.max_tokens_field if dialect == OPENAI_CHAT.name else _LIMITS.get(dialect)
    return spec.extra_body if field is None else {**_unlimited(spec.extra_body), field: limit}


def _unlimited(fields: Mapping[str, Json]) -> dict[str, Json]:
    kept = {name: value for name, value in fields.items() if name not in LIMIT_FIELDS}
    options = _options(fields)
    if LIMIT_OPTION not in options:
        return kept
    others = {name: value for name, value in options.items() if name != LIMIT_OPTION}
    if others:
        return kept | {OPTIONS: others}
    del kept[OPTIONS]
    return kept


def _options(fields: Mapping[str, Json]) -> Mapping[str, Json]:
    options = fields.get(OPTIONS)
    return options if isinstance(options, Mapping) else {}
