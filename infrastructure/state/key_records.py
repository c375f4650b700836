"""Keeps keys as records of the state."""

from typing import Any

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
            found = [msgspec.json.decode(text, type=Key) for text in records.values()]
        except msgspec.MsgspecError as error:
            raise StoreUnavailable(f"a key in the state cannot be understood: {error}") from error
        return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))

    async def put(self, key: Key) -> None:
        await self._store.put(_TOPIC, key.id, msgspec.json.encode(key, enc_hook=_set_as_list).decode())

    async def generation(self) -> int:
        return await self._store.generation(_TOPIC)


def _set_as_list(value: Any) -> Any:
    return sorted(value)
