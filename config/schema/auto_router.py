"""The `auto_router` section: rules that choose a profile from the request."""

from typing import Annotated

from pydantic import Field

from config.schema.fields import Filled, NamePattern, OnlyTrue, Sought, TextPattern
from config.schema.section import Entries, Section


class Matcher(Section):
    """What a rule asks of a request: exactly one of these."""

    has_image: OnlyTrue | None = Field(default=None, description="The latest user turn holds an image.")
    code_fence_ratio_min: Annotated[float, Field(ge=0.0, le=1.0)] | None = Field(
        default=None, description="At least this share of the latest user text is in code fences."
    )
    content_contains: Sought | None = Field(
        default=None, description="The latest user text contains this, in the same case."
    )
    content_regex: TextPattern | None = Field(
        default=None,
        description="This regular expression is found in the first 65,536 characters of the latest user text."
        " One that could backtrack for ever runs on RE2, and is refused where RE2 has no words for it.",
    )
    model_pattern: NamePattern | None = Field(
        default=None, description="This regular expression matches the whole model name that was asked for."
    )
    content_token_count_min: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="The whole request is at least this many tokens: characters of instructions,"
        " messages, tool results and tool definitions, divided by four.",
    )
    has_tools: OnlyTrue | None = Field(default=None, description="The request declares tools.")


class Rule(Section):
    """One line of the router: if this matches, that profile."""

    id: Filled = Field(description="The name of the rule in events and headers.")
    profile: str = Field(description="The profile to use.")
    match: Matcher = Field(description="When.")


class AutoRouter(Section):
    """Chooses a profile when the client named none and `default_profile` is `auto`."""

    disabled: bool = Field(default=False, description="Use `default_rule_profile` for everything.")
    rules: Entries[Rule] = Field(
        default=(),
        description="Tried in order, the first match wins. Empty: images go to `multi`,"
        " text with at least 30 % in code fences to `coding`, where those profiles exist.",
    )
    default_rule_profile: str = Field(default="writing", description="The profile when no rule matches.")
