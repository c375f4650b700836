"""Events about a client's request as a whole."""

from dataclasses import dataclass
from typing import ClassVar

from domain.inventory.level import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAccepted:
    """A client's request has arrived; `request-completed` will tell how it ended."""

    name: ClassVar[str] = "request-accepted"
    level: ClassVar[Level] = Level.DEBUG
    request_id: str
    dialect: str
    member: str
    key_id: str
