"""Keeps keys as records of the state."""

from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from domain.access.keys import Key
from domain.ports.storage import RecordStore, StoreUnavailable

_TOPIC = "keys"


class KeyRecords:
    """Implements `domain.ports.keys.KeyStore`."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return f"<KeyRecords in {self._store!r}>"

    async def keys(self) -> tuple[Key, ...]:
        records = await self._store.records(_TOPIC)
        try:
            found = [msgspec.json.decode(text, type=Key, dec_hook=_zone) for text in records.values()]
        except msgspec.MsgspecError as error:
            raise StoreUnavailable(f"a key in the state cannot be understood: {error}") from error
        return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))

    async def put(self, key: Key) -> None:
        await self._store.put(_TOPIC, key.id, msgspec.json.encode(key, enc_hook=_plain).decode())

    async def generation(self) -> int:
        return await self._store.generation(_TOPIC)


def _plain(value: Any) -> Any:
    """Sets as lists, and the zone of a budget by its name."""
    return str(value) if isinstance(value, tzinfo) else sorted(value)


def _zone(kind: type, name: Any) -> Any:
    """
    The zone with this name.

    Raises:
        ValueError: there is none; `msgspec` tells it as its own error.
    """
    if kind is not tzinfo or not isinstance(name, str):
        raise ValueError(f"{name!r} is no {kind.__name__}")
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error
