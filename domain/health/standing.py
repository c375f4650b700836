"""What speaks against trying a target first."""

from domain.health.latency import Measured
from domain.values import value


@value(kw_only=True)
class Standing:
    """
    How a target has done of late, as a profile's policy sees it.

    Attributes:
        unhealthy: its provider failed too often, and is to be tried after the others.
        trial_s: its provider failed too often, but may be tried in its old place once, if its first content
            comes within so many seconds.
        score: how it has done beside the others; the lower the better.
        measured: what the score comes from, where anything is measured.
    """

    unhealthy: bool = False
    trial_s: float | None = None
    score: float = 0.0
    measured: Measured | None = None


NOTHING_KNOWN = Standing()
"""Of a target against which nothing speaks."""
