"""
Shapes what passes between a client and one target.

Reasoning of OpenAI-compatible providers is the one thing decided here by taste. Their wire language has no
field for it, so a chat client gets it only from a provider that is declared to pass it on; the loss is told.
A dialect with a place for thinking is shown it as soon as the model is known to think, which is what its
clients expect of such a model. Adapters of other kinds mean the thinking that they give.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from domain.conversation.pairing import unpaired
from domain.conversation.request import ChatRequest, MalformedRequest, Tool, ToolUse
from domain.events import Event
from domain.failures import Overflow, UpstreamFailure
from domain.inventory.shaping import (
    CapabilityDegraded,
    OutputFilterApplied,
    ToolCallsRepaired,
    ToolTurnsRepaired,
)
from domain.repair.output_filters import output_filter
from domain.repair.stages import Dropped, Filtered, Loss, Pipeline, Remark, Repaired, Stage
from domain.repair.thinking import ReasoningDropped
from domain.repair.tool_calls import ToolCallRepair
from domain.repair.tool_names import NamesRestored
from domain.routing.facts import Facts
from domain.routing.losses import losses
from domain.routing.manner import is_spoken_by, language_of
from domain.routing.shaping import Omission, Shaping, holds_thinking, loses_cache_control
from domain.routing.targets import ProviderSpec
from domain.routing.tooling import AS_OFFERED, Tooling, ToolNames, loses_schemas, safe_names, searches, tooled

_OPENAI_COMPATIBLE = frozenset({"openai_compat", "embedded"})
_KINDS_TO_REPAIR = _OPENAI_COMPATIBLE | {"ollama"}
"""What serves small models; others are trusted to make calls where calls belong."""
_REFUSALS = (400, 422)
_WORDS_ON_NAMES = ("pattern", "regular expression", "length", "too long", "characters", "letter")
"""
Of refusals such as ``Invalid 'tools[0].function.name': string does not match pattern`` (OpenAI),
``tools.0.custom.name: String should have at most 128 characters`` (Anthropic), ``Invalid function name. Must
start with a letter``.
"""
_DIALECTS_WITH_THINKING = frozenset({"anthropic_messages", "openai_responses"})
_PUBLIC_NAMES = {"output_config.effort": "reasoning_effort"}
_DIALECT_WITH_CACHE_MARKS = "anthropic_messages"
_KINDS_WITH_BLOCKS = frozenset({"anthropic"})
"""Their streams open a block before they say what is in it."""


def reply_pipeline(spec: ProviderSpec, request: ChatRequest, tooling: Tooling = AS_OFFERED) -> Pipeline:
    """
    What a reply of this provider passes on its way to the client; made anew for each reply.

    Args:
        tooling: how the provider was told the request's tools.
    """
    stages: list[Stage] = [output_filter(name) for name in spec.output_filters]
    keeps_bytes = not stages or spec.adapter not in _KINDS_WITH_BLOCKS
    if spec.adapter in _KINDS_TO_REPAIR:
        # A model that thinks aloud muses on calls, and a mark of its template may begin one.
        thinking = (n for n, name in enumerate(spec.output_filters, 1) if name != "strip_stop_markers")
        place = max(thinking, default=0)
        stages[place:place] = _repair(request, tooling)
    if tooling.names:
        stages.append(NamesRestored(tooling.names))
    return Pipeline([*_reasoning(spec, request), *stages], keeps_bytes=keeps_bytes)


def request_losses(request: ChatRequest, spec: ProviderSpec, shaping: Shaping) -> tuple[Dropped, ...]:
    """
    What of a request does not get through to this provider.

    Raises:
        MalformedRequest: the request cannot be understood.
    """
    lost = losses(request, spec, shaping.manner, shaping.tooling)
    refused, unsaid = list(lost.refused), list(lost.unsaid)
    if shaping.omits & {Omission.THINKING_REQUEST, Omission.PAST_THINKING}:
        refused.insert(0, "thinking")
    elif shaping.thinking_budget is not None:
        refused.insert(0, "budget_tokens")
    refused += sorted(_PUBLIC_NAMES.get(field, field) for field in shaping.without_fields)
    if shaping.tooling.plain_schemas and loses_schemas(request.conversation.tools):
        refused.append("tool_schemas")
    if shaping.tooling.offers_all and searches(request.conversation.tools):
        refused.append("tool_search")
    if request.dialect == _DIALECT_WITH_CACHE_MARKS and loses_cache_control(request, spec):
        unsaid.insert(0, "cache_control")
    elif Omission.CACHE_MARKS in shaping.omits:
        refused.append("cache_control")
    whys = ((refused, Loss.PROVIDER_DOES_NOT_SUPPORT), (unsaid, Loss.TRANSLATION_LOSSY))
    return tuple(Dropped(tuple(fields), why) for fields, why in whys if fields)


def turns_repaired(
    request: ChatRequest, spec: ProviderSpec, shaping: Shaping, *, request_id: str
) -> ToolTurnsRepaired | None:
    """
    What dialects mend of tools' turns when they write a conversation anew; bytes that go on stay as they are.

    Raises:
        MalformedRequest: the request cannot be understood.
    """
    at_home = language_of(spec) is None or is_spoken_by(spec, request.dialect)
    anew = shaping.tooling.changes_something or shaping.omits & {Omission.PAST_THINKING, Omission.CACHE_MARKS}
    if at_home and not anew:
        return None
    found = unpaired(request.conversation.messages)
    if not found:
        return None
    return ToolTurnsRepaired(
        request_id=request_id, provider=spec.name, interrupted=found.calls, orphaned=found.results
    )


def refuses_past_thinking(failure: UpstreamFailure, request: ChatRequest) -> bool:
    """
    Whether a provider finds fault with the signature of thinking in an earlier turn.

    Another provider may have signed it, or a model that has been replaced since.
    """
    words = failure.message.lower()
    named = "signature" in words and ("thinking" in words or "thought" in words)
    return failure.status == 400 and named and holds_thinking(request.conversation)


def renaming(shaping: Shaping, failure: UpstreamFailure, facts: Facts, spec: ProviderSpec) -> Shaping | None:
    """
    With names that every server takes, for a provider that has refused the client's; ``None`` if it has not.

    Servers of one language differ in what they take, so that only those that refuse a name are told another.

    Raises:
        MalformedRequest: the request cannot be understood.
    """
    may_rename = spec.tool_manners.names is ToolNames.AUTO and not shaping.tooling.names
    if not may_rename or not _refuses_a_name(failure):
        return None
    names = safe_names(facts.tool_names)
    return replace(shaping, tooling=replace(shaping.tooling, names=names)) if names else None


def _refuses_a_name(failure: UpstreamFailure) -> bool:
    words = failure.message.lower()
    of_tools = "name" in words and ("tool" in words or "function" in words)
    return failure.status in _REFUSALS and of_tools and any(word in words for word in _WORDS_ON_NAMES)


def leaves_room(overflow: Overflow | None) -> bool:
    """Whether a prompt would have fitted, were it not for the room that was asked for the answer."""
    if overflow is None or overflow.prompt_tokens is None or overflow.window is None:
        return False
    return overflow.prompt_tokens < overflow.window


def told(remarks: Iterable[Remark], *, request_id: str, provider: str, stream: bool) -> Iterator[Event]:
    """What there is to tell of a reply's shaping: at most one event for all filters, one for each loss."""
    filters: list[str] = []
    for remark in remarks:
        match remark:
            case Filtered(name):
                filters.append(name)
            case Dropped(fields, reason):
                yield CapabilityDegraded(
                    request_id=request_id, provider=provider, dropped=fields, reason=reason
                )
            case Repaired(calls, forms):
                yield ToolCallsRepaired(
                    request_id=request_id, provider=provider, calls=calls, forms=forms, streaming=stream
                )
    if filters:
        yield OutputFilterApplied(
            request_id=request_id, provider=provider, filters=tuple(filters), streaming=stream
        )


def _reasoning(spec: ProviderSpec, request: ChatRequest) -> Iterator[Stage]:
    if spec.adapter in _OPENAI_COMPATIBLE and not _shows_reasoning(spec, request):
        yield ReasoningDropped()


def _repair(request: ChatRequest, tooling: Tooling) -> list[Stage]:
    """Nothing where no call is wanted; nor for a request that only its upstream could read."""
    if not request.declares_tools:
        return []
    try:
        said = tooled(request.conversation, tooling)
    except MalformedRequest:
        return []
    tools = [tool for tool in said.tools if isinstance(tool, Tool)]
    forbidden = said.tool_choice is not None and said.tool_choice.use is ToolUse.NONE
    if forbidden or not tools:
        return []
    return [ToolCallRepair(tools, json_wanted=said.sampling.answer_schema is not None)]


def _shows_reasoning(spec: ProviderSpec, request: ChatRequest) -> bool:
    if spec.capabilities.reasoning_passthrough is not None:
        return spec.capabilities.reasoning_passthrough
    return request.dialect in _DIALECTS_WITH_THINKING and spec.capabilities.thinking is True
