"""
What must change in a request on its way to one target, and what that costs.

Claude Code puts a line about its client first into the instructions. It changes from conversation to
conversation, and from request to request before its version 2.1.181, so a server that caches prompts by their
beginning finds none of them again; only Anthropic has a use for it.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile
from urllib.parse import urlsplit

from domain.conversation.extensions import Nothing
from domain.conversation.parts import Part, Text, Thinking
from domain.conversation.request import ChatRequest, Conversation, Message, Role
from domain.routing.betas import defer_tools, dropped, paired_fields, without
from domain.routing.cache_marks import MOST_CACHE_MARKS, cache_marks
from domain.routing.facts import Facts
from domain.routing.manner import ANTHROPIC_MESSAGES, AS_ASKED, Manner, is_spoken_by, language_of, manner_for
from domain.routing.targets import ProviderSpec
from domain.routing.thinking import fitting_budget
from domain.routing.tooling import (
    AS_OFFERED,
    DeferredTools,
    Tooling,
    ToolNames,
    ToolSchemas,
    safe_names,
    tooled,
)
from domain.values import value

ATTRIBUTION = "x-anthropic-billing-header:"
"""How the line about the client begins."""

_ANTHROPIC_KIND = "anthropic"
_MARGIN_DIVISOR = 20
"""A twentieth of a window is left free, as a prompt's tokens are only estimated."""


class Omission(StrEnum):
    """What a target is not told; of ``CACHE_MARKS`` those beyond the most that it takes."""

    ATTRIBUTION = "attribution"
    THINKING_REQUEST = "thinking-request"
    PAST_THINKING = "past-thinking"
    CACHE_MARKS = "cache-marks"


@value(kw_only=True)
class Shaping:
    """
    What must change in a request.

    Attributes:
        omits: what is left out.
        most_output_tokens: the client's output limit is lowered to this; ``None`` leaves it alone.
        thinking_budget: tokens to think for, in place of the client's; ``None`` leaves these alone.
        manner: what changes in how the target is asked to answer.
        tooling: what changes in its tools.
        without_fields: fields of the body that go with betas the target is not asked for.
    """

    omits: frozenset[Omission] = frozenset()
    most_output_tokens: int | None = None
    thinking_budget: int | None = None
    manner: Manner = AS_ASKED
    tooling: Tooling = AS_OFFERED
    without_fields: frozenset[str] = frozenset()

    def without(self, *omissions: Omission) -> "Shaping":
        return replace(self, omits=self.omits | set(omissions))


AS_IT_IS = Shaping()


def shaping_for(facts: Facts, spec: ProviderSpec, dialect: str) -> Shaping:
    """
    What must change in a request of this dialect for this provider.

    Raises:
        MalformedRequest: it had to be read, and cannot be understood.
    """
    omits: set[Omission] = set()
    if not is_anthropic(spec):
        omits.add(Omission.ATTRIBUTION)
    if dialect == ANTHROPIC_MESSAGES and spec.capabilities.thinking is False and facts.wants_thinking:
        omits.add(Omission.THINKING_REQUEST)
    most_output_tokens = _output_bound(facts, spec.context_window)
    at_home = dialect == ANTHROPIC_MESSAGES and is_spoken_by(spec, dialect)
    budget = facts.thinking_budget if at_home else None
    fitting = None if budget is None else fitting_budget(facts, most_output_tokens)
    if budget is not None and fitting is None:
        omits.add(Omission.THINKING_REQUEST)
    if language_of(spec) == ANTHROPIC_MESSAGES and facts.marks_cache_beyond(MOST_CACHE_MARKS):
        omits.add(Omission.CACHE_MARKS)
    unasked = dropped(facts.betas, spec.drop_betas) if dialect == ANTHROPIC_MESSAGES else ()
    return Shaping(
        omits=frozenset(omits),
        most_output_tokens=most_output_tokens,
        thinking_budget=fitting if fitting != budget else None,
        manner=manner_for(facts, spec, dialect),
        tooling=_tooling(facts, spec, dialect, unasked),
        without_fields=frozenset(filter(facts.says, paired_fields(unasked))),
    )


def _tooling(facts: Facts, spec: ProviderSpec, dialect: str, unasked: tuple[str, ...]) -> Tooling:
    """Of a request that goes on in its own language nothing is read that need not change."""
    manners = spec.tool_manners
    abroad = language_of(spec) is not None and not is_spoken_by(spec, dialect)
    renames = manners.names is ToolNames.SAFE or (manners.names is ToolNames.AUTO and abroad)
    return Tooling(
        names=safe_names(facts.tool_names) if renames else Nothing(),
        plain_schemas=facts.has_tools and manners.schemas is ToolSchemas.PLAIN,
        offers_all=_offers_all(spec, unasked) and facts.defers_tools,
    )


def _offers_all(spec: ProviderSpec, unasked: tuple[str, ...]) -> bool:
    match spec.tool_manners.deferred:
        case DeferredTools.EXPAND:
            return True
        case DeferredTools.LEAVE:
            return False
        case DeferredTools.AUTO:
            return not is_anthropic(spec) or defer_tools(unasked)


def is_anthropic(spec: ProviderSpec) -> bool:
    """Whether the provider is Anthropic itself, not merely a server that speaks its language."""
    return spec.adapter == _ANTHROPIC_KIND and _is_at_anthropic(spec.base_url)


@lru_cache(maxsize=256)
def _is_at_anthropic(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == "anthropic.com" or host.endswith(".anthropic.com")


def loses_cache_control(request: ChatRequest, spec: ProviderSpec) -> bool:
    """
    Whether the client marked what to cache, and the provider is not known to honour it.

    Raises:
        MalformedRequest: the request cannot be understood.
    """
    honours = spec.capabilities.prompt_cache
    if honours is None:
        honours = spec.adapter == _ANTHROPIC_KIND
    return not honours and cache_marks(request.conversation) > 0


def holds_thinking(conversation: Conversation) -> bool:
    """Whether an earlier turn shows thinking."""
    return any(isinstance(part, Thinking) for message in conversation.messages for part in message.parts)


def shaped(conversation: Conversation, shaping: Shaping) -> Conversation:
    """The conversation as the target is told it; the very same if nothing has to change."""
    if Omission.ATTRIBUTION in shaping.omits:
        conversation = _without_attribution(conversation)
    if Omission.THINKING_REQUEST in shaping.omits:
        conversation = _without_thinking_request(conversation)
    elif shaping.thinking_budget is not None:
        conversation = _thinking_for(conversation, shaping.thinking_budget)
    if Omission.PAST_THINKING in shaping.omits:
        conversation = replace(conversation, messages=tuple(map(_without_thinking, conversation.messages)))
    if shaping.without_fields:
        conversation = _without_fields(conversation, shaping.without_fields)
    return _sampled(tooled(conversation, shaping.tooling), shaping)


def instructed(conversation: Conversation, suffix: str) -> Conversation:
    """With instructions of ours after the client's own."""
    if not suffix:
        return conversation
    ours = Message(role=Role.SYSTEM, parts=(Text(text=suffix),))
    messages = conversation.messages
    own = sum(1 for _ in takewhile(_instructs, messages))
    return replace(conversation, messages=(*messages[:own], ours, *messages[own:]))


def unattributed(text: str) -> str:
    """Instructions without their first line if that is about the client."""
    return text.partition("\n")[2].lstrip("\n") if text.startswith(ATTRIBUTION) else text


def _instructs(message: Message) -> bool:
    return message.role in (Role.SYSTEM, Role.DEVELOPER)


def _output_bound(facts: Facts, window: int | None) -> int | None:
    """The room that a prompt leaves, if the client asks for more than that."""
    if window is None or not facts.output_limit:
        return None
    margin = window // _MARGIN_DIVISOR
    if facts.excess(window - margin - facts.output_limit) is None:
        return None
    return max(window - margin - facts.prompt_tokens, 1)


def _without_attribution(conversation: Conversation) -> Conversation:
    head = conversation.messages[0] if conversation.messages else None
    if head is None or not _instructs(head) or not head.parts:
        return conversation
    first, *rest = head.parts
    if not isinstance(first, Text) or (left := unattributed(first.text)) == first.text:
        return conversation
    parts: tuple[Part, ...] = (replace(first, text=left), *rest) if left.strip() else tuple(rest)
    heads = (replace(head, parts=parts),) if parts else ()
    return replace(conversation, messages=(*heads, *conversation.messages[1:]))


def _without_thinking_request(conversation: Conversation) -> Conversation:
    said = conversation.extensions.get(ANTHROPIC_MESSAGES, {})
    if "thinking" not in said:
        return conversation
    kept = {field: value for field, value in said.items() if field != "thinking"}
    return replace(conversation, extensions={**conversation.extensions, ANTHROPIC_MESSAGES: kept})


def _thinking_for(conversation: Conversation, tokens: int) -> Conversation:
    said = conversation.extensions.get(ANTHROPIC_MESSAGES, {})
    asked = said.get("thinking")
    if not isinstance(asked, Mapping):
        return conversation
    told = {**said, "thinking": {**asked, "budget_tokens": tokens}}
    return replace(conversation, extensions={**conversation.extensions, ANTHROPIC_MESSAGES: told})


def _without_fields(conversation: Conversation, fields: frozenset[str]) -> Conversation:
    said = conversation.extensions.get(ANTHROPIC_MESSAGES, {})
    kept = without(said, fields)
    return replace(conversation, extensions={**conversation.extensions, ANTHROPIC_MESSAGES: kept})


def _without_thinking(message: Message) -> Message:
    parts = tuple(part for part in message.parts if not isinstance(part, Thinking))
    return message if len(parts) == len(message.parts) else replace(message, parts=parts)


def _sampled(conversation: Conversation, shaping: Shaping) -> Conversation:
    sampling = shaping.manner.over(conversation.sampling)
    limit, most = sampling.max_output_tokens, shaping.most_output_tokens
    if most is not None and limit is not None and limit > most:
        sampling = replace(sampling, max_output_tokens=most)
    return conversation if sampling is conversation.sampling else replace(conversation, sampling=sampling)
