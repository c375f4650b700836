"""Events about who may ask for what."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class AuthRejected:
    """
    A request was turned away for its key.

    ``reason`` is ``missing``, ``malformed``, ``unknown``, ``revoked``, ``expired``, ``no-member``,
    ``unreadable``, ``wrong-scope`` or ``throttled``; ``key_id`` is what the request claimed, and is empty
    when it showed no key of ours.
    """

    name: ClassVar[str] = "auth-rejected"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    reason: str
    key_id: str
    scope: str
    path: str
    client: str


@value(kw_only=True)
class KeysChanged:
    """Keys were made, changed or revoked; from now on these are the ones that hold."""

    name: ClassVar[str] = "keys-changed"
    level: ClassVar[Level] = Level.INFO
    holding: int
    revoked: int


@value(kw_only=True)
class KeysUnreadable:
    """
    The state does not tell which keys hold; told once until it does again.

    Keys that were good stay good. Unless ``known``, the gateway has not read the state since it started and
    answers 503 to all but the keys of its configuration.
    """

    name: ClassVar[str] = "keys-unreadable"
    level: ClassVar[Level] = Level.ERROR
    error: str
    known: bool


@value(kw_only=True)
class KeyUnreadable:
    """
    The record of a key cannot be understood, such as a time zone that this machine does not know.

    The key opens nothing until it can; all others hold. Told at the start, and when it happens.
    """

    name: ClassVar[str] = "key-unreadable"
    level: ClassVar[Level] = Level.ERROR
    key_id: str
    error: str


@value(kw_only=True)
class ForbiddenProviderSkipped:
    """
    A provider was left out because the caller may not ask it.

    ``reason`` is ``not-permitted`` (``detail`` names the profile or provider) or ``not-near``: the caller's
    requests must not leave the house.
    """

    name: ClassVar[str] = "skip-forbidden-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    reason: str
    detail: str


@value(kw_only=True)
class ChainAccessBlocked:
    """A chain is empty because the caller may not ask what was left of it."""

    name: ClassVar[str] = "chain-access-blocked"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    blocked_providers: tuple[str, ...]
    hint: str = "let the member use the profile and its providers, or send it to another profile"
