"""The file `model-capabilities.yaml`: what models can do, by their names."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.fields import EffortLevel, Filled, Freedom
from config.schema.section import Entries, Section


class ModelFlags(Section):
    """What a rule says of the models it matches; what is unset it does not know."""

    thinking: bool | None = Field(default=None, description="Honours a request to think.")
    reasoning_passthrough: bool | None = Field(default=None, description="Its `reasoning` fields go on.")
    tools: bool | None = Field(default=None, description="Calls tools.")
    cache_control: bool | None = Field(default=None, description="Honours `cache_control`.")
    max_context_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Tokens of its context."
    )
    max_answer_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Tokens of its longest answer, thoughts included: what a `soft` budget sets aside where"
        " nothing else limits one. It limits none itself.",
    )
    claude_code_suitability: Literal["ok", "degraded"] | None = Field(
        default=None, description="How well it serves Claude Code."
    )
    effort_levels: Entries[EffortLevel] | None = Field(
        default=None, description="The words for how long to think that it takes."
    )
    answer_schema: bool | None = Field(default=None, description="Binds its answers to a JSON schema.")
    sampling: Freedom | None = Field(
        default=None, description="What it lets be said of how tokens are drawn."
    )


class CapabilityRule(Section):
    """One rule: for which models it speaks, and what it says of them."""

    match: Filled = Field(description="A glob for the provider's model; case-sensitive.")
    kind: Literal["anthropic", "openai_compat", "ollama", "any"] = Field(
        default="any", description="For providers of which kind."
    )
    capabilities: ModelFlags = Field(description="What these models can do.")


class ModelCapabilities(Section):
    """What `model-capabilities.yaml` says."""

    version: Literal[1] = Field(description="The version of the format.")
    rules: Entries[CapabilityRule] = Field(description="Rules in the order in which they are read.")
