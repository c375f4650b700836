"""The `state` and `usage` sections: what must outlive the gateway, and where it is kept."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.schema.section import Section, Unfit

SCHEMES = ("sqlite", "memory")


def _state_url(url: str) -> str:
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in SCHEMES:
        raise Unfit("expected the address of a state", "sqlite:///var/lib/coderouter/state.db or memory:")
    if scheme == "sqlite" and not rest.strip("/"):
        raise Unfit("expected the path of a file", "such as sqlite:///var/lib/coderouter/state.db")
    return url


StateUrl = Annotated[str, AfterValidator(_state_url)]


class State(Section):
    """Where keys, spending, limits and cooldowns are kept; a change needs a restart."""

    url: StateUrl | None = Field(
        default=None,
        description="`sqlite:///path/of/a/file`, or `memory:` to forget at the end."
        " Unset: a file in the XDG state directory. Interpolated.",
    )
    on_failure: Literal["serve", "refuse_paid"] = Field(
        default="serve",
        description="While it cannot be reached or written: `serve` keeps budgets by what is known,"
        " `refuse_paid` asks no provider that costs money and has a budget to keep.",
    )


class Usage(Section):
    """The usage log: a row for each request, without a word of what was said."""

    retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90, description="Days for which its rows are kept."
    )
