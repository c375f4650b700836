"""Keys that a test holds in its hand."""

from domain.access.keys import Key, KeyRing, StoredKey
from domain.ports.storage import StoreUnavailable


class HeldKeys:
    """Keeps keys in memory; cannot be read or written while ``away``."""

    def __init__(self, *keys: StoredKey) -> None:
        self.away = False
        self._keys = {key.id: key for key in keys}
        self._generation = 0

    def __repr__(self) -> str:
        return f"<HeldKeys {sorted(self._keys)}>"

    async def keys(self) -> tuple[StoredKey, ...]:
        self._must_be_there()
        return tuple(sorted(self._keys.values(), key=lambda key: (key.created_at, key.id)))

    async def put(self, key: StoredKey) -> None:
        self._must_be_there()
        self._keys[key.id] = key
        self._generation += 1

    async def generation(self) -> int:
        self._must_be_there()
        return self._generation

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
