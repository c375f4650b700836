"""Events about agents whose run goes wrong."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class ToolLoopDetected:
    """
    A model keeps making the same calls of tools; ``action`` is what the profile does about it.

    ``period`` is the number of calls that take turns, 1 for one call over and over. Arguments are not told.
    """

    name: ClassVar[str] = "tool-loop-detected"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    tool_name: str
    repeat_count: int
    period: int
    threshold: int
    window: int
    action: str
