"""The `models` section: names that a client may send as `model`."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from config.schema.fields import Filled
from config.schema.money import Rates
from config.schema.section import Section


class ModelTarget(Section):
    """A name for one provider with a model of its own choice."""

    provider: str = Field(description="The provider that serves it.")
    model: Filled | None = Field(
        default=None,
        description="The model to ask for. Unset: the provider's own. Interpolated. What the provider says of"
        " its own model (`capabilities`, `context_window`) is not said of another.",
    )
    cost: Rates | None = Field(
        default=None,
        description="What this model charges, if it is not the provider's own: of that the provider's `cost`"
        " tells, by whatever name it is asked for. Unset: another model counts as unpriced.",
    )


NAME_TAG = "(name)"
TARGET_TAG = "(target)"


def _shape(value: object) -> str | None:
    if isinstance(value, str):
        return NAME_TAG
    return TARGET_TAG if isinstance(value, dict | ModelTarget) else None


ModelAlias = Annotated[
    Annotated[str, Tag(NAME_TAG)] | Annotated[ModelTarget, Tag(TARGET_TAG)],
    Discriminator(_shape),
]
"""The name of a profile or a provider, or a target."""
