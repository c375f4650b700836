"""What tokens cost, and how much of that is allowed."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.fields import Usd, ZoneName
from config.schema.section import Section

BudgetMode = Literal["soft", "hard"]


class Rates(Section):
    """What a model charges."""

    input_tokens_per_million: Usd | None = Field(
        default=None, description="USD for a million input tokens. Unset: counts as 0."
    )
    output_tokens_per_million: Usd | None = Field(
        default=None, description="USD for a million output tokens. Unset: counts as 0."
    )
    cache_read_discount: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.10, description="Times the input rate: what a token read from the prompt cache costs."
    )
    cache_creation_premium: Annotated[float, Field(ge=0.0)] = Field(
        default=1.25, description="Times the input rate: what a token written to the prompt cache costs."
    )
    cache_hour_premium: Annotated[float, Field(ge=0.0)] = Field(
        default=2.0,
        description="Times the input rate: what a token costs that is written to stay in the cache for an"
        " hour (Anthropic's `ttl: 1h`).",
    )


class Cost(Rates):
    """What a provider charges, and how much of that is allowed."""

    monthly_budget_usd: Usd | None = Field(
        default=None,
        description="USD per calendar month (UTC) after which the provider is skipped; 0 means always.",
    )
    daily_budget_usd: Usd | None = Field(
        default=None, description="USD per day (UTC) after which the provider is skipped; 0 means always."
    )
    budget_mode: BudgetMode = Field(
        default="soft",
        description="`soft` lets a request in while anything is left, so the last one may go beyond;"
        " `hard` only if the most it can cost still fits; what nobody can bound is refused then: an answer"
        " without a limit, a document that is not in the request, a search that the vendor runs.",
    )
    allow_unpriced: bool = Field(
        default=False,
        description="Whether a `paid` provider without a price may be asked where a budget applies, though"
        " nothing of it can be counted.",
    )


class Budget(Section):
    """What may be spent."""

    monthly_usd: Usd | None = Field(default=None, description="USD per calendar month. Unset: no bound.")
    daily_usd: Usd | None = Field(default=None, description="USD per day. Unset: no bound.")
    mode: BudgetMode = Field(
        default="soft",
        description="`soft` lets a request in while anything is left, so the last one may go beyond;"
        " `hard` only if the most it can cost still fits; what nobody can bound is refused then: an answer"
        " without a limit, a document that is not in the request, a search that the vendor runs.",
    )
    zone: ZoneName = Field(default="UTC", description="The IANA time zone of its months and days.")
