"""
Which fields of a request have no part in its cost beyond its tokens.

A field that is not known here may have the vendor search, answer with another model, summarize, or write
more than the limit says: what a hard budget cannot bound. So the list is of what is harmless, from the
documentation of OpenAI, Anthropic, OpenRouter, llama.cpp, vLLM and Ollama, and from what clients say.
"""

from collections.abc import Mapping

from domain.conversation.answer_limits import CHOICE_FIELDS, LIMIT_FIELDS, is_limit
from domain.conversation.extensions import Json

_EVERYWHERE = frozenset(
    {
        # what is said, and what counts in its size or is looked at elsewhere
        "model",
        "messages",
        "system",
        "input",
        "instructions",
        "prompt",
        "suffix",
        "tools",
        "functions",
        "profile",
        # where the answer ends; limits and numbers of answers belong to a language
        "stop",
        "stop_sequences",
        "stop_token_ids",
        "min_tokens",
        "ignore_eos",
        "max_tool_calls",
        # how tokens are drawn
        "temperature",
        "top_p",
        "top_k",
        "top_a",
        "min_p",
        "typical_p",
        "tfs_z",
        "seed",
        "samplers",
        "logit_bias",
        "presence_penalty",
        "frequency_penalty",
        "repetition_penalty",
        "repeat_penalty",
        "length_penalty",
        "mirostat",
        "mirostat_tau",
        "mirostat_eta",
        "logprobs",
        "top_logprobs",
        "echo",
        # thinking, which the limit of the answer holds too
        "reasoning",
        "reasoning_effort",
        "reasoning_format",
        "include_reasoning",
        "thinking",
        "thinking_budget",
        "enable_thinking",
        "think",
        "chat_template_kwargs",
        "output_config",
        "verbosity",
        # the form of the answer
        "text",
        "format",
        "response_format",
        "output_format",
        "grammar",
        "json_schema",
        "structured_outputs",
        "guided_json",
        "guided_regex",
        "guided_choice",
        "guided_grammar",
        "skip_special_tokens",
        "spaces_between_special_tokens",
        "add_generation_prompt",
        "continue_final_message",
        "tool_choice",
        "parallel_tool_calls",
        "function_call",
        # how it is sent, kept and accounted for
        "stream",
        "stream_options",
        "include",
        "truncation",
        "store",
        "user",
        "metadata",
        "client_metadata",
        "safety_identifier",
        "session_id",
        "usage",
        "transforms",
        "priority",
        "keep_alive",
        "cache_control",
        "cache_prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "anthropic_version",
        "anthropic_beta",
        "betas",
    }
)
"""Marks for caches are looked at by themselves, wherever they stand."""

_COUNTED: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset({"max_tokens", "max_completion_tokens", "n", "best_of"}),
    "openai_completions": frozenset({"max_tokens", "n", "best_of"}),
    "openai_responses": frozenset({"max_output_tokens"}),
    "anthropic_messages": frozenset({"max_tokens"}),
}
"""
What each language has for the limit and the number of answers, which we count.

Another language's words go on to a server that may heed them: one that speaks Anthropic's and understands
``n`` writes four answers where we reckon with one.
"""

HARMLESS_FIELDS: Mapping[str, frozenset[str]] = {
    dialect: _EVERYWHERE | counted for dialect, counted in _COUNTED.items()
}
"""By the dialect of a request."""

_HARMLESS_VALUES: Mapping[str, tuple[Json, ...]] = {
    "service_tier": ("auto", "default", "flex", "standard_only"),
    "inference_geo": ("global",),
    "speed": ("standard",),
    "modalities": (["text"],),
    "n": (1,),
    "best_of": (1,),
}
"""Of fields that make some answers dearer, the values that do not."""

_FORGETS = "clear_"
"""What the types of edits begin with that only leave away what was said, and have nothing summarized."""


def may_cost_more(field: str, value: Json, dialect: str = "") -> bool:
    """
    Whether a field with this value may make a request cost more than its tokens do; yes is a guess.

    Args:
        dialect: of the body in which it stands; empty for one that is not known.
    """
    if field in HARMLESS_FIELDS.get(dialect, _EVERYWHERE) or value in _NOTHING:
        return False
    if field == "context_management":
        return not _only_forgets(value)
    return value not in _HARMLESS_VALUES.get(field, ())


def may_cost_more_beneath(field: str, value: Json) -> bool:
    """
    The same of a field that the configuration lays beneath every request, of whatever dialect.

    Budgets reckon with what a client wrote, so that words are not counted which stand here, nor more answers
    than one; nor is an hour looked for that they shall stay in a cache. A limit of the answer is reckoned
    with, if it is one.
    """
    if field in LIMIT_FIELDS:
        return value is not None and not is_limit(value)
    if field in CHOICE_FIELDS:
        return value is not None and not (is_limit(value) and value == 1)
    if value in _NOTHING:
        return False
    if field in _FORMS:
        return not _is_flat(value)
    if field == "cache_control":
        return "'1h'" in repr(value)
    return field in _WORDS or may_cost_more(field, value)


_WORDS = frozenset({"messages", "system", "input", "instructions", "prompt", "suffix", "tools", "functions"})
"""Of so many words that a prompt grows by them, or a vendor's own tools."""

_FORMS = frozenset({"text", "format", "response_format", "output_format", "output_config"})
"""They may hold a schema, which some vendors put into the prompt."""


def _is_flat(value: Json) -> bool:
    """Whether nothing stands deep enough in it to be a schema."""
    inner = value.values() if isinstance(value, Mapping) else ()
    return not any(isinstance(each, Mapping | list) for each in inner)


_NOTHING: tuple[Json, ...] = (None, False, [], "")
"""An object without members may turn on what has no options."""


def _only_forgets(value: Json) -> bool:
    """https://platform.claude.com/docs/en/build-with-claude/context-editing, "Context editing strategies"."""
    edits = value.get("edits", []) if isinstance(value, Mapping) else None
    return isinstance(edits, list) and all(
        isinstance(edit, Mapping) and str(edit.get("type")).startswith(_FORGETS) for edit in edits
    )
