"""
In what manner a target can be asked to answer: how long to think, how to draw tokens, in which form.

A client that speaks the target's language knows what it asks for, and its words go on untouched. One that
speaks another knows nothing of the target, and servers refuse a whole request for one word too many: Ollama a
level of thinking for a model without levels, Anthropic's newer models any temperature, OpenAI's own API a
field that only others have.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from domain.conversation.request import Sampling
from domain.routing.facts import Facts
from domain.routing.targets import Freedom, ProviderSpec
from domain.values import value

OPENAI_CHAT = "openai_chat"
ANTHROPIC_MESSAGES = "anthropic_messages"
OLLAMA_CHAT = "ollama_chat"
OPENAI_COMPLETIONS = "openai_completions"

_LANGUAGES: Mapping[str, str] = {
    "openai_compat": OPENAI_CHAT,
    "embedded": OPENAI_CHAT,
    "anthropic": ANTHROPIC_MESSAGES,
    "ollama": OLLAMA_CHAT,
}
"""Kind of provider -> the dialect it is asked in."""

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Every word that a vendor has for how long to think, the least first."""

_OPENAI_HOSTS = ("openai.com", "openai.azure.com", "services.ai.azure.com")

_DRAWING = frozenset({"temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"})
_DRAWN_TWICE = frozenset({"top_p"})


@value(kw_only=True)
class Manner:
    """
    What changes in how a target is asked to answer.

    Attributes:
        omits: fields of `Sampling` that the target would refuse.
        effort: the word for how long to think that it is told in place of the client's; ``None`` leaves that.
    """

    omits: frozenset[str] = frozenset()
    effort: str | None = None

    def over(self, sampling: Sampling) -> Sampling:
        """What the target is told; the very same if nothing has to change."""
        if self.effort is not None:
            sampling = replace(sampling, reasoning_effort=self.effort)
        if not self.omits:
            return sampling
        unsaid: dict[str, Any] = dict.fromkeys(self.omits)
        return replace(sampling, **unsaid)


AS_ASKED = Manner()


def language_of(spec: ProviderSpec) -> str | None:
    """The dialect that the provider is asked in; ``None`` when only its adapter knows."""
    return _LANGUAGES.get(spec.adapter)


def is_spoken_by(spec: ProviderSpec, dialect: str) -> bool:
    """
    Whether a request of this dialect goes to the provider in its own words.

    Whoever speaks OpenAI's chat is asked in its older completions at an address beside it.
    """
    own = OPENAI_CHAT if dialect == OPENAI_COMPLETIONS else dialect
    return language_of(spec) == own


def is_openai(spec: ProviderSpec) -> bool:
    """Whether the provider is OpenAI's own API, not merely a server that speaks its language."""
    host = urlsplit(spec.base_url).hostname or ""
    return any(host == own or host.endswith(f".{own}") for own in _OPENAI_HOSTS)


def manner_for(facts: Facts, spec: ProviderSpec, dialect: str) -> Manner:
    """
    What changes for this provider in the manner that a client of this dialect asks for.

    Raises:
        MalformedRequest: the request had to be read, and cannot be understood.
    """
    if language_of(spec) is None or is_spoken_by(spec, dialect):
        return AS_ASKED
    sampling = facts.sampling
    effort = _effort(sampling.reasoning_effort, spec)
    omits = {field for field in _refused(spec, sampling) if getattr(sampling, field) is not None}
    if sampling.reasoning_effort is not None and effort is None:
        omits.add("reasoning_effort")
    return Manner(omits=frozenset(omits), effort=effort if effort != sampling.reasoning_effort else None)


def _refused(spec: ProviderSpec, sampling: Sampling) -> frozenset[str]:
    has = spec.capabilities
    refused: set[str] = set()
    if has.sampling is Freedom.FIXED:
        refused |= _DRAWING
    elif has.sampling is Freedom.EITHER and sampling.temperature is not None:
        refused |= _DRAWN_TWICE
    if has.answer_schema is False:
        refused.add("answer_schema")
    if language_of(spec) == OPENAI_CHAT and not is_openai(spec):
        refused.add("verbosity")
    return frozenset(refused)


def _effort(wanted: str | None, spec: ProviderSpec) -> str | None:
    """The word nearest to the client's that the target takes, if it takes any."""
    if wanted is None:
        return None
    levels = spec.capabilities.effort_levels
    if levels is None:
        return wanted if _can_be_switched(spec) else None
    return _nearest(wanted, levels)


def _can_be_switched(spec: ProviderSpec) -> bool:
    """Ollama also takes yes and no, from whatever word it is told."""
    return language_of(spec) == OLLAMA_CHAT and spec.capabilities.thinking is True


def _nearest(wanted: str, levels: tuple[str, ...]) -> str | None:
    """The most that is no more than what is wanted, else the least; no thinking only if that is wanted."""
    if wanted in levels:
        return wanted
    known = [level for level in EFFORTS[1:] if level in levels]
    if wanted not in EFFORTS or not known:
        return None
    no_more = [level for level in known if EFFORTS.index(level) <= EFFORTS.index(wanted)]
    return no_more[-1] if no_more else known[0]
