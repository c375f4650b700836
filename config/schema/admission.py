"""How much members, providers and plans let through."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.fields import ZoneName
from config.schema.section import Section

Count = Annotated[int, Field(ge=1)]


class Limits(Section):
    """What a member may use at a time."""

    requests_per_minute: Count | None = Field(default=None, description="Requests within any minute.")
    tokens_per_minute: Count | None = Field(
        default=None,
        description="Tokens read and written within any minute, estimated where the upstream counts none;"
        " who reaches it is still answered.",
    )
    concurrent: Count | None = Field(default=None, description="Requests that run side by side.")


class Quota(Section):
    """One line of a provider's plan: so many requests or tokens in a span of time; no two count the same."""

    requests: Count | None = Field(default=None, description="So many requests; this or `tokens`.")
    tokens: Count | None = Field(default=None, description="So many tokens, read and written.")
    per: Literal["minute", "day", "month"] = Field(description="In this span.")
    zone: ZoneName = Field(default="UTC", description="Whose calendar its days and months follow.")
    failed_count: bool = Field(
        default=True, description="Whether requests count that the provider refuses, as with most free plans."
    )
