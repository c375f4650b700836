"""A network whose machines are ready so many seconds after they were called, by a clock that stands still."""

from math import inf

from domain.ports.network import CallFailed
from domain.routing.targets import WakePlan
from tests.fakes.fixed_clock import FixedClock


class ScriptedHosts:
    """
    Every machine sleeps until it is called.

    Args:
        wakes_after_s: how long each takes then; for ever by default.
        cut_off: no packet leaves this machine.
    """

    def __init__(self, clock: FixedClock, *, wakes_after_s: float = inf, cut_off: bool = False) -> None:
        self.calls: list[WakePlan] = []
        self.called_at: list[float] = []
        self.wakes_at = inf
        self._clock = clock
        self._wakes_after_s = wakes_after_s
        self._cut_off = cut_off

    def __repr__(self) -> str:
        return f"<ScriptedHosts called {len(self.calls)} times>"

    @property
    def is_there(self) -> bool:
        return self._clock.monotonic() >= self.wakes_at

    async def call(self, plan: WakePlan) -> None:
        self.calls.append(plan)
        self.called_at.append(self._clock.monotonic())
        if self._cut_off:
            raise CallFailed("255.255.255.255: Network is unreachable")
        self.wakes_at = min(self.wakes_at, self._clock.monotonic() + self._wakes_after_s)

    async def answers(self, plan: WakePlan, within_s: float) -> bool:
        """What would be waited for passes at once."""
        self._clock.advance(min(within_s, max(0.0, self.wakes_at - self._clock.monotonic())))
        return self.is_there
