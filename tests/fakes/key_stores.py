"""Keys that a test holds in its hand."""

import asyncio

from domain.access.keys import Key, KeyRing, StoredKey
from domain.ports.storage import StoreUnavailable


class HeldKeys:
    """
    Keeps keys in memory; cannot be read or written while ``away``.

    Attributes:
        takes_s: how long it takes until what was read arrives.
        looks: how often its generation was asked for.
    """

    def __init__(self, *keys: StoredKey) -> None:
        self.away = False
        self.takes_s = 0.0
        self.looks = 0
        self._keys = {key.id: key for key in keys}
        self._generation = 0

    def __repr__(self) -> str:
        return f"<HeldKeys {sorted(self._keys)}>"

    async def keys(self) -> tuple[StoredKey, ...]:
        self._must_be_there()
        found = tuple(sorted(self._keys.values(), key=lambda key: (key.created_at, key.id)))
        await asyncio.sleep(self.takes_s)
        return found

    async def put(self, key: StoredKey) -> None:
        self._must_be_there()
        self._keys[key.id] = key
        self._generation += 1

    async def generation(self) -> int:
        self.looks += 1
        self._must_be_there()
        found = self._generation
        await asyncio.sleep(self.takes_s)
        return found

    def _must_be_there(self) -> None:
        if self.away:
            raise StoreUnavailable("the disk is away")


class StandingKeys:
    """Implements `domain.ports.keys.CurrentKeys` with keys that stay as they are."""

    are_known = True

    def __init__(self, *keys: Key) -> None:
        self.ring = KeyRing(keys, {})

    def __repr__(self) -> str:
        return f"<StandingKeys {self.ring!r}>"
