"""The whole file."""

from typing import Annotated

from pydantic import Field

from config.schema.access import Auth, Member
from config.schema.auto_router import AutoRouter
from config.schema.fields import Filled, ZoneName
from config.schema.models import ModelAlias
from config.schema.profile import Profile
from config.schema.provider import Provider
from config.schema.section import Entries, Section
from config.schema.server import Server, Session
from config.schema.state import State, Usage

AUTO = "auto"
"""The value of `default_profile` that hands the choice to the auto-router."""


class Config(Section):
    """What `providers.yaml` says."""

    providers: Annotated[Entries[Provider], Field(min_length=1)] = Field(description="The upstreams.")
    profiles: Annotated[Entries[Profile], Field(min_length=1)] = Field(
        description="Named orders of providers with their policies."
    )
    default_profile: str = Field(
        default="default",
        description="The profile of a request that names none; `auto` lets `auto_router` choose.",
    )
    allow_paid: bool = Field(default=False, description="Lets providers marked `paid` be used.")
    mode_aliases: dict[Filled, str] = Field(
        default_factory=dict, description="Short names for profiles, sent as `X-CodeRouter-Mode`."
    )
    models: dict[Filled, ModelAlias] = Field(
        default_factory=dict,
        description="Names that a client may send as `model`, each for a profile, a provider, or a"
        " provider with a model.",
    )
    auto_router: AutoRouter | None = Field(
        default=None, description="Rules that choose the profile when `default_profile` is `auto`."
    )
    state: State = Field(default_factory=State, description="What must outlive the gateway.")
    members: dict[Filled, Member] = Field(
        default_factory=dict,
        description="Who may ask, and for what. Where any is declared, only their keys open anything.",
    )
    auth: Auth = Field(default_factory=Auth, description="Keys beside those that the state keeps.")
    session: Session = Field(default_factory=Session, description="How a conversation is recognised.")
    server: Server = Field(default_factory=Server, description="How the gateway listens.")
    usage: Usage = Field(default_factory=Usage, description="The log of what was used.")
    display_timezone: ZoneName | None = Field(
        default=None, description="The IANA time zone in which times are shown. Unset: UTC."
    )
