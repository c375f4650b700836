"""Asks unhealthy providers whether they are back, where asking costs nothing."""

import asyncio

from app.use_cases.probe_providers import ProbeProviders
from domain.health.roster import Roster
from domain.ports.time import Clock
from domain.routing.targets import RoutingTable

_LOOKS_EVERY_S = 1.0


class HalfOpen:
    """
    Probes a provider whose trial is due, so that no request has to find out.

    Providers that cannot be probed are tried by requests (`app.use_cases.watch_health`).
    """

    def __init__(
        self, roster: Roster, table: RoutingTable, probe_providers: ProbeProviders, clock: Clock
    ) -> None:
        self._roster = roster
        self._table = table
        self._probe_providers = probe_providers
        self._clock = clock
        self._asked_at: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<HalfOpen {sorted(self._asked_at)}>"

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """One probe of everybody whose trial is due, all at once."""
        now = self._clock.monotonic()
        due = [name for name in self._roster.known() if self._is_due(name, now)]
        self._asked_at.update(dict.fromkeys(due, now))
        async with asyncio.TaskGroup() as tasks:
            for name in due:
                tasks.create_task(self._probe_providers.ask(name))

    def _is_due(self, name: str, now: float) -> bool:
        if name not in self._probe_providers.names or not self._roster.is_trial_due(name, now):
            return False
        interval_s = self._table.profile_naming(name).health.half_open_s
        return now - self._asked_at.get(name, -interval_s) >= interval_s
