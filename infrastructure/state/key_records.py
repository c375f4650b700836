"""Keeps keys as records of the state."""

from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from domain.access.keys import Key, StoredKey, UnreadableKey
from domain.ports.storage import RecordStore

_TOPIC = "keys"


class KeyRecords:
    """Implements `domain.ports.keys.KeyStore`."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return f"<KeyRecords in {self._store!r}>"

    async def keys(self) -> tuple[StoredKey, ...]:
        records = await self._store.records(_TOPIC)
        found = [_stored(name, text) for name, text in records.items()]
        return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))

    async def put(self, key: Key) -> None:
        await self._store.put(_TOPIC, key.id, msgspec.json.encode(key, enc_hook=_plain).decode())

    async def generation(self) -> int:
        return await self._store.generation(_TOPIC)


class _Remains(msgspec.Struct):
    """What of a key is as simple as can be."""

    member: str = ""
    digest: str = ""
    root: str = ""
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None


def _stored(name: str, text: str) -> StoredKey:
    try:
        return msgspec.json.decode(text, type=Key, dec_hook=_zone)
    except _GARBLED as error:
        remains = Key(id=name, scopes=frozenset(), **msgspec.structs.asdict(_remains(text)))
        # One that was revoked opens nothing anyhow.
        return UnreadableKey(remains, str(error)) if remains.revoked_at is None else remains


def _remains(text: str) -> _Remains:
    try:
        return msgspec.json.decode(text, type=_Remains)
    except _GARBLED:
        return _Remains()


_GARBLED = (msgspec.MsgspecError, RecursionError)


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
        raise ValueError(f"this machine knows no time zone {name!r}") from error
