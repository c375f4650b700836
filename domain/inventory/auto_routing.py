"""Events about how the profile of a request was chosen when the client chose none."""

from collections.abc import Mapping
from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class AutoRouterResolved:
    """
    A rule chose the profile.

    The signals are `has_image`, `code_fence_ratio`, `content_len`, `model`, `estimated_tokens`, `has_tools`.
    One that cannot be found out is null: the request says something that could not be understood.
    """

    name: ClassVar[str] = "auto-router-resolved"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    rule_id: str
    resolved_profile: str
    signals: Mapping[str, bool | int | float | str | None]


@value(kw_only=True)
class AutoRouterFellThrough:
    """
    No rule chose the profile; its signals have `disabled` in the place of `has_image`.

    A signal that cannot be found out is null.
    """

    name: ClassVar[str] = "auto-router-fallthrough"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    resolved_profile: str
    signals: Mapping[str, bool | int | float | str | None]


@value(kw_only=True)
class SessionKeptProfile:
    """A session stayed with the profile it had; `rule_id` chose it then and is empty when no rule did."""

    name: ClassVar[str] = "auto-router-session-kept"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    rule_id: str
    resolved_profile: str
