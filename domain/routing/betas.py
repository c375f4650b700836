"""
Which of Anthropic's betas a provider is not asked for, and what of a request goes with them.

A beta's name stands in a header, what it switches on in the body. Whoever gets one half alone refuses the
request.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from domain.conversation.extensions import Json

BETA_HEADER = "anthropic-beta"

PAIRED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "context-management-": ("context_management",),
    "effort-": ("output_config.effort",),
    "mcp-client-": ("mcp_servers",),
    "skills-": ("container",),
    "code-execution-": ("container",),
    "structured-outputs-": ("output_format",),
}
"""
How a beta's name begins, and the fields of the body that only it knows (docs.claude.com, "Beta headers" and
the page of each feature); after a dot the one of an object that others know too.
"""

_DEFERS_TOOLS = ("advanced-tool-use-", "tool-search-tool-")


def betas_in(header: str) -> tuple[str, ...]:
    """The names in the header's value."""
    return tuple(name for part in header.split(",") if (name := part.strip()))


def dropped(betas: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Those that match a pattern such as ``context-management-*``."""
    patterns = tuple(patterns)
    return tuple(beta for beta in betas if any(fnmatchcase(beta, pattern) for pattern in patterns))


def paired_fields(betas: Iterable[str]) -> frozenset[str]:
    """The fields of the body that go with these betas."""
    betas = tuple(betas)
    pairs = PAIRED_FIELDS.items()
    return frozenset(
        field for start, fields in pairs for field in fields if any(beta.startswith(start) for beta in betas)
    )


def without(said: Mapping[str, Json], fields: Iterable[str]) -> dict[str, Json]:
    """The members but for these fields; an object goes with the last of its own."""
    kept = dict(said)
    for field in fields:
        member, _, inner = field.partition(".")
        value = kept.pop(member, None)
        if inner and isinstance(value, Mapping) and (left := {k: v for k, v in value.items() if k != inner}):
            kept[member] = left
    return kept


def defer_tools(betas: Iterable[str]) -> bool:
    """Whether one of these lets tools be looked up when they are needed."""
    return any(beta.startswith(_DEFERS_TOOLS) for beta in betas)
