"""Events about what providers can do, and about what did not get through unchanged."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class CapabilityDegraded:
    """
    Something that was asked for or said did not get through to the other side.

    ``dropped`` names fields as Chat Completions does (``response_format``, ``reasoning_effort``) where it has
    them, and else as the client did. ``reason`` is ``provider-does-not-support``, ``translation-lossy`` or
    ``non-standard-field``.
    """

    name: ClassVar[str] = "capability-degraded"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    dropped: tuple[str, ...]
    reason: str


@value(kw_only=True)
class OutputFilterApplied:
    """Output filters have changed the text of an answer; told once, with those that did."""

    name: ClassVar[str] = "output-filter-applied"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    filters: tuple[str, ...]
    streaming: bool


@value(kw_only=True)
class ToolCallsRepaired:
    """
    A model wrote calls of tools as text, and the client was given them as calls; told once for an answer.

    ``forms`` are how they were written: ``bare-json``, ``fenced-json``, ``json-in-tags``, ``parameter-tags``,
    ``key-value-tags`` or ``template-tokens``.
    """

    name: ClassVar[str] = "tool-calls-repaired"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    calls: int
    forms: tuple[str, ...]
    streaming: bool


@value(kw_only=True)
class ToolTurnsRepaired:
    """
    Calls of tools in a conversation had no result, or results no call, and the target was told so in words.

    Servers refuse such a conversation, which clients are left with after an interruption. ``interrupted``
    counts the calls that were given a result which says so, ``orphaned`` the results that were told as words.
    """

    name: ClassVar[str] = "tool-turns-repaired"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    interrupted: int
    orphaned: int


@value(kw_only=True)
class SuitabilityDegraded:
    """
    A profile made for Claude Code leads to models that are known to serve it badly; told at start.

    ``degraded_models`` are those of ``degraded_providers``, in the same order.
    """

    name: ClassVar[str] = "chain-claude-code-suitability-degraded"
    level: ClassVar[Level] = Level.WARNING
    profile: str
    degraded_providers: tuple[str, ...]
    degraded_models: tuple[str, ...]
    hint: str = "put models first that hold long runs of tool calls, or leave these out of the profile"
