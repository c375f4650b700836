"""What has been counted."""

from collections.abc import Mapping
from typing import Protocol

from domain.conversation.extensions import Json


class Metrics(Protocol):
    """The counts of all processes that serve together. Asking may read files, and never fails for it."""

    def exposition(self) -> bytes:
        """In the text format of Prometheus, version 0.0.4."""
        ...

    def snapshot(self) -> Mapping[str, Json]:
        """For people and their scripts: totals, each provider's record, the latest attempts."""
        ...
