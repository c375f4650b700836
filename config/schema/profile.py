"""The `profiles` section: named orders of providers with their policies."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.fields import Filled, RequestSeconds
from config.schema.money import Budget
from config.schema.section import Entries
from config.schema.timeouts import Deadlines


class Profile(Deadlines):
    """One way to serve a request: which providers in which order, and what to do when one misbehaves."""

    name: Filled = Field(description="The name that clients and rules use; `auto` is reserved.")
    providers: Annotated[Entries[str], Field(min_length=1)] = Field(
        description="Provider names, in the order in which they are tried."
    )
    timeout_s: RequestSeconds | None = Field(
        default=None, description="One number for the deadlines below that are unset; beats the provider's."
    )
    append_system_prompt: str | None = Field(
        default=None, description='Replaces the provider\'s text; `""` takes it away.'
    )
    capability_action: Literal["off", "prefer", "require"] = Field(
        default="prefer",
        description="What a capability that the request needs and a target lacks does: `prefer` tries that"
        " target later, `require` not at all. Images never go to a target known to lack vision.",
    )
    on_broken_stream: Literal["error", "surface", "continue"] = Field(
        default="error",
        description="What a client gets when an answer breaks off: an `error`, a turn that ends as one does"
        " that was too long (`surface`), or the rest of it from the next target (`continue`), if it was of"
        " nothing but words. A turn that calls tools always ends with an error.",
    )
    tool_loop_window: Annotated[int, Field(ge=2, le=50)] = Field(
        default=5, description="How many of the latest tool calls the loop guard looks at."
    )
    tool_loop_threshold: Annotated[int, Field(ge=2, le=50)] = Field(
        default=3, description="How many identical calls in a row are a loop; at most the window."
    )
    tool_loop_action: Literal["warn", "inject", "break"] = Field(
        default="warn", description="Report the loop, add a hint to the prompt, or refuse the request."
    )
    memory_pressure_action: Literal["off", "warn", "skip"] = Field(
        default="warn", description="What a backend that ran out of memory gets: nothing, an event, a pause."
    )
    memory_pressure_cooldown_s: Annotated[int, Field(ge=10, le=3600)] = Field(
        default=120, description="Seconds of that pause."
    )
    backend_health_action: Literal["off", "warn", "demote"] = Field(
        default="warn", description="What an unhealthy provider gets: nothing, an event, the last place."
    )
    backend_health_threshold: Annotated[int, Field(ge=2, le=20)] = Field(
        default=3, description="Failures in a row that degrade a provider; twice as many make it unhealthy."
    )
    half_open_s: Annotated[float, Field(ge=1.0, le=3600.0)] = Field(
        default=15.0,
        description="Seconds between two trials of an unhealthy provider, by a probe where it can be probed,"
        " else by one request whose first content is due within as many seconds, or twice what its last"
        " answer took.",
    )
    adaptive: bool = Field(default=False, description="Order providers by measured speed and failures.")
    adaptive_window_s: Annotated[float, Field(ge=1.0, le=86400.0)] = Field(
        default=60.0, description="Seconds for which an attempt is remembered to that end."
    )
    adaptive_latency_factor: Annotated[float, Field(gt=1.0, le=100.0)] = Field(
        default=1.5, description="So many times slower than the profile's other providers is slow."
    )
    adaptive_error_rate: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.10, description="So large a share of failures is too many; 0.1 is a tenth."
    )
    adaptive_debounce_s: Annotated[float, Field(ge=0.0, le=86400.0)] = Field(
        default=30.0, description="Seconds for which a provider keeps the place that it was given."
    )
    adaptive_min_latency_samples: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Answers before a provider's speed means anything."
    )
    adaptive_min_samples: Annotated[int, Field(ge=1, le=100)] = Field(
        default=5, description="Attempts before a provider's share of failures means anything."
    )
    budget: Budget | None = Field(default=None, description="What all its requests together may cost.")
