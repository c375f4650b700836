"""The `server` and `session` sections: how the gateway itself listens."""

from typing import Annotated

from pydantic import Field

from config.schema.fields import Filled, HeaderName
from config.schema.section import Entries, Section


class Server(Section):
    """Where the gateway listens, and its limits; a change needs a restart."""

    host: Filled = Field(default="127.0.0.1", description="The address to bind.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8088, description="The port to bind; 0 takes any free one."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(default=1, description="Worker processes.")
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=64 * 1024 * 1024, description="The largest request body, in bytes."
    )
    stream_hold_s: Annotated[float, Field(ge=0.0, le=600.0)] = Field(
        default=8.0,
        description="How long a streamed answer's headers are held back, in seconds,"
        " so that a failed chain can still answer with a real status.",
    )
    ping_interval_s: Annotated[float, Field(ge=0.1, le=600.0)] = Field(
        default=10.0, description="The longest silence on a client's stream, in seconds."
    )
    drain_timeout_s: Annotated[float, Field(ge=0.0, le=3600.0)] = Field(
        default=30.0, description="How long running requests may go on at shutdown, in seconds."
    )
    allowed_hosts: Annotated[Entries[Filled], Field(min_length=1)] | None = Field(
        default=None,
        description="Host names that requests may carry. Unset: loopback names, IP addresses,"
        " and this machine's name with and without `.local`.",
    )


class Session(Section):
    """How the requests of one conversation are known to belong together."""

    header: HeaderName = Field(
        default="x-claude-code-session-id", description="The request header that names the session."
    )
    background_models: Entries[Filled] = Field(
        default=("*haiku*",),
        description="Patterns of model names that clients use for work nobody is waiting for, in lower case;"
        " where requests wait for a busy provider, others come first."
        " `X-CodeRouter-Priority: background` says the same of one request.",
    )
    sticky: bool = Field(default=True, description="A session keeps the profile it was routed to.")
