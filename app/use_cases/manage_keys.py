"""Makes, lists, replaces and revokes keys."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from app.use_cases.key_terms import UnclearTerms
from domain.access.keys import Key, Scope, StoredKey, UnreadableKey, digest_of, id_in, token_of
from domain.access.permissions import EVERYTHING, Permissions
from domain.admission.limits import Limits
from domain.budget.accounts import Budget
from domain.ports.keys import KeyStore
from domain.ports.time import Clock
from domain.values import value


class UnknownKey(Exception):
    """No key has that id; the message names those there are."""


class UnknownMember(Exception):
    """The configuration declares members, and this is none of them; the message names them."""


class UnknownPlace(Exception):
    """The configuration has no such profile or provider; the message names those there are."""


@value(kw_only=True)
class Wanted:
    """
    The key that somebody wants.

    Attributes:
        root: whose spending it goes on with; empty for nobody's.
        lasts_s: how long it holds, in seconds; ``None`` for ever.
    """

    member: str
    scopes: frozenset[Scope] = frozenset({Scope.INFERENCE})
    narrowing: Permissions = EVERYTHING
    budget: Budget | None = None
    limits: Limits | None = None
    root: str = ""
    lasts_s: float | None = None


@value
class Made:
    """A new key; ``token`` is shown to its member now and never again."""

    key: Key
    token: str


class ManageKeys:
    """
    Manages the keys that the state keeps. Each operation raises `StoreUnavailable` when it cannot.

    Args:
        members: those that the configuration declares.
        profiles, providers: those that the configuration names.
        fresh_id: draws the id of a new key.
        fresh_secret: draws its secret.
    """

    def __init__(
        self,
        store: KeyStore,
        clock: Clock,
        members: Mapping[str, Permissions],
        *,
        profiles: Collection[str],
        providers: Collection[str],
        fresh_id: Callable[[], str],
        fresh_secret: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._members = members
        self._places = {"profile": frozenset(profiles), "provider": frozenset(providers)}
        self._fresh_id = fresh_id
        self._fresh_secret = fresh_secret

    def __repr__(self) -> str:
        return f"<ManageKeys in {self._store!r}>"

    async def keys(self) -> tuple[StoredKey, ...]:
        """All keys of the state, the oldest first."""
        return await self._store.keys()

    async def create(self, wanted: Wanted) -> Made:
        """
        A new key.

        Raises:
            UnknownMember, UnknownPlace: the configuration has others.
        """
        made = self.draw(wanted)
        await self._store.put(made.key)
        return made

    def draw(self, wanted: Wanted) -> Made:
        """
        A key that the state does not keep, for a hash file.

        Raises:
            UnknownMember, UnknownPlace: the configuration has others.
            UnclearTerms: it is to be kept to a budget or limits, and opens nothing that they are about.
        """
        if Scope.INFERENCE not in wanted.scopes and (wanted.budget or wanted.limits):
            raise UnclearTerms("a key that does not open inference spends nothing: no budget and no limits")
        if self._members and wanted.member not in self._members and Scope.INFERENCE in wanted.scopes:
            declared = ", ".join(sorted(self._members))
            raise UnknownMember(f"no member is called {wanted.member!r}; declared are: {declared}")
        self._check("profile", wanted.narrowing.profiles)
        self._check("provider", wanted.narrowing.providers)
        return self._drawn(wanted)

    def _drawn(self, wanted: Wanted) -> Made:
        key_id, secret = self._fresh_id(), self._fresh_secret()
        now = self._clock.time()
        key = Key(
            id=key_id,
            member=wanted.member,
            digest=digest_of(key_id, secret),
            scopes=wanted.scopes,
            narrowing=wanted.narrowing,
            budget=wanted.budget,
            limits=wanted.limits,
            root=wanted.root,
            created_at=now,
            expires_at=None if wanted.lasts_s is None else now + wanted.lasts_s,
        )
        return Made(key, token_of(key_id, secret))

    async def rotate(self, key_id: str, *, grace_s: float = 0.0) -> Made:
        """
        A new key in the place of this one, which holds for ``grace_s`` seconds more; its spending goes on.

        Raises:
            UnknownKey: there is none with that id that still holds, another has its place already, or nobody
                knows what it may do.
        """
        old = await self._key(key_id)
        if isinstance(old, UnreadableKey):
            raise UnknownKey(f"the key {old.id!r} cannot be understood: {old.reason}; make a new one instead")
        now = self._clock.time()
        if not old.holds(now):
            raise UnknownKey(f"the key {old.id!r} has ended; make a new one instead")
        successor = await self._successor(old, now)
        if successor is not None:
            raise UnknownKey(f"the key {old.id!r} has been replaced by {successor.id!r}: replace that one")
        lasts_s = None if old.expires_at is None else max(0.0, old.expires_at - now)
        made = self._drawn(
            Wanted(
                member=old.member,
                scopes=old.scopes,
                narrowing=old.narrowing,
                budget=old.budget,
                limits=old.limits,
                root=old.account,
                lasts_s=lasts_s,
            )
        )
        await self._store.put(made.key)
        ends_at = now + grace_s if old.expires_at is None else min(old.expires_at, now + grace_s)
        ended = replace(old, expires_at=ends_at) if grace_s else replace(old, revoked_at=now)
        await self._store.put(ended)
        return made

    async def revoke(self, key_id: str) -> Key:
        """
        The key opens nothing any more, in any process that serves from this state.

        Raises:
            UnknownKey: there is none with that id.
        """
        found = await self._key(key_id)
        key = found.remains if isinstance(found, UnreadableKey) else found
        revoked = key if key.revoked_at is not None else replace(key, revoked_at=self._clock.time())
        await self._store.put(revoked)
        return revoked

    def _check(self, what: str, wanted: frozenset[str] | None) -> None:
        there_are = self._places[what]
        unknown = sorted((wanted or frozenset()) - there_are)
        if unknown:
            known = ", ".join(sorted(there_are))
            raise UnknownPlace(f"no {what} is called {unknown[0]!r}; there are: {known}")

    async def _successor(self, old: Key, now: float) -> Key | None:
        """The newest key that goes on with the spending of an older one."""
        keys = [key for key in await self._store.keys() if isinstance(key, Key)]
        line = [key for key in keys if key.account == old.account and key.holds(now)]
        newest = max(line, key=lambda key: key.created_at)
        return None if newest.created_at <= old.created_at else newest

    async def _key(self, key_id: str) -> StoredKey:
        keys, wanted = await self._store.keys(), id_in(key_id)
        found = next((key for key in keys if key.id == wanted), None)
        if found is None:
            there_are = ", ".join(map(_whose, keys[-20:])) or "none"
            raise UnknownKey(f"no key has the id {wanted!r}; there are: {there_are}")
        return found


def _whose(stored: StoredKey) -> str:
    """Its id and its member: whoever takes one for the other shall see which is which."""
    key = stored.remains if isinstance(stored, UnreadableKey) else stored
    return f"{key.id} of {key.member}"
