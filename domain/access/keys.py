"""
Keys of members, and who it is that shows one.

A key reads ``cr_<id>_<secret>``. Only a digest of the secret is kept. The secret has 256 random bits, so a
fast digest is enough: there is nothing to guess that a slow one would protect (OWASP's "Password Storage" is
about what people choose). The digest covers the id, so that those of two keys cannot be exchanged.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import TypeAlias

from domain.access.permissions import EVERYTHING, Permissions
from domain.admission.limits import Limits
from domain.budget.accounts import Budget
from domain.values import value

_TOKEN = re.compile(r"cr_(?P<id>[a-z0-9]{4,32})_(?P<secret>[A-Za-z0-9_-]{22,128})")


class Scope(StrEnum):
    """What a key opens. No scope includes another."""

    INFERENCE = "inference"
    METRICS = "metrics"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """
    One key, without its secret.

    Attributes:
        id: public; names the key in lists, events and logs.
        member: whose key it is; spending and limits are the member's.
        digest: of id and secret, in hexadecimal.
        narrowing: what the key takes away from what its member may do.
        budget: what it may spend, however much its member may.
        limits: what it may use at a time, likewise.
        root: the first of the keys that it took the place of, whose spending goes on; empty for none.
        created_at: seconds since the epoch.
        expires_at: seconds since the epoch; ``None`` for never.
        revoked_at: seconds since the epoch; ``None`` while it holds.
    """

    id: str
    member: str
    digest: str
    scopes: frozenset[Scope]
    narrowing: Permissions = EVERYTHING
    budget: Budget | None = None
    limits: Limits | None = None
    root: str = ""
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None

    def holds(self, now: float) -> bool:
        """Whether it has neither been revoked nor expired; ``now`` in seconds since the epoch."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def account(self) -> str:
        """Under which id it spends and is limited."""
        return self.root or self.id


@dataclass(frozen=True, slots=True)
class UnreadableKey:
    """
    A key of which nobody knows what it may do, as its record cannot be understood: it opens nothing.

    Attributes:
        remains: what of it can be told.
        reason: why not all can.
    """

    remains: Key
    reason: str

    @property
    def id(self) -> str:
        return self.remains.id

    @property
    def created_at(self) -> float:
        return self.remains.created_at


StoredKey: TypeAlias = Key | UnreadableKey


@value(kw_only=True)
class Caller:
    """
    Who asks.

    Attributes:
        key_id: empty for somebody at a gateway without keys.
        key_account: under which id the key spends and is limited.
    """

    member: str = ""
    key_id: str = ""
    key_account: str = ""
    permissions: Permissions = EVERYTHING


ANYBODY = Caller()
"""Who asks at a gateway without keys: a person on their own machine."""


class KeyFault(StrEnum):
    """Why a key opens nothing."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    NO_MEMBER = "no-member"
    WRONG_SCOPE = "wrong-scope"


@value
class Refused:
    """No entry; ``key_id`` is what the caller claimed, empty when it is no key at all."""

    fault: KeyFault
    key_id: str = ""


Entry: TypeAlias = Caller | Refused


class KeyRing:
    """
    Every key there is; says who it is that shows one.

    Args:
        keys: later ones take the place of earlier ones with the same id. Those that nobody can read count
            among them: they open nothing, and are no reason to let everybody in.
        members: what each declared member may do. Where any is declared, nobody else's key is good for
            inference; where none is, every member may do everything.
    """

    def __init__(self, keys: Iterable[StoredKey], members: Mapping[str, Permissions]) -> None:
        stored = {key.id: key for key in keys}
        unreadable = {key.id: key.remains for key in stored.values() if isinstance(key, UnreadableKey)}
        self._unreadable = frozenset(unreadable)
        self._keys = {key.id: key for key in stored.values() if isinstance(key, Key)} | unreadable
        self._members = members
        self._callers = {key.id: _caller(key, members) for key in self._keys.values()}

    def __repr__(self) -> str:
        return f"<KeyRing {sorted(self._keys)}>"

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def entry(self, token: str, scope: Scope, now: float) -> Entry:
        """
        Who shows the token, if it opens what is asked for.

        Args:
            token: empty when none was shown.
            now: seconds since the epoch.
        """
        match = _TOKEN.fullmatch(token)
        if match is None:
            return Refused(KeyFault.MALFORMED if token else KeyFault.MISSING)
        fault = self._fault(match["id"], match["secret"], scope, now)
        return self._callers[match["id"]] if fault is None else Refused(fault, match["id"])

    def _fault(self, key_id: str, secret: str, scope: Scope, now: float) -> KeyFault | None:
        """A wrong secret is told like a wrong id; of a key nothing is told before its secret is right."""
        key = self._keys.get(key_id)
        if not compare_digest(digest_of(key_id, secret), key.digest if key else _NO_DIGEST) or key is None:
            return KeyFault.UNKNOWN
        if key.revoked_at is not None:
            return KeyFault.REVOKED
        if key.expires_at is not None and key.expires_at <= now:
            return KeyFault.EXPIRED
        if key_id in self._unreadable:
            return KeyFault.UNREADABLE
        if scope not in key.scopes:
            return KeyFault.WRONG_SCOPE
        is_stranger = bool(self._members) and key.member not in self._members
        return KeyFault.NO_MEMBER if is_stranger and scope is Scope.INFERENCE else None


def digest_of(key_id: str, secret: str) -> str:
    """What is kept of a key's secret."""
    return sha256(f"{key_id}_{secret}".encode()).hexdigest()


_NO_DIGEST = "0" * 64


def token_of(key_id: str, secret: str) -> str:
    """
    The key as its member writes it.

    Raises:
        ValueError: id or secret are not of the form that `KeyRing` reads.
    """
    token = f"cr_{key_id}_{secret}"
    if _TOKEN.fullmatch(token) is None:
        raise ValueError("the id has lower-case letters and digits, the secret 22 characters or more")
    return token


def id_in(text: str) -> str:
    """The id of a key, out of the whole key where somebody shows that: it must be repeated nowhere."""
    return text.split("_")[1] if text.startswith("cr_") else text


def _caller(key: Key, members: Mapping[str, Permissions]) -> Caller:
    permissions = members.get(key.member, EVERYTHING).narrowed_by(key.narrowing)
    return Caller(member=key.member, key_id=key.id, key_account=key.account, permissions=permissions)
