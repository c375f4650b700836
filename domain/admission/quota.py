"""What a provider's plan lets through in a minute, a day or a month."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from domain.values import value


class Unit(StrEnum):
    """What a plan counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"


class Per(StrEnum):
    """For how long it counts."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """
    One line of a plan.

    Attributes:
        zone: whose calendar the days and months follow.
        failed_count: whether requests count that the provider refused.
    """

    unit: Unit
    allowed: int
    per: Per
    zone: tzinfo = UTC
    failed_count: bool = True


@value
class Window:
    """A minute, day or month: its name, and the first moment after it in seconds since the epoch."""

    key: str
    ends_at: float


@value(kw_only=True)
class QuotaStanding:
    """
    How one line of a provider's plan stands in its present window.

    Attributes:
        used: by all who share the plan, as far as is known.
        ends_at: when it begins anew, in seconds since the epoch.
    """

    provider: str
    quota: Quota
    used: int
    ends_at: float

    @property
    def left(self) -> int:
        return max(0, self.quota.allowed - self.used)

    @property
    def is_used_up(self) -> bool:
        """Whether the provider is left alone for it."""
        return self.left == 0

    @property
    def resets_at(self) -> str:
        """When it begins anew: UTC, ISO 8601."""
        moment = datetime.fromtimestamp(self.ends_at, UTC)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


class QuotaMeter:
    """
    How much of one line of a plan is used in the present window.

    Several processes may count: `take_untold` is what this one has used and not yet told, `learn` what all
    of them have used together.

    Args:
        window_at: the window that holds a moment.
    """

    def __init__(self, quota: Quota, window_at: Callable[[float], Window]) -> None:
        self.quota = quota
        self._window_at = window_at
        self._window = Window("", 0.0)
        self._known = 0
        self._untold = 0

    def __repr__(self) -> str:
        return f"<QuotaMeter {self._known + self._untold} of {self.quota.allowed} {self.quota.unit}>"

    def window(self, now: float) -> Window:
        """The present window; what was counted in an earlier one is forgotten."""
        if now >= self._window.ends_at:
            self._window = self._window_at(now)
            self._known = self._untold = 0
        return self._window

    def used(self, now: float) -> int:
        self.window(now)
        return self._known + self._untold

    def use(self, amount: int, now: float) -> None:
        self.window(now)
        self._untold += amount

    def give_back(self, amount: int, window: Window, now: float) -> None:
        """What was used in a window has turned out not to count, which is of no use when that is over."""
        if self.window(now) == window:
            self._untold -= amount

    def take_untold(self, now: float) -> int:
        """What is to be told to the others; it counts as told from now on."""
        self.window(now)
        amount, self._untold = self._untold, 0
        self._known += amount
        return amount

    def learn(self, total: int, window: Window, now: float) -> None:
        """All together have used so much of a window, if that is still the present one."""
        if self.window(now) == window:
            self._known = total
