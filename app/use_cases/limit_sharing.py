"""Tells processes that serve from one state what the others let through for each member and key."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress

from app.use_cases.member_limits import MemberLimits
from app.use_cases.sharing import Sharing
from domain.admission.limits import Elsewhere
from domain.ports.storage import RecordStore, StoreUnavailable
from domain.ports.time import Clock

_LASTS_S = 10.0
"""How long the word of a process counts that says no more, or can be heard no more."""

_RENEWS_EVERY_S = 3.0
"""How often a word is said again that has not changed."""

_TOPIC = "members-in-use"
_NOTHING = "{}"


class LimitSharing(Sharing):
    """
    Publishes what this process counts and takes over what the others do.

    While the store is lost each goes by what it knew last of the others, as long as their word would have
    counted in the store, and then by what it counts itself.

    Args:
        own_name: tells this process from the others.
    """

    every_s = 0.5
    """How old its picture of the others may be; so long they may let some more through."""

    def __init__(self, limits: MemberLimits, store: RecordStore, clock: Clock, *, own_name: str) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._own_name = own_name
        self._told = _NOTHING
        self._told_at = 0.0

    def __repr__(self) -> str:
        return f"<LimitSharing as {self._own_name}>"

    async def share(self) -> None:
        if not self._limits.meters:
            return
        with suppress(StoreUnavailable):  # a full disk can still be read
            await self._tell()
        await self._hear()

    async def _tell(self) -> None:
        now = self._clock.monotonic()
        uses = {name: meter.use(now) for name, meter in self._limits.meters.items()}
        told = json.dumps({name: use for name, use in uses.items() if any(use)})
        is_due = told != _NOTHING and now - self._told_at >= _RENEWS_EVERY_S
        if told != self._told or is_due:
            await self._store.put(_TOPIC, self._own_name, told, lasts_s=_LASTS_S)
            self._told, self._told_at = told, now

    async def _hear(self) -> None:
        records = await self._store.records(_TOPIC)
        others = [json.loads(text) for name, text in records.items() if name != self._own_name]
        self._limits.hear({name: _sum(others, name) for name in self._limits.meters}, lasts_s=_LASTS_S)


def _sum(others: Iterable[Mapping[str, list[int]]], name: str) -> Elsewhere:
    uses = [other[name] for other in others if name in other]
    return Elsewhere(
        requests=sum(use[0] for use in uses),
        tokens=sum(use[1] for use in uses),
        running=sum(use[2] for use in uses),
    )
