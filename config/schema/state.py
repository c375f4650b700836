"""The `state` section: where the gateway remembers what must outlive it."""

from typing import Annotated

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
