"""The `members` and `auth` sections: who may ask, and for what."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.admission import Limits
from config.schema.fields import FileOfKey, Filled
from config.schema.money import Budget
from config.schema.section import Entries, Section

ScopeName = Literal["inference", "metrics", "admin"]


class Access(Section):
    """What somebody may ask for."""

    profiles: Entries[str] | None = Field(default=None, description="The profiles to use. Unset: all.")
    providers: Entries[str] | None = Field(
        default=None, description="The providers that may be asked, in any profile. Unset: all."
    )
    paid: bool = Field(
        default=True,
        description="Whether providers marked `paid` may be asked, if `allow_paid` is on.",
    )
    lan_only: bool = Field(
        default=False, description="Nothing leaves the house: only `local` and `lan` providers are asked."
    )


class Member(Access):
    """A person or a program that holds keys; whatever is set here holds for all of its keys together."""

    limits: Limits | None = Field(
        default=None, description="What all its requests together may use at a time."
    )
    weight: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Its share of turns where requests wait for a busy provider."
    )
    budget: Budget | None = Field(default=None, description="What all its requests together may cost.")


class AuthKey(Access):
    """A key that stands in the file; what it sets can only take away from what its member may do or use."""

    member: Filled = Field(description="Whose key it is; one of `members`.")
    hash_file: FileOfKey = Field(
        description="A file with the key's id and digest, as `coderouter keys create --hash-file` writes it."
    )
    budget: Budget | None = Field(default=None, description="What this key alone may cost.")
    limits: Limits | None = Field(default=None, description="What this key alone may use at a time.")
    scopes: Annotated[Entries[ScopeName], Field(min_length=1)] = Field(
        default=("inference",), description="What the key opens; `admin` includes nothing else."
    )


class Auth(Section):
    """Keys for deployments whose state cannot hold them; they hold beside those that the state keeps."""

    keys: Entries[AuthKey] = Field(default=(), description="Keys whose secrets only their members have.")
