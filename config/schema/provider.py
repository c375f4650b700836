"""The `providers` section: the upstreams."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from config.schema.admission import Quota
from config.schema.fields import (
    EffortLevel,
    FileOfKey,
    Filled,
    Freedom,
    HeaderName,
    HeaderValue,
    HttpAddress,
    MacAddress,
    OutputFilter,
    ProviderKind,
    RequestSeconds,
    SocketAddress,
    VariableName,
)
from config.schema.kinds import DEFAULT_KIND
from config.schema.money import Cost
from config.schema.section import Entries, Section
from config.schema.timeouts import Deadlines


class Capabilities(Section):
    """
    What a provider's model can do.

    A default here means "unknown", not "no": only what the file says explicitly bars or reorders a target.
    """

    chat: bool = Field(default=True, description="Answers chat requests.")
    streaming: bool = Field(default=True, description="Can stream its answers.")
    tools: bool = Field(default=False, description="Calls tools.")
    vision: bool = Field(default=False, description="Understands images.")
    prompt_cache: bool = Field(default=False, description="Honours `cache_control`.")
    thinking: bool = Field(default=False, description="Honours a request to think.")
    reasoning_passthrough: bool = Field(
        default=False,
        description="Its `reasoning` fields are passed on. Unset: only as thinking, to clients whose"
        " language has it, from models that are known to think.",
    )
    reasoning_control: Literal["none", "openai", "anthropic", "provider_specific"] = Field(
        default="none",
        description="How the amount of reasoning is asked for. `openai`: by `reasoning_effort`, of which it"
        " takes `low`, `medium` and `high` unless `effort_levels` says otherwise.",
    )
    effort_levels: Entries[EffortLevel] | None = Field(
        default=None,
        description="The words for how long to think that it takes; clients of another language are given"
        " the nearest. Unset: those known of the model.",
    )
    answer_schema: bool = Field(default=True, description="Binds its answers to a JSON schema.")
    sampling: Freedom = Field(
        default="free",
        description="What it lets be said of how tokens are drawn: `temperature` and `top_p`, `either` of"
        " them, or neither (`fixed`). The rest is left out for clients of another language.",
    )
    mcp: Literal["none", "anthropic", "provider_specific"] = Field(
        default="none", description="Which MCP connector it has."
    )
    openai_compatible: bool = Field(default=True, description="Speaks the OpenAI wire format.")


class Probe(Section):
    """Asking an upstream whether it is there, by reading alone: no model is loaded for it."""

    interval_s: Annotated[float, Field(ge=1.0, le=86400.0)] = Field(
        default=30.0, description="Seconds between two questions."
    )
    path: str = Field(
        default="",
        description="The path to read, such as `/health`. Unset: the kind's own list of models or the like.",
    )


class WakeOnLan(Section):
    """Waking the machine that a provider runs on when a request comes and it sleeps."""

    mac: MacAddress = Field(
        description='Of its network card, in quotes, such as `"a8:a1:59:3c:07:e2"`.',
    )
    ready_within_s: Annotated[float, Field(ge=1.0, le=3600.0)] = Field(
        default=60.0,
        description="Seconds from the call until its server takes connections. Requests whose first content"
        " may take so long wait for it; others go to the next target.",
    )
    broadcast: SocketAddress | None = Field(
        default=None,
        description="Where the packet goes, with a port or to 9. Unset: everybody in this network, and in"
        " that of `base_url` if it is a private IPv4 address (`192.168.1.255` for `192.168.1.20`).",
    )


class Provider(Deadlines):
    """One upstream: where it is, what it speaks, what it can do and what it costs."""

    name: Filled = Field(description="The name that profiles and events use; no two providers share one.")
    kind: ProviderKind = Field(default=DEFAULT_KIND, description="Which built-in adapter speaks to it.")
    adapter: Filled | None = Field(
        default=None,
        description="Instead of `kind`: an adapter of your own, as an import path"
        " (`acme.gateway:LabModel`) or the name of an installed entry point.",
    )
    options: dict[str, JsonValue] = Field(
        default_factory=dict, description="Handed to the adapter as they are. Text in them is interpolated."
    )
    base_url: HttpAddress | None = Field(
        default=None,
        description="The address of the API. Required by the kinds that call one. Interpolated.",
    )
    model: Filled | None = Field(
        default=None,
        description="The model to ask for, in the upstream's own words."
        " Required by the kinds that serve several. Interpolated.",
    )
    api_key_env: VariableName | None = Field(
        default=None,
        description="The name of the environment variable that holds the key; a key itself is refused.",
    )
    api_key_file: FileOfKey | None = Field(
        default=None,
        description="A file that holds the key, such as a container secret or a systemd credential."
        " Interpolated.",
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Headers to add to every upstream request. Values are interpolated."
    )
    paid: bool = Field(default=False, description="Costs money: skipped unless `allow_paid`.")
    locality: Literal["local", "lan", "cloud"] | None = Field(
        default=None,
        description="Where it runs. Unset: told from the address (loopback is local; private ranges,"
        " `.local` and single-label names are lan).",
    )
    context_window: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Tokens of its context. Unset: learned."
    )
    max_output_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="The output limit of requests that come without one, told by the name that the upstream"
        " has for it. Unset: the largest that `extra_body` says. Under a `hard` budget a provider of which no"
        " limit is known is not asked without one.",
    )
    timeout_s: RequestSeconds | None = Field(
        default=None, description="One number for the deadlines below that are unset."
    )
    extra_body: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Fields to put under every request; what the client says beats them. A limit of the"
        " answer (`max_tokens`, `max_completion_tokens`, `max_output_tokens`, `options.num_predict`) counts"
        " where `max_output_tokens` is unset. Under a `hard` budget a provider is not asked whose fields may"
        " cost more than is reckoned: those with words or tools in them, more than one answer (`n`,"
        " `best_of`), and those of which it is not known that they cost nothing, such as"
        " `service_tier: priority`. For kind `anthropic` the key `anthropic_version` becomes the header of"
        " that name; `max_completion_tokens` has that name used for the limit of every request.",
    )
    append_system_prompt: str | None = Field(
        default=None, description="Text to add to the end of the system prompt."
    )
    output_filters: Entries[OutputFilter] = Field(
        default=(),
        description="Filters for the text of its answers, applied in order: `strip_thinking` takes out"
        " `<think>…</think>`, `thinking_to_blocks` shows it as thinking instead, `strip_stop_markers` takes"
        " out marks of the chat template such as `<|im_end|>`.",
    )
    capabilities: Capabilities = Field(default_factory=Capabilities, description="What its model can do.")
    tool_names: Literal["auto", "safe", "as_is"] = Field(
        default="auto",
        description="`safe` gives tools names of letters, digits, `_` and `-`, 64 at most, and gives their"
        " own back in answers; `auto` does so for clients of another language and once more for a request"
        " whose names were refused, `as_is` never.",
    )
    tool_schemas: Literal["as_is", "plain"] = Field(
        default="as_is",
        description="`plain` says what tools take without `$ref`, `anyOf`, lists of types and other words"
        " that some servers refuse. References that lead in circles or nowhere, or that would add more than"
        " 64 KiB to a request, leave only a type; `capability-degraded` tells so.",
    )
    deferred_tools: Literal["auto", "expand", "pass"] = Field(
        default="auto",
        description="Tools that a client would look up when it needs them: `expand` offers all at once,"
        " `pass` leaves that to the provider; `auto` expands them for all but Anthropic itself.",
    )
    fill_reasoning: bool = Field(
        default=False,
        description="Gives every past turn that calls tools a `reasoning_content`, an empty one where the"
        " client has none, as DeepSeek and others demand while they think. For kind `openai_compat`.",
    )
    drop_betas: Entries[Filled] = Field(
        default=(),
        description="Patterns of `anthropic-beta` values that it does not know, such as"
        " `context-management-*`; fields that go with them are left out as well. For kind `anthropic`.",
    )
    probe: Probe | None = Field(
        default=None,
        description="Asks it at intervals whether it is there. Unset: its answers tell, and whoever is"
        " `local` or `lan` is asked once for the context windows of its models.",
    )
    wake_on_lan: WakeOnLan | None = Field(
        default=None,
        description="How to wake its machine. That it sleeps is not held against its health. Needs"
        " `base_url`.",
    )
    max_concurrency: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="How many requests it answers side by side; others wait. Unset: any number."
    )
    max_queue: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=32,
        description="How many may wait for it in each worker; of one too many, the last in turn goes to the"
        " next target.",
    )
    queue_timeout_s: Annotated[float, Field(gt=0.0, le=3600.0)] = Field(
        default=60.0, description="Seconds that one waits for it before the chain moves on."
    )
    quota: Entries[Quota] = Field(
        default=(), description="What its plan lets through; when a line is used up it is left alone."
    )
    cost: Cost | None = Field(default=None, description="What it charges.")
