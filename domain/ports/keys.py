"""Which keys hold."""

from typing import Protocol

from domain.access.keys import KeyRing


class CurrentKeys(Protocol):
    """The keys that hold now. Asking never waits and never fails."""

    @property
    def ring(self) -> KeyRing: ...
