"""
What of a request a target is not told, because its language has no word for it or the target would refuse it.

Fields of the manner of an answer go by the name that Chat Completions gives them, others by their own; names
that no vendor has documented go by one name for all, as they may be anything. What a client only notes for
itself or for its vendor is not missed: the answer does not depend on it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from domain.conversation.extensions import Json
from domain.conversation.parts import ForeignPart, Part, ToolResult
from domain.conversation.request import ChatRequest, Conversation, ForeignTool, Sampling, Tool, ToolUse
from domain.routing.manner import (
    ANTHROPIC_MESSAGES,
    OLLAMA_CHAT,
    OPENAI_CHAT,
    Manner,
    is_spoken_by,
    language_of,
)
from domain.routing.targets import ProviderSpec
from domain.routing.tooling import AS_OFFERED, Tooling, tooled
from domain.values import value


@value
class Losses:
    """
    What a target is not told.

    Attributes:
        refused: what this target would not take.
        unsaid: what its language has no word for.
    """

    refused: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()


NOTHING_LOST = Losses()

_WORDLESS: Mapping[str, tuple[str, ...]] = {
    OPENAI_CHAT: ("top_k",),
    ANTHROPIC_MESSAGES: ("seed", "presence_penalty", "frequency_penalty", "verbosity", "top_logprobs"),
    OLLAMA_CHAT: ("verbosity",),
}
"""Dialect -> fields of `Sampling` that it cannot say."""

_PUBLIC_NAMES: Mapping[str, str] = {"answer_schema": "response_format", "top_logprobs": "logprobs"}

_USUAL: Mapping[str, float] = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
}
"""What targets do anyway; nobody misses such a wish."""

_UNDERSTOOD = frozenset({"include", "output_config", "output_format", "reasoning", "text", "top_logprobs"})
"""Fields that stay as they are for what else they say."""

_NOTES = frozenset(
    {
        "client_metadata",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
"""What clients note for themselves or for their vendor."""

_FIELDS = frozenset(
    {
        "audio",
        "container",
        "context_management",
        "fallbacks",
        "keep_alive",
        "logit_bias",
        "max_tool_calls",
        "mcp_servers",
        "min_p",
        "modalities",
        "moderation",
        "prediction",
        "repeat_penalty",
        "repetition_penalty",
        "response_format",
        "speed",
        "truncation",
        "web_search_options",
    }
)
_TOOLS = frozenset(
    {
        "advisor",
        "bash",
        "code_execution",
        "code_interpreter",
        "computer",
        "custom",
        "file_search",
        "image_generation",
        "mcp",
        "mcp_toolset",
        "memory",
        "text_editor",
        "web_fetch",
        "web_search",
    }
)
"""Types of tools, without the dates of their versions."""

_PARTS = frozenset(
    {
        "code_execution_tool_result",
        "container_upload",
        "fallback",
        "input_audio",
        "item_reference",
        "mcp_tool_result",
        "mcp_tool_use",
        "search_result",
        "server_tool_use",
        "tool_reference",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
_SEARCH = "tool_search"
_DATE = re.compile(r"_(?:20\d{6}|20\d\d_\d\d_\d\d|preview)")

_KEPT_IN_MEMORY = "keep_alive"
"""Every client may say this to Ollama."""


def losses(request: ChatRequest, spec: ProviderSpec, manner: Manner, tooling: Tooling = AS_OFFERED) -> Losses:
    """
    What this provider is not told of a request.

    Args:
        tooling: how it is told of tools; what is said of their search in words is not missed.

    Raises:
        MalformedRequest: the request had to be read, and cannot be understood.
    """
    language = language_of(spec)
    if language is None or is_spoken_by(spec, request.dialect):
        return NOTHING_LOST
    conversation = request.conversation
    if tooling.offers_all:
        conversation = tooled(conversation, Tooling(offers_all=True))
    unsaid = (
        *_wordless(conversation.sampling, language),
        *_choice(conversation, language),
        *_foreign_tools(conversation, language),
        *_strictness(conversation, language),
        *_fields(conversation, request.dialect, spec),
        *_foreign_parts(conversation, language),
    )
    refused = _refused(conversation.sampling, manner)
    return Losses(refused=tuple(refused), unsaid=tuple(dict.fromkeys(unsaid)))


def _refused(sampling: Sampling, manner: Manner) -> Iterator[str]:
    fields = set(manner.omits) | ({"reasoning_effort"} if manner.effort is not None else set())
    return (_public(field) for field in sorted(fields) if _is_asked(sampling, field))


def _wordless(sampling: Sampling, language: str) -> Iterator[str]:
    yield from (_public(field) for field in _WORDLESS[language] if _is_asked(sampling, field))
    if language != ANTHROPIC_MESSAGES:
        return
    if sampling.answer_schema is not None and sampling.answer_schema.schema is None:
        yield _public("answer_schema")
    if sampling.temperature is not None and sampling.temperature > 1:
        yield "temperature"
    if not all(sequence.strip() for sequence in sampling.stop):
        yield "stop"


def _is_asked(sampling: Sampling, field: str) -> bool:
    return getattr(sampling, field) not in (None, _USUAL.get(field))


def _public(field: str) -> str:
    return _PUBLIC_NAMES.get(field, field)


def _choice(conversation: Conversation, language: str) -> Iterator[str]:
    """Ollama's server offers what it is told of to the model, and leaves the choice to it."""
    choice = conversation.tool_choice
    if choice is None or language != OLLAMA_CHAT or not conversation.tools:
        return
    if choice.use in (ToolUse.REQUIRED, ToolUse.NAMED):
        yield "tool_choice"
    if choice.parallel is False:
        yield "parallel_tool_calls"


def _foreign_tools(conversation: Conversation, language: str) -> Iterator[str]:
    """Tools that only another vendor's servers run, by their type."""
    for tool in conversation.tools:
        if isinstance(tool, ForeignTool) and tool.dialect != language:
            yield tool_kind(tool)


def tool_kind(tool: ForeignTool) -> str:
    """What a tool on a vendor's server is for, in a word that is the same for all its versions."""
    kind = _DATE.sub("", _type_of(tool.payload))
    if kind.startswith(_SEARCH):
        return _SEARCH
    return kind if kind in _TOOLS else "other-tools"


def _strictness(conversation: Conversation, language: str) -> Iterator[str]:
    """Anthropic binds calls only to schemas that follow rules of its own, Ollama to none."""
    tools = (tool for tool in conversation.tools if isinstance(tool, Tool))
    if language != OPENAI_CHAT and any(tool.strict for tool in tools):
        yield "strict"


def _fields(conversation: Conversation, dialect: str, spec: ProviderSpec) -> Iterator[str]:
    """A field whose meaning has neutral words is missed only if it was not understood."""
    understood = set(_UNDERSTOOD | _NOTES)
    if conversation.sampling.answer_schema is not None:
        understood.add("response_format")
    if language_of(spec) == OLLAMA_CHAT:
        understood.add(_KEPT_IN_MEMORY)
    for field, said in conversation.extensions.get(dialect, {}).items():
        if field == "thinking":
            yield from _thinking(said, spec)
        elif said is not None and field not in understood:
            yield field if field in _FIELDS else "other-fields"


def _thinking(wanted: Json, spec: ProviderSpec) -> Iterator[str]:
    """A model that is known to think does so anyway; the field itself is Anthropic's."""
    demanded = isinstance(wanted, Mapping) and wanted.get("type") == "enabled"
    if demanded and spec.capabilities.thinking is not True:
        yield "thinking"


def _foreign_parts(conversation: Conversation, language: str) -> Iterator[str]:
    for message in conversation.messages:
        yield from _foreign(message.parts, language)


def _foreign(parts: Iterable[Part], language: str) -> Iterator[str]:
    for part in parts:
        if isinstance(part, ForeignPart) and part.dialect != language:
            kind = _type_of(part.payload)
            yield kind if kind in _PARTS else "other-parts"
        elif isinstance(part, ToolResult):
            yield from _foreign(part.content, language)


def _type_of(payload: bytes) -> str:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""
