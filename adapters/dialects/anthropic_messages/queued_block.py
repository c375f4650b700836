"""A block of an answer on its way to the wire."""

from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

from adapters.dialects.anthropic_messages.frames import Verbatim


class Kind(Enum):
    """What a block is made of; ``SEALED`` comes whole."""

    TEXT = auto()
    THINKING = auto()
    CALL = auto()
    SEALED = auto()
    FOREIGN = auto()


@dataclass(slots=True, eq=False)
class QueuedBlock:
    """
    A block and what waits for its turn.

    Attributes:
        index: the place on the wire once it is open.
        foreign_index: the place that its own events speak of.
        was_closed: nobody said that the call is complete, but other content came after its whole object.
        passed_on: it was begun by frames that were written as they came.
    """

    kind: Kind
    shown: bytes | Verbatim
    index: int | None = None
    foreign_index: int | None = None
    waiting: list[bytes | Verbatim] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    ended: bool = False
    was_closed: bool = False
    passed_on: bool = False
    stop: Verbatim | None = None

    @property
    def written(self) -> str:
        """The arguments so far."""
        return "".join(self.arguments)

    def grows_object(self) -> bool:
        """Whether the arguments are to be an object, as they have to be; weak models write any JSON."""
        return self.passed_on or next(
            (piece for piece in map(str.lstrip, self.arguments) if piece), ""
        ).startswith("{")

    def is_complete_call(self) -> bool:
        try:
            msgspec.json.decode(self.written)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True
