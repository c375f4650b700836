"""Records that several processes write and read, looked at only when there is something new among them."""

from collections.abc import Mapping

from domain.ports.storage import RecordStore

_NEVER = -1


class SharedTopic:
    """One topic of a store, as one of its readers."""

    def __init__(self, store: RecordStore, topic: str) -> None:
        self._store = store
        self._topic = topic
        self._generation = _NEVER

    def __repr__(self) -> str:
        return f"<SharedTopic {self._topic} at {self._generation}>"

    async def changed(self) -> Mapping[str, str] | None:
        """
        All records by name, if any has been written since this was asked last; else ``None``.

        Raises:
            StoreUnavailable: they cannot be read; the next to ask is told of them.
        """
        generation = await self._store.generation(self._topic)
        if generation == self._generation:
            return None
        records = await self._store.records(self._topic)
        self._generation = generation
        return records

    async def put(self, name: str, text: str, *, lasts_s: float) -> None:
        """
        Writes a record; what is read back at the next look shows whether another was faster.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        await self._store.put(self._topic, name, text, lasts_s=lasts_s)
