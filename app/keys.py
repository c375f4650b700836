"""The keys that hold: those that the configuration names and those that the state keeps."""

import asyncio
from collections.abc import Callable, Mapping

from domain.access.keys import Key, KeyRing, StoredKey, UnreadableKey
from domain.access.permissions import Permissions
from domain.inventory.access import KeysChanged, KeysUnreadable, KeyUnreadable
from domain.ports.keys import KeyStore
from domain.ports.observation import EventSink
from domain.ports.storage import StoreUnavailable
from domain.ports.time import Clock

LOOK_EVERY_S = 0.2
"""How long a key that was revoked elsewhere may still open something, about, while the state can be read."""

_LOOKS_APART_S = 0.2
"""However many unknown keys are shown, the state is looked at for them no more often: guessing is no load."""

_NEVER = -1


class Keys:
    """
    Implements `domain.ports.keys.RenewedKeys`: looks at the state every now and then.

    A state that cannot be read changes nothing: keys that were good stay good, and no others become so.
    Before it could be read once nobody knows whether there are keys, and the gateway must not be open then.

    Args:
        written: keys that the configuration names.
        members: what each declared member may do.
        holds_something: whether there is a state at all; where there is none, it holds no key.
        on_change: told of every ring, and of the first one right away.
    """

    def __init__(
        self,
        written: tuple[Key, ...],
        members: Mapping[str, Permissions],
        store: KeyStore,
        sink: EventSink,
        clock: Clock,
        *,
        holds_something: Callable[[], bool],
        on_change: Callable[[KeyRing], None],
    ) -> None:
        self._written = written
        self._members = members
        self._store = store
        self._sink = sink
        self._clock = clock
        self._holds_something = holds_something
        self._generation = _NEVER
        self._unreadable = False
        self._looking = asyncio.Lock()
        self._asked_at = -_LOOKS_APART_S
        self._told: frozenset[UnreadableKey] = frozenset()
        self._on_change = on_change
        self.ring = KeyRing(written, members)
        self.are_known = False
        on_change(self.ring)

    def __repr__(self) -> str:
        return f"<Keys {self.ring!r} known={self.are_known}>"

    async def refresh(self) -> None:
        """Takes over what the state says now, if it says anything. Never raises."""
        # One at a time: a slow look that began earlier must not put its older ring in the place of a newer.
        async with self._looking:
            await self._renew()

    async def look_again(self) -> None:
        if self._unreadable:
            return
        # Who comes while somebody else's look is under way waits for that one, and needs none of its own.
        async with self._looking:
            now = self._clock.monotonic()
            if now - self._asked_at >= _LOOKS_APART_S:
                self._asked_at = now
                await self._renew()

    async def watch(self) -> None:
        """Keeps up with the state until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.refresh()

    async def _renew(self) -> None:
        try:
            await self._look()
        except StoreUnavailable as error:
            self.are_known = self.are_known or not self._holds_something()
            if not self._unreadable:
                self._sink.emit(KeysUnreadable(error=str(error)[:500], known=self.are_known))
            self._unreadable = True
        else:
            self.are_known = True
            self._unreadable = False

    async def _look(self) -> None:
        generation = await self._store.generation()
        if generation == self._generation:
            return
        stored = await self._store.keys()
        self.ring = KeyRing((*stored, *self._written), self._members)
        self._on_change(self.ring)
        unreadable = self._tell_unreadable(stored)
        if self._generation != _NEVER:
            revoked = sum(key.revoked_at is not None for key in self.ring)
            holding = len(self.ring) - revoked - unreadable
            self._sink.emit(KeysChanged(holding=holding, revoked=revoked))
        self._generation = generation

    def _tell_unreadable(self, stored: tuple[StoredKey, ...]) -> int:
        """How many keys nobody can read; each is told once, as long as it stays so."""
        found = [key for key in stored if isinstance(key, UnreadableKey)]
        for key in found:
            if key not in self._told:
                self._sink.emit(KeyUnreadable(key_id=key.id, error=key.reason[:500]))
        self._told = frozenset(found)
        return len(found)
