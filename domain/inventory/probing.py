"""Events about asking upstreams whether they are there."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class ContextWindowLearned:
    """An upstream has told the context window of a model; prompts are measured by it from now on."""

    name: ClassVar[str] = "context-window-learned"
    level: ClassVar[Level] = Level.INFO
    provider: str
    model: str
    tokens: int


@value(kw_only=True)
class ProbeOutcomeChanged:
    """A provider that is asked whether it is there has come or gone; ``error`` is empty when it is there."""

    name: ClassVar[str] = "probe-outcome-changed"
    level: ClassVar[Level] = Level.INFO
    provider: str
    reachable: bool
    error: str
