"""The `state` and `usage` sections: what must outlive the gateway, and where it is kept."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from config.schema.section import Section, Unfit

SERVER_SCHEMES = ("valkey", "valkeys", "redis", "rediss")
"""Of servers that several gateways share; those with an s at the end are asked over TLS."""

SCHEMES = ("sqlite", "memory", *SERVER_SCHEMES)


def _state_url(url: str) -> str:
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in SCHEMES:
        raise Unfit(
            "expected the address of a state",
            "sqlite:///var/lib/coderouter/state.db, valkey://host:6379/0 or memory:",
        )
    if scheme == "sqlite" and not rest.strip("/"):
        raise Unfit("expected the path of a file", "such as sqlite:///var/lib/coderouter/state.db")
    if scheme == "sqlite" and not rest.startswith(("/", "~/")):
        raise Unfit(
            "expected a path from the root or the home directory: another is another file in every folder",
            "such as sqlite:///var/lib/coderouter/state.db or sqlite:~/coderouter/state.db",
        )
    if scheme in SERVER_SCHEMES and not _names_a_server(url):
        raise Unfit("expected the address of a server", f"such as {scheme}://host:6379/0")
    return url


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    database = parts.path.strip("/")
    return bool(parts.hostname) and port != 0 and (not database or database.isdecimal())


StateUrl = Annotated[str, AfterValidator(_state_url)]


class State(Section):
    """Where keys, spending, limits and cooldowns are kept; a change needs a restart."""

    url: StateUrl | None = Field(
        default=None,
        description="`sqlite:///path/of/a/file` (or `sqlite:~/path`), `valkey://host:6379/0` (or `redis://`,"
        " over TLS `valkeys://`, `rediss://`) to share it between gateways, or `memory:` to forget at the"
        " end. Unset: a file in the XDG state directory. Interpolated.",
    )
    on_failure: Literal["serve", "refuse_paid"] = Field(
        default="serve",
        description="While it cannot be reached or written: `serve` keeps budgets by what is known (of a hard"
        " budget of which nothing is known since the start, that is nothing), `refuse_paid` asks no provider"
        " that costs money and has a budget to keep.",
    )


class Usage(Section):
    """The usage log: a row for each request, without a word of what was said."""

    retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90, description="Days for which its rows are kept."
    )
