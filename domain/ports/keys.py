"""Keeping keys, and knowing which of them hold."""

from typing import Protocol

from domain.access.keys import Key, KeyRing, StoredKey


class KeyStore(Protocol):
    """
    Where keys outlive the process, shared by all that serve from one state.

    Each operation raises `domain.ports.storage.StoreUnavailable` when the state cannot be read or written.
    """

    async def keys(self) -> tuple[StoredKey, ...]:
        """All keys, revoked and expired ones too, the oldest first; one that is unreadable hides no other."""
        ...

    async def put(self, key: Key) -> None:
        """Adds the key, or takes the place of the one with its id; on return it is safe."""
        ...

    async def generation(self) -> int:
        """A number that changes whenever a key does; asking is cheap."""
        ...


class CurrentKeys(Protocol):
    """The keys that hold now. Asking never waits and never fails."""

    @property
    def ring(self) -> KeyRing: ...

    @property
    def are_known(self) -> bool:
        """Whether the ring has every key; not before the state could be read for the first time."""
        ...


class RenewedKeys(CurrentKeys, Protocol):
    """The keys that hold now, where somebody may ask that the state be looked at."""

    async def look_again(self) -> None:
        """
        Renews the ring for a key that it does not know; however many ask, the state is hardly troubled.

        Never raises, and changes nothing while the state cannot be read.
        """
        ...
